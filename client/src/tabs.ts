/**
 * One connection for all tabs of a user. The tab that holds the lock leads: it has the connection, and hands every input
 * of the model on. The others run the same model over the same inputs, so each of them can lead next, and the browser
 * gives the lock to one of them as soon as the leader is gone.
 *
 * Where this cannot be loaded, and without Web Locks or BroadcastChannel, every tab leads for itself (`alone.ts`).
 */

import type { Input, State } from "./model/state.js";
import type { Transport } from "./types.js";

/** What a follower has the leader do. */
export type Order = ["send", command: object] | ["start"] | ["reconnect", transport?: Transport];

/** What a tab tells of itself: the rooms that it is in, and whether it is in front. */
export interface Wants {
  readonly rooms: readonly string[];
  readonly isVisible: boolean;
}

type Letter =
  /** A follower is there, or wants something else; answered with the state if it is new. */
  | ["hello", from: string, wants: Wants, isNew: boolean]
  | ["order", order: Order]
  | ["ping"]
  /** From here on it is the leader that writes. */
  | ["pong" | "lead"]
  | ["state", to: string, state: State]
  | ["input", input: Input];

export interface Tab {
  lead(): void;
  resign(): void;
  state(): State;
  take(input: Input): void;
  obey(order: Order): void;
  wants(): Wants;
  /** Other tabs want something else, and this one leads. */
  changed(): void;
}

export interface Tabs {
  /** What all tabs want. */
  wants(): Wants;
  /** Hands an input on to the followers. */
  relay(input: Input): void;
  /** Has the leader do it, which may be this tab. */
  order(...order: Order): void;
  /** This tab wants something else. */
  update(): void;
  /** Leaves. Where it `isOver` for all, nobody takes the lead before the others have heard so. */
  stop(isOver?: boolean): void;
}

/** How often a tab in front asks whether there is a leader, and after which silence it takes its place. */
const CHECK_MS = 5000;
const SILENCE_MS = 10_000;
/** How long the lead of what is over is kept from the next. */
const OVER_MS = 500;

export function joinTabs(name: string, tab: Tab): Tabs {
  const { locks } = navigator;
  const channel = new BroadcastChannel(name);
  const me = `${Math.random()}`;
  const others = new Map<string, Wants>();
  const stopped = new AbortController();
  let isLeader = false;
  let isCurrent = false;
  /** Since when there is no answer. */
  let askedAt = 0;
  /** Waits for the lead. */
  let queued = new AbortController();
  /** Waits, while leading, for followers to be gone. */
  let leading = new AbortController();

  const post = (...letter: Letter) => channel.postMessage(letter);
  const hello = (isNew: boolean) => post("hello", me, tab.wants(), isNew);
  /** Keeps a lock until this tab stops. */
  const hold = () =>
    new Promise<unknown>((done) => {
      stopped.signal.addEventListener("abort", done);
      if (stopped.signal.aborted) done(null);
    });

  const lead = () => {
    isLeader = true;
    leading = new AbortController();
    post("lead");
    tab.lead();
    return hold();
  };

  const resign = () => {
    if (isLeader) tab.resign();
    isLeader = false;
    leading.abort();
    others.clear();
  };

  const queue = (steal: boolean) => {
    queued.abort();
    queued = new AbortController();
    const { signal } = queued;
    // A lock that is stolen cannot be waited for, so it takes no signal.
    locks.request(name, steal ? { steal } : { signal }, lead).catch(({ name: reason }) => {
      if (signal.aborted) return;
      // A page without an origin may have no locks, and leads for itself.
      if (reason !== "AbortError") return void lead();
      // Another tab has taken the lead, since this one was silent.
      resign();
      queue(false);
      hello(true);
    });
  };

  const read = (letter: Letter) => {
    const [is, what] = letter;
    if (!isLeader) {
      if (is === "hello" || is === "order" || is === "ping") return;
      askedAt = 0;
      if (is === "lead") hello(!isCurrent);
      if (is === "input" && isCurrent) tab.take(what);
      if (is === "state" && what === me) {
        isCurrent = true;
        tab.take({ type: "@adopt", state: letter[2] });
      }
    } else if (is === "hello") {
      // Every tab holds a lock of its own: who can have it knows that the tab is gone.
      const forget = () => void (others.delete(what) && tab.changed());
      if (!others.has(what)) locks.request(name + what, leading, forget).catch(() => {});
      others.set(what, letter[2]);
      if (letter[3]) post("state", what, tab.state());
      tab.changed();
    } else if (is === "order") tab.obey(what);
    else if (is === "ping") post("pong");
  };

  const check = () => {
    if (isLeader || !tab.wants().isVisible) return;
    if (!askedAt) {
      askedAt = Date.now();
      post("ping");
    } else if (Date.now() - askedAt >= SILENCE_MS) {
      askedAt = 0;
      queue(true);
    }
  };

  channel.onmessage = ({ data }) => read(data);
  const own = () => {
    hello(true);
    return hold();
  };
  locks.request(name + me, own).catch(() => {});
  queue(false);
  const checks = setInterval(check, CHECK_MS);

  return {
    wants() {
      const all = [tab.wants(), ...others.values()];
      return { rooms: all.flatMap(({ rooms }) => rooms), isVisible: all.some(({ isVisible }) => isVisible) };
    },
    relay: (input) => post("input", input),
    order: (...order) => (isLeader ? tab.obey(order) : post("order", order)),
    update: () => (isLeader ? tab.changed() : hello(false)),
    stop(isOver) {
      clearInterval(checks);
      queued.abort();
      if (isOver && isLeader) setTimeout(() => stopped.abort(), OVER_MS);
      else stopped.abort();
      resign();
      channel.close();
    },
  };
}
