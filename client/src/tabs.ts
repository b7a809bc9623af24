/**
 * One connection for all tabs of a user. The tab that holds the lock leads: it has the connection, and hands every input
 * of the model on. The others run the same model over the same inputs, so each of them can lead next, and the browser
 * gives the lock to one of them as soon as the leader is gone.
 *
 * Without Web Locks or BroadcastChannel every tab leads for itself.
 */

import type { Input, State } from "./model/state.js";
import type { Transport } from "./types.js";

/** What a follower asks of the leader. */
export type Order =
  | { do: "command"; command: object }
  /** `isGentle`: only if there is none. */
  | { do: "reconnect"; transport?: Transport | undefined; isGentle?: boolean };

type Letter =
  /** A follower is there, or has changed; answered with the state if it is new. */
  | { is: "hello"; from: string; rooms: readonly string[]; isVisible: boolean; isNew: boolean }
  | { is: "bye"; from: string }
  | { is: "order"; order: Order }
  | { is: "ping" | "pong" | "lead" }
  | { is: "state"; to: string; state: State }
  | { is: "input"; input: Input };

export interface Tab {
  lead(): void;
  resign(): void;
  state(): State;
  /** The leader's state, for one who comes anew. */
  adopt(state: State): void;
  hear(input: Input): void;
  obey(order: Order): void;
  /** The rooms that this tab is in, and whether it is in front. */
  rooms(): readonly string[];
  isVisible(): boolean;
  /** Something of another tab has changed, and this one leads. */
  changed(): void;
}

export interface Tabs {
  readonly isLeader: boolean;
  /** The rooms of all tabs, and whether any of them is in front. */
  rooms(): ReadonlySet<string>;
  isVisible(): boolean;
  /** Hands an input on to the followers. */
  relay(input: Input): void;
  /** Has the leader do it, which may be this tab. */
  order(order: Order): void;
  /** Says what has changed in this tab. */
  update(): void;
  stop(): void;
}

/** How often a tab in front asks whether there is a leader, and after which silence it takes its place. */
const CHECK_MS = 5000;
const SILENCE_MS = 10_000;

export function joinTabs(name: string | null, tab: Tab): Tabs {
  const locks = globalThis.navigator?.locks;
  const isShared = name !== null && !!locks && "BroadcastChannel" in globalThis;
  const me = Math.random().toString(36).slice(2);
  const others = new Map<string, { rooms: readonly string[]; isVisible: boolean }>();
  const channel = isShared ? new BroadcastChannel(name) : null;
  let isLeader = false;
  let isCurrent = false;
  let isStopped = false;
  /** Since when there is no answer. */
  let askedAt = 0;
  let release = () => {};
  let gone = new AbortController();

  const post = (letter: Letter) => channel?.postMessage(letter);
  const hello = (isNew: boolean) =>
    post({ is: "hello", from: me, rooms: tab.rooms(), isVisible: tab.isVisible(), isNew });

  const lead = () => {
    isLeader = true;
    post({ is: "lead" });
    tab.lead();
    return new Promise<void>((done) => (release = done));
  };

  const queue = (isStolen = false) => {
    gone = new AbortController();
    const { signal } = gone;
    const lock = locks as LockManager;
    // A lock that is stolen cannot be waited for, so it takes no signal.
    lock.request(name as string, isStolen ? { steal: true } : { signal }, lead).catch(() => {
      if (signal.aborted) return;
      // Another tab has taken the lead, since this one was silent.
      resign();
      queue();
      hello(true);
    });
  };

  const resign = () => {
    if (isLeader) tab.resign();
    isLeader = false;
    others.clear();
  };

  const forget = (from: string) => others.delete(from) && tab.changed();

  const read = (letter: Letter) => {
    if (isLeader) {
      if (letter.is === "hello") {
        const { from, rooms, isVisible, isNew } = letter;
        // Every tab holds a lock of its own: who can have it knows that the tab is gone.
        if (!others.has(from))
          locks?.request(`${name}:${from}`, { signal: gone.signal }, () => forget(from)).catch(() => {});
        others.set(from, { rooms, isVisible });
        if (isNew) post({ is: "state", to: from, state: tab.state() });
        tab.changed();
      }
      if (letter.is === "bye") forget(letter.from);
      if (letter.is === "order") tab.obey(letter.order);
      if (letter.is === "ping") post({ is: "pong" });
      return;
    }
    if (letter.is === "lead") hello(!isCurrent);
    if (letter.is === "state" && letter.to === me) {
      isCurrent = true;
      tab.adopt(letter.state);
    }
    if (letter.is === "input" && isCurrent) tab.hear(letter.input);
    if (["lead", "state", "input", "pong"].includes(letter.is)) askedAt = 0;
  };

  const check = () => {
    if (isLeader || !tab.isVisible()) return;
    if (!askedAt) {
      askedAt = Date.now();
      post({ is: "ping" });
    } else if (Date.now() - askedAt >= SILENCE_MS) {
      askedAt = 0;
      gone.abort();
      queue(true);
    }
  };

  let checks: ReturnType<typeof setInterval> | undefined;
  let letGo = () => {};
  if (channel) {
    channel.onmessage = ({ data }) => read(data as Letter);
    locks?.request(`${name}:${me}`, () => {
      hello(true);
      return new Promise<void>((done) => (letGo = done));
    });
    queue();
    checks = setInterval(check, CHECK_MS);
  } else {
    // Not before whoever has called knows of it.
    queueMicrotask(() => isStopped || lead());
  }

  const all = () => [{ rooms: tab.rooms(), isVisible: tab.isVisible() }, ...others.values()];
  return {
    get isLeader() {
      return isLeader;
    },
    rooms: () => new Set(all().flatMap(({ rooms }) => rooms)),
    isVisible: () => all().some(({ isVisible }) => isVisible),
    relay: (input) => post({ is: "input", input }),
    order: (order) => (isLeader ? tab.obey(order) : post({ is: "order", order })),
    update: () => {
      if (isLeader) tab.changed();
      else hello(false);
      check();
    },
    stop: () => {
      isStopped = true;
      clearInterval(checks);
      gone.abort();
      post({ is: "bye", from: me });
      resign();
      release();
      letGo();
      channel?.close();
    },
  };
}
