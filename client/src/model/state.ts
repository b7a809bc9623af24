/** What one tab knows of the server, and what can happen to it. */

import type { EventMap, Fault, RoomSnapshot, Status, Transport } from "../types.js";
import type { Counters, Cursor, Frame, History, Page, Position } from "../wire.js";
import type { Items, Pending } from "./inbox.js";
import type { Cursors } from "./position.js";

export interface State {
  /** What has been seen of each stream: the inbox and the rooms. */
  readonly cursors: Cursors;
  /** As the server has them; what is `pending` is laid over them by the view. */
  readonly items: Items;
  readonly counters: Counters;
  /** Where older ones begin; `null` where there are none. */
  readonly before: Position | null;
  /** What the list was read up to. */
  readonly top: Position;
  readonly loaded: boolean;
  /** Whether the list has to be read (again), by whoever is connected next if not now. */
  readonly owed: boolean;
  readonly user: string | null;
  readonly rooms: Readonly<Record<string, RoomSnapshot>>;
  readonly pending: readonly Pending[];
  readonly status: Status;
  readonly transport: Transport | null;
  readonly error: Fault | null;
}

export const NEW: State = {
  cursors: {},
  items: [],
  // Older than any that a server tells.
  counters: { unread: 0, unseen: 0, version: -1, marks_version: -1 },
  before: null,
  top: "",
  loaded: false,
  owed: true,
  user: null,
  rooms: {},
  pending: [],
  status: "idle",
  transport: null,
  error: null,
};

/** What happens on this side; `@` keeps the names apart from those of frames. */
export type OwnInput =
  /** The first page of the list, or an older one; `isBelieved` whatever else is known here. */
  | { type: "@page"; page: Page; isOlder?: boolean; isBelieved?: boolean }
  /** Where a poll goes on, and after which time at most it should be heard of again. */
  | { type: "@polled"; cursor: Cursor; ping_interval_ms: number }
  | { type: "@link"; status: Status; transport: Transport | null; error: Fault | null }
  /** The state of the tab that leads, for one who comes anew. */
  | { type: "@adopt"; state: State }
  /** Somebody wants to be in a room, or nobody any more. */
  | { type: "@want" | "@drop"; room: string }
  | { type: "@history"; room: string; history: History }
  /** A mark was made here, or more go with it; `@settled` when the server has taken it (`counters`), or has not (`isRefused`). */
  | { type: "@pending"; pending: Omit<Pending, "at"> }
  | { type: "@settled"; id: number; counters?: Counters | undefined; isRefused?: boolean };

export type Input = Frame | OwnInput;

/** What is to be done: tell who listens, or (`@list`) read the list again. */
export type Effect = ["@list"] | { [K in keyof EventMap]: [event: K, data: EventMap[K]] }[keyof EventMap];
