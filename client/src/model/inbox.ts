/**
 * Items of an inbox, the newest first, and what marks do to them. Lists are never changed: whatever is different is a
 * new list, and whatever is not is the same object.
 */

import type { Counters, Mark, Notification, Page, Position, Timestamp, Which } from "../wire.js";
import { epochOf, isUpTo, offsetOf, parseCursor } from "./position.js";

export type Items = readonly Notification[];

/** A mark that was made here, and that the server has not answered yet. */
export interface Pending {
  readonly id: number;
  readonly as: Mark | "deleted";
  readonly which: Which;
  readonly at: Timestamp;
}

type Counted = Pick<Counters, "unread" | "unseen">;

export function insert(items: Items, item: Notification): Items {
  if (items.some(({ id }) => id === item.id)) return items;
  // A jump over epochs leaves old ones behind the new one, whatever their offsets.
  const at = items.findIndex(
    (one) => epochOf(one.position) !== epochOf(item.position) || isUpTo(one.position, item.position),
  );
  return at < 0 ? [...items, item] : [...items.slice(0, at), item, ...items.slice(at)];
}

/** What the mark makes of one item; `null` where it is gone. */
function marked(item: Notification, as: Pending["as"], at: Timestamp): Notification | null {
  if (as === "archived" || as === "deleted") return null;
  if (as === "unread") {
    const { read_at, ...unread } = item;
    return read_at ? unread : item;
  }
  const { seen_at = at, read_at = as === "read" ? at : undefined } = item;
  if (seen_at === item.seen_at && read_at === item.read_at) return item;
  return read_at ? { ...item, seen_at, read_at } : { ...item, seen_at };
}

const count = (items: Items): Counted => ({
  unread: items.filter((item) => !item.read_at).length,
  unseen: items.filter((item) => !item.seen_at).length,
});

/**
 * Marks items, and counts what that changes. `isAll` says that no older ones exist than these; then, or where the mark
 * reaches over all of them, what is left can be counted, and else only the difference.
 */
export function mark(
  items: Items,
  counted: Counted,
  { as, which, at }: Omit<Pending, "id">,
  isAll: boolean,
): { items: Items; counted: Counted } {
  const { ids, up_to } = which;
  const isMeant = (item: Notification) =>
    ids ? ids.includes(item.id) : up_to === undefined || isUpTo(item.position, up_to);
  let isSame = true;
  const next = items.flatMap((item) => {
    const changed = isMeant(item) ? marked(item, as, at) : item;
    isSame &&= changed === item;
    return changed ? [changed] : [];
  });
  const [before, after] = [count(items), count(next)];
  const oldest = items.at(-1);
  const isWhole = as !== "unread" && !ids && (isAll || !oldest || isMeant(oldest));
  const left = (name: keyof Counted) =>
    isWhole && (name === "unseen" || as !== "seen")
      ? after[name]
      : Math.max(0, counted[name] + after[name] - before[name]);
  return { items: isSame ? items : next, counted: { unread: left("unread"), unseen: left("unseen") } };
}

/** The list as the server has it now, with what has come since it was read. */
export function refreshed(items: Items, page: Page): Items {
  const known = new Map(items.map((item) => [item.id, item]));
  const fresh = page.notifications.map((item) => same(known.get(item.id), item));
  const top = pageTop(page);
  const isNewer = ({ position }: Notification) =>
    offsetOf(top) === 0 || (epochOf(position) === epochOf(top) && offsetOf(position) > offsetOf(top));
  const listed = new Set(fresh.map(({ id }) => id));
  return [...items.filter((item) => isNewer(item) && !listed.has(item.id)), ...fresh];
}

export function extended(items: Items, page: Page): Items {
  const known = new Set(items.map(({ id }) => id));
  return [...items, ...page.notifications.filter(({ id }) => !known.has(id))];
}

/** The position that a page was read at. */
export function pageTop(page: Page): Position {
  return parseCursor(page.cursor).inbox ?? "00000000.0";
}

/** The known object where nothing in it has changed, so that whoever renders it need not do so again. */
function same(known: Notification | undefined, item: Notification): Notification {
  return known && known.read_at === item.read_at && known.seen_at === item.seen_at ? known : item;
}
