/** What is rendered: the state, with what is pending laid over it. */

import type { PushSnapshot, Snapshot } from "../types.js";
import { mark } from "./inbox.js";
import type { State } from "./state.js";

/**
 * Makes snapshots of states, one after the other. What has not changed is the same object as in the one before, and so
 * is the whole of it.
 */
export function viewer(): (state: State, leader: boolean, push: PushSnapshot) => Snapshot {
  let last = {} as Snapshot;
  let base = {} as State;
  let inbox: Pick<Snapshot, "items" | "unread" | "unseen">;
  return (state, leader, push) => {
    const { counters, pending, before, cursors, top, owed, ...shown } = state;
    const { items } = shown;
    if (base.items !== items || base.counters !== counters || base.pending !== pending) {
      let [left, counted]: ReturnType<typeof mark> = [items, counters];
      for (const made of pending) [left, counted] = mark(left, counted, made);
      inbox = { items: left, unread: counted.unread, unseen: counted.unseen };
    }
    base = state;
    const next = { ...shown, ...inbox, leader, push, hasMore: !!before };
    if ((Object.keys(next) as (keyof Snapshot)[]).some((key) => last[key] !== next[key])) last = next;
    return last;
  };
}
