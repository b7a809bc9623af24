/** What is new, each for a moment, without a way to show it; and how it looks, beside what `styles.ts` says of all parts. */

import type { Notification, Tidings } from "../types.js";
import { Watchers } from "./watchers.js";

const NONE: readonly Notification[] = [];

export class Toasts {
  readonly client: Tidings;
  /** How long each is there, in ms. */
  duration = 6000;
  /** How many at once. */
  max = 3;
  readonly #watchers = new Watchers(() => this.#begin());
  /** By id; a toast that is held, or that nobody sees, has no end. */
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #shown = NONE;
  #isHeld = false;

  constructor(client: Tidings) {
    this.client = client;
  }

  /** The newest first. */
  getView = (): readonly Notification[] => this.#shown;
  getServerView = (): readonly Notification[] => NONE;

  subscribe = this.#watchers.subscribe;

  /** Whether somebody points at them, or is among them by keyboard: nobody is hurried. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#time();
  }

  dismiss(id: string): void {
    // What had the focus, or was under the pointer, may be gone without a word.
    this.#isHeld = false;
    this.#show(this.#shown.filter((item) => item.id !== id));
  }

  /** Somebody has gone where it leads. */
  open({ id }: Notification): void {
    // Where that is refused it is unread in the inbox again.
    this.client.markRead(id).catch(() => {});
    this.dismiss(id);
  }

  #begin(): (() => void)[] {
    const { client } = this;
    const look = () => this.#time();
    document.addEventListener("visibilitychange", look);
    return [
      client.on("notification", (item) => this.#show([item, ...this.#shown].slice(0, this.max))),
      client.subscribe(() => this.#follow()),
      () => document.removeEventListener("visibilitychange", look),
      () => this.#show(NONE),
    ];
  }

  /** What was dealt with, here or elsewhere, is new no more. */
  #follow(): void {
    const { items } = this.client.getSnapshot();
    for (const { id } of this.#shown)
      if (!items.some((item) => item.id === id && item.read_at === undefined)) this.dismiss(id);
  }

  #show(shown: readonly Notification[]): void {
    this.#shown = shown;
    this.#time();
    this.#watchers.tell();
  }

  /** Each goes when its time is over, and has all of it again behind a pause. */
  #time(): void {
    const going = this.#isHeld || document.hidden ? NONE : this.#shown;
    for (const [id, timer] of this.#timers) {
      if (going.some((item) => item.id === id)) continue;
      clearTimeout(timer);
      this.#timers.delete(id);
    }
    for (const { id } of going)
      if (!this.#timers.has(id))
        this.#timers.set(
          id,
          setTimeout(() => this.dismiss(id), this.duration),
        );
  }
}

export const toastsCss = `
.tidings-toasts{position:fixed;z-index:1000;inset-block-end:1rem;inset-inline-end:1rem;display:grid;gap:.5rem;
width:min(22rem,calc(100vw - 2rem))}
.tidings-toast{position:relative;background:var(--surface);border:1px solid var(--border);border-radius:var(--radius);
box-shadow:0 8px 32px rgb(0 0 0/.18);overflow:hidden}
.tidings .tidings-toast>.tidings-item{padding-inline:1rem 3.25rem;min-height:2.75rem}
@media (prefers-reduced-motion:no-preference){.tidings-toast{animation:tidings-toast .2s ease-out}}
@keyframes tidings-toast{from{opacity:0;translate:0 .5rem}}
`;
