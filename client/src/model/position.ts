/** Positions and cursors (PROTOCOL.md section 1): the same text on every transport. */

import type { Cursor, Position } from "../wire.js";

export type Cursors = Readonly<Record<string, Position>>;

export const epochOf = (position: Position): string => position.split(".")[0] as string;
export const offsetOf = (position: Position): number => Number(position.split(".")[1]);

/** Whether `position` is at or before `bound`; never over two lives of a numbering. */
export function isUpTo(position: Position, bound: Position): boolean {
  return epochOf(position) === epochOf(bound) && offsetOf(position) <= offsetOf(bound);
}

/**
 * How something that follows the offset `from` and reaches to `to` stands to what is `known` of its stream: it is the
 * `next`, it is `old`, or something between is missing (`jump`). What follows the very start may be of any epoch.
 */
export function judge(known: Position | undefined, from: number, to: Position): "next" | "old" | "jump" {
  if (known === undefined) return "next";
  const offset = offsetOf(known);
  if (offset !== 0 && epochOf(known) !== epochOf(to)) return "jump";
  if (offsetOf(to) <= offset) return "old";
  return from <= offset ? "next" : "jump";
}

export function cursorOf(cursors: Cursors, streams: readonly string[]): Cursor {
  return streams.flatMap((stream) => (cursors[stream] ? [`${stream}@${cursors[stream]}`] : [])).join(",");
}

export function parseCursor(cursor: Cursor): Record<string, Position> {
  return Object.fromEntries(cursor.split(",").flatMap((part) => (part ? [part.split("@") as [string, string]] : [])));
}
