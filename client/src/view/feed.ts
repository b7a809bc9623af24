/**
 * The list as it is shown, without a way to show it: which tab, what is held back so that nothing moves under the
 * reader's eyes, what a screen reader is told, and when all that is shown counts as seen.
 *
 * Knows no DOM but whether the page is in front. React and the elements render its view and tell it what happens.
 */

import type { Notification, Snapshot, Tidings } from "../types.js";
import { Watchers } from "./watchers.js";

export type Tab = "all" | "unread";

export interface FeedView {
  readonly snapshot: Snapshot;
  readonly tab: Tab;
  /** What to show. */
  readonly items: readonly Notification[];
  /** How many newer ones are held back until the reader asks for them. */
  readonly held: number;
  /** How many have come since it was last told; 0 is nothing to tell. */
  readonly announced: number;
  /** Why the last thing that was asked for did not work. */
  readonly failure: string | null;
}

/** A screen reader is told at most this often. */
const ANNOUNCE_EVERY = 5_000;
/** What comes at once is told at once. */
const GATHER = 300;
/** How long it stands there to be read; gone, the same words can be told again. */
const ANNOUNCED_FOR = 3_000;

export class Feed {
  readonly client: Tidings;
  readonly #watchers = new Watchers(() => this.#follow());
  #view: FeedView;
  readonly #serverView: FeedView;
  #isOpen = false;
  /** The newest that may be shown while the reader is not at the top. */
  #limit: string | null = null;
  #arrived = 0;
  #lastTold = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The newest that was said to be seen, so that a refusal is not asked for again at once. */
  #seen: string | null = null;

  constructor(client: Tidings) {
    this.client = client;
    this.#view = viewOf(client.getSnapshot());
    this.#serverView = viewOf(client.getServerSnapshot());
  }

  getView = (): FeedView => this.#view;
  /** What a server renders, and a browser first of all where it goes on from that. */
  getServerView = (): FeedView => this.#serverView;

  subscribe = this.#watchers.subscribe;

  setTab(tab: Tab): void {
    this.#limit = null;
    this.#change({ tab });
  }

  /** Whether the list is in front of the reader; what is shown then counts as seen. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    if (!isOpen) this.#limit = null;
    this.#change({});
    this.#see();
  }

  /** What has come up to now is told by somebody else, or was. */
  hush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#arrived = 0;
    this.#change({ announced: 0 });
  }

  /** Whether the reader looks at the top of the list. Elsewhere new ones are held back. */
  setAtTop(isAtTop: boolean): void {
    const limit = isAtTop ? null : (this.#limit ?? this.#view.snapshot.items[0]?.position ?? null);
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#change({});
    if (isAtTop) this.#see();
  }

  /** Does what was asked for, and says where it did not work. */
  async attempt(action: Promise<unknown>): Promise<boolean> {
    try {
      await action;
      if (this.#view.failure !== null) this.#change({ failure: null });
      return true;
    } catch (error) {
      this.#change({ failure: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  #follow(): (() => void)[] {
    const { client } = this;
    const over = new AbortController();
    this.#change({});
    // What came while nobody looked is seen when somebody does.
    globalThis.document?.addEventListener("visibilitychange", () => this.#see(), over);
    return [
      () => over.abort(),
      client.subscribe(() => {
        this.#change({});
        this.#see();
      }),
      client.on("notification", () => this.#arrive(1)),
      () => {
        clearTimeout(this.#timer);
        this.#timer = undefined;
      },
    ];
  }

  #change(part: Partial<FeedView>): void {
    const snapshot = this.client.getSnapshot();
    const { tab, announced, failure } = { ...this.#view, ...part };
    const held = this.#limit === null ? 0 : newer(snapshot.items, this.#limit);
    const shown = held === 0 ? snapshot.items : snapshot.items.slice(held);
    const items = tab === "all" ? shown : shown.filter((item) => item.read_at === undefined);
    const before = this.#view;
    const isSame =
      before.snapshot === snapshot &&
      before.tab === tab &&
      before.held === held &&
      before.announced === announced &&
      before.failure === failure;
    if (isSame) return;
    const isSameList = items.length === before.items.length && items.every((item, at) => item === before.items[at]);
    this.#view = { snapshot, tab, items: isSameList ? before.items : items, held, announced, failure };
    this.#watchers.tell();
  }

  #see(): void {
    const { snapshot, held } = this.#view;
    const isInFront = this.#isOpen && !globalThis.document?.hidden;
    const top = snapshot.items[0]?.position ?? null;
    if (!isInFront || held > 0 || snapshot.unseen === 0 || !snapshot.loaded || top === this.#seen) return;
    this.#seen = top;
    void this.attempt(this.client.markSeen());
  }

  #arrive(count: number): void {
    this.#arrived += count;
    const wait = Math.max(GATHER, this.#lastTold + ANNOUNCE_EVERY - Date.now());
    this.#timer ??= setTimeout(() => this.#announce(), wait);
  }

  #announce(): void {
    this.#lastTold = Date.now();
    this.#change({ announced: this.#arrived });
    this.#arrived = 0;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#change({ announced: 0 });
      if (this.#arrived > 0) this.#arrive(0);
    }, ANNOUNCED_FOR);
  }
}

function viewOf(snapshot: Snapshot): FeedView {
  return { snapshot, tab: "all", items: snapshot.items, held: 0, announced: 0, failure: null };
}

/** How many stand before this position: positions of another epoch compare with nothing. */
function newer(items: readonly Notification[], position: string): number {
  const [epoch, offset] = split(position);
  const first = items.findIndex((item) => {
    const [itsEpoch, itsOffset] = split(item.position);
    return itsEpoch !== epoch || itsOffset <= offset;
  });
  return first === -1 ? items.length : first;
}

function split(position: string): [string, number] {
  const dot = position.lastIndexOf(".");
  return [position.slice(0, dot), Number(position.slice(dot + 1))];
}
