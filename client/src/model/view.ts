/** What is rendered: the state, with what is pending laid over it. */

import type { PushSnapshot, Snapshot } from "../types.js";
import { mark } from "./inbox.js";
import type { State } from "./state.js";

/**
 * Makes snapshots of states, one after the other. What has not changed is the same object as in the one before, and so
 * is the whole of it.
 */
export function viewer(): (state: State, isLeader: boolean, push: PushSnapshot) => Snapshot {
  let last: Snapshot | undefined;
  let base: Pick<State, "items" | "counters" | "pending"> | undefined;
  let inbox: Pick<Snapshot, "items" | "unread" | "unseen">;
  return (state, leader, push) => {
    const { items, counters, pending, before } = state;
    if (base?.items !== items || base.counters !== counters || base.pending !== pending) {
      let laid: ReturnType<typeof mark> = { items, counted: counters };
      for (const one of pending) laid = mark(laid.items, laid.counted, one, before === null);
      inbox = { items: laid.items, unread: laid.counted.unread, unseen: laid.counted.unseen };
      base = { items, counters, pending };
    }
    const { status, transport, user, rooms, error, isLoaded: loaded } = state;
    const next = { status, transport, leader, user, ...inbox, hasMore: before !== null, loaded, rooms, push, error };
    const keys = Object.keys(next) as (keyof Snapshot)[];
    if (!last || keys.some((key) => last?.[key] !== next[key])) last = next;
    return last;
  };
}
