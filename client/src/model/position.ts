/** Positions and cursors (PROTOCOL.md section 1): the same text on every transport. */

import type { Cursor, Position } from "../wire.js";

export type Cursors = Readonly<Record<string, Position>>;

export const INBOX = "inbox";

/** What a record has by a name of somebody's choice, such as `constructor`. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

export const epochOf = (position: Position): string => position.split(".")[0] as string;
export const offsetOf = (position: Position): number => Number(position.split(".")[1]);

/** Whether `position` is at or before `bound`; never over two lives of a numbering. */
export const isUpTo = (position: Position, bound: Position): boolean =>
  epochOf(position) === epochOf(bound) && offsetOf(position) <= offsetOf(bound);

/**
 * How something that follows the offset `from` and reaches to `to` stands to what is `known` of its stream: it is the
 * `next`, it is `old`, or something between is missing (`jump`). What follows the very start may be of any epoch.
 */
export const judge = (known: Position | undefined, from: number, to: Position): "next" | "old" | "jump" => {
  if (!known) return "next";
  if (isUpTo(to, known)) return "old";
  const offset = offsetOf(known);
  return from <= offset && (!offset || epochOf(known) === epochOf(to)) ? "next" : "jump";
};

export const cursorOf = (cursors: Cursors, streams: readonly string[]): Cursor =>
  `${streams.flatMap((stream) => (own(cursors, stream) ? `${stream}@${cursors[stream]}` : []))}`;

export const parseCursor = (cursor: Cursor): Cursors =>
  Object.fromEntries(cursor.split(",").map((part) => part.split("@")));
