/**
 * Items of an inbox, the newest first, and what marks do to them. Lists are never changed: whatever is different is a
 * new list, and an item that a mark does not change is the same object.
 */

import type { Counters, Mark, Notification, Page, Position, Timestamp, Which } from "../wire.js";
import { epochOf, isUpTo } from "./position.js";

export type Items = readonly Notification[];

/** A mark, as it was made here. */
export interface Made {
  readonly as: Mark | "deleted";
  readonly which: Which;
  readonly at: Timestamp;
}

/** One that the server has not answered yet. */
export interface Pending extends Made {
  readonly id: number;
}

export type Counted = Pick<Counters, "unread" | "unseen">;

/** What the mark makes of one item; nothing where it is gone. */
function marked(item: Notification, { as, at }: Made): Notification | [] {
  const { read_at, seen_at = at, ...rest } = item;
  if (as === "archived" || as === "deleted") return [];
  // What was never read stays as it is.
  if (as === "unread") return read_at ? { ...rest, seen_at } : item;
  return as === "read" || read_at ? { ...rest, seen_at, read_at: read_at ?? at } : { ...rest, seen_at };
}

/**
 * Marks items, and counts what that changes. A mark of single ones makes a difference; one that reaches back over all
 * that are older than the newest leaves what is left here.
 */
export function mark(items: Items, counted: Counted, made: Made): [Items, Counted] {
  const { ids, up_to } = made.which;
  const left = items.flatMap((item) =>
    (ids ? ids.includes(item.id) : !up_to || isUpTo(item.position, up_to)) ? marked(item, made) : item,
  );
  const count = (name: keyof Counted, stamp: "read_at" | "seen_at") => {
    const [before, after] = [items, left].map((some) => some.filter((item) => !item[stamp]).length) as [number, number];
    return !ids && before > after ? after : Math.max(0, counted[name] + after - before);
  };
  return [left, { unread: count("unread", "read_at"), unseen: count("unseen", "seen_at") }];
}

/** Those of `items` that are not among the others. */
export const without = (items: Items, others: Items): Items =>
  items.filter(({ id }) => others.every((other) => other.id !== id));

/** Whether a page was read before marks that are known. */
export const isOld = ({ counters }: Page, known: { readonly counters: Counters }): boolean =>
  counters.marks_version < known.counters.marks_version;

/** Whether more is shown than this page brings, though there is more: it would cut off what somebody has fetched. */
export const isShort = (items: Items, { notifications, next_before }: Page, top: Position): boolean =>
  !!next_before && items.filter(({ position }) => isUpTo(position, top)).length > notifications.length;

/** The list as the server has it now, with what has come since it was read at `top`, in the life that is `now`. */
export const refreshed = (items: Items, { notifications }: Page, top: string, now: Position): Items => [
  ...without(items, notifications).filter(
    ({ position }) => !isUpTo(position, top) && epochOf(position) === epochOf(now),
  ),
  ...notifications,
];
