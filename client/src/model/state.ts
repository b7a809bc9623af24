/** What one tab knows of the server, and what can happen to it. */

import type { EventMap, Fault, RoomSnapshot, Status, Transport } from "../types.js";
import type { Counters, Cursor, Frame, History, Page, Position, Resume } from "../wire.js";
import type { Items, Pending } from "./inbox.js";
import type { Cursors } from "./position.js";

/** A stream that was resumed, until all that was missed has come. */
export interface Owed {
  readonly to: Position;
  readonly count: number;
  readonly isComplete: boolean;
}

export interface State {
  /** What has been seen of each stream: the inbox and the rooms. */
  readonly cursors: Cursors;
  /** As the server has them; what is `pending` is laid over them by the view. */
  readonly items: Items;
  readonly counters: Counters;
  /** Where older ones begin; `null` where there are none. */
  readonly before: Position | null;
  readonly isLoaded: boolean;
  readonly user: string | null;
  readonly rooms: Readonly<Record<string, RoomSnapshot>>;
  readonly owed: Readonly<Record<string, Owed>>;
  readonly pending: readonly Pending[];
  readonly status: Status;
  readonly transport: Transport | null;
  readonly error: Fault | null;
  /** Messages that a room keeps. */
  readonly roomSize: number;
}

/** Older than any that a server tells. */
export const NO_COUNTERS: Counters = { unread: 0, unseen: 0, version: -1, marks_version: -1 };

export function newState(roomSize: number): State {
  return {
    cursors: {},
    items: [],
    counters: NO_COUNTERS,
    before: null,
    isLoaded: false,
    user: null,
    rooms: {},
    owed: {},
    pending: [],
    status: "idle",
    transport: null,
    error: null,
    roomSize,
  };
}

/** What happens on this side; `@` keeps the names apart from those of frames. */
export type OwnInput =
  /** The first page of the list, or an older one. */
  | { type: "@page"; page: Page; isOlder?: boolean }
  /** What a poll says besides its events. */
  | { type: "@polled"; cursor: Cursor; resume: Readonly<Record<string, Resume>> }
  | { type: "@link"; status: Status; transport: Transport | null; error: Fault | null }
  /** Somebody wants to be in a room, or nobody any more. */
  | { type: "@want" | "@drop"; room: string }
  | { type: "@history"; room: string; history: History }
  /** A mark was made here; `@settled` when the server has taken it (`counters`), or has not (`isRefused`). */
  | { type: "@pending"; pending: Pending }
  | { type: "@settled"; id: number; counters?: Counters; isRefused?: boolean };

export type Input = Frame | OwnInput;

/** What is to be done: read the list again, or tell who listens. */
export type Effect =
  | { do: "list" }
  | { [K in keyof EventMap]: { do: "emit"; event: K; data: EventMap[K] } }[keyof EventMap];
