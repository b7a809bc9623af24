/**
 * What an application sees of the client.
 *
 * Data that come from the server keep the names of PROTOCOL.md (`created_at`, `read_at`); what is the client's own is
 * in camel case. Everything in a `Snapshot` is immutable, and a part that has not changed is the same object in the
 * next snapshot: so `useSyncExternalStore` and `===` are all that a renderer needs.
 */

import type {
  Frame,
  Here,
  History,
  Marked,
  Message,
  Mute,
  Notification,
  Position,
  Preferences,
  Timestamp,
} from "./wire.js";

export type * from "./wire.js";

export type Transport = "ws" | "sse" | "longpoll" | "poll";

/**
 * `idle`: not asked to connect, or let go because the page was hidden for long; `connecting`: for the first time;
 * `connected`: the server has welcomed us; `reconnecting`: lost, and coming back by itself; `offline`: the browser says
 * that there is no network; `closed`: for good, by `close()` or by the server, and then `error` says why.
 */
export type Status = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "closed";

export interface Options {
  /** Where the server is, with its base path: `https://push.example.com`. Default: the origin of the page. */
  url?: string;
  /** A token that is good for the whole life of the page. Without `token` and `getToken` the cookie says who it is. */
  token?: string;
  /** Called for a token at the start, and when the one in use has expired. Throw an `AuthError` to stop. */
  getToken?: (why: "connect" | "expired") => string | Promise<string>;
  /** Which ways to try, in this order; what has worked is remembered. Default: all four. */
  transports?: readonly Transport[];
  /** Rooms to be in from the start. */
  rooms?: readonly string[];
  /** `tabs` (default): one connection for all tabs of a user; `none`: this client has its own. */
  sharing?: "tabs" | "none";
  /** How long a page may be hidden before it lets go of its connection, in ms. Default: 5 minutes. */
  hiddenGrace?: number;
  /** Bounds of the full-jitter back-off, in ms. Default: 500 to 20,000, forgotten after 5,000 of being connected. */
  backoff?: { min?: number; max?: number; minUptime?: number };
  /** How many marks wait while there is no network. Default: 64; beyond it a mark is refused. */
  queue?: { max?: number };
  /** Notifications of a page of the list. Default: 50. */
  pageSize?: number;
  /** Messages of a room that a snapshot keeps, the newest. Default: 200. */
  roomSize?: number;
  /** Time between two polls of the transport `poll`, in ms. Default: 30,000. */
  pollInterval?: number;
  /** Whether the badge of the installed app shows `unseen`. Default: true, where the browser can. */
  badge?: boolean;
  /** Where the service worker of `tidings/sw` is served, and the scope it is registered with. Default: `/sw.js`. */
  serviceWorker?: string | { url: string; scope?: string };
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
}

/** What a renderer renders. */
export interface Snapshot {
  readonly status: Status;
  /** What carries the events, or did last. */
  readonly transport: Transport | null;
  /** Whether this tab has the connection. */
  readonly leader: boolean;
  /** Who this is, once known. */
  readonly user: string | null;
  /** The newest first; without archived ones. */
  readonly items: readonly Notification[];
  /** Not yet read; with what was marked here and is on its way. */
  readonly unread: number;
  /** Not yet shown in an opened list: what a badge counts. */
  readonly unseen: number;
  /** Whether `fetchMore()` would bring older ones. */
  readonly hasMore: boolean;
  /** False until the first page of the list is there. */
  readonly loaded: boolean;
  /** By name; those that somebody is in, in whatever tab. */
  readonly rooms: Readonly<Record<string, RoomSnapshot>>;
  readonly push: PushSnapshot;
  /** Why it is `closed`, or what went wrong last while it is not `connected`. */
  readonly error: Fault | null;
}

export interface RoomSnapshot {
  /** `joining` also while the connection is away; `left` where the server has sent us out, and then `error` says why. */
  readonly status: "joining" | "joined" | "left";
  /** Who is here; at most 200, and `userCount` counts all. Empty on `longpoll` and `poll`, which are unseen. */
  readonly users: readonly string[];
  readonly userCount: number;
  /** Who types now, oneself left out. */
  readonly typing: readonly string[];
  /** The oldest first; what was said since we are here, and what `history()` has brought. */
  readonly messages: readonly Message[];
  readonly error: Fault | null;
}

export type PushState = "unsupported" | "insecure" | "needs-install" | "prompt" | "granted" | "denied";

export interface PushSnapshot {
  readonly state: PushState;
  /** Whether this browser is subscribed. False until known. */
  readonly enabled: boolean;
}

/** What went wrong, as a plain object; a `TidingsError` is one, too. */
export interface Fault {
  /** A word of PROTOCOL.md, or one of the client's own (see `TidingsError`). */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** Of HTTP, or the close code. */
  readonly status?: number;
}

export interface EventMap {
  /** A new one, live or missed: each exactly once, in order. */
  notification: Notification;
  /** Marked or deleted, here or on another device. */
  marked: Omit<Marked, "type">;
  status: { status: Status; transport: Transport | null };
  /** A reconnect after which something was missed: so many positions, all of which follow, if it is `complete`. */
  recovered: { stream: string; count: number; complete: boolean };
  /** Something is lost (`gap`); of the inbox the list has been read again, in a room `history()` may help. */
  reset: { stream: string; reason: string };
  message: Message;
  presence: { room: string; user: string; kind: "joined" | "left"; userCount: number };
  typing: { room: string; users: readonly string[] };
  /** Somebody clicked a system notification: show it. Without a listener the page goes to `url` by itself. */
  open: { id: string; url: string };
  /** The connection of this tab has ended, or is given up. */
  lost: null;
  /** Every frame that the server sends, before it is judged; for consoles. */
  frame: Frame;
  error: Fault;
}

export interface ListenOptions {
  signal?: AbortSignal;
}

/** Types of notifications and their payloads: `createTidings<{ "comment.created": { post: number } }>(…)`. */
export type Registry = Record<string, unknown>;

/** Which notifications a mark is about. `all` is all that were there when it was called. */
export type Target = string | readonly string[] | { readonly upTo: Position } | "all";

/** The store contract: what `useSyncExternalStore` takes. The functions may be passed around without their object. */
export interface Store {
  getSnapshot: () => Snapshot;
  /** What is rendered on a server: the same object for ever. */
  getServerSnapshot: () => Snapshot;
  /** Calls after changes, once for all of the same turn. */
  subscribe: (listener: () => void) => () => void;
}

export interface Tidings<R extends Registry = Registry> extends Store {
  /** Connects, unless it is; also after `closed`. */
  connect(): void;
  /** Leaves for good. `connect()` begins anew, from where it was. */
  close(): void;
  /** When connected for the first time from now; rejects when closed instead. */
  ready(): Promise<void>;
  /** Drops the connection and comes back with its cursor, on `transport` if it is given, and then stays on it. */
  reconnect(transport?: Transport): void;

  on<K extends keyof EventMap>(event: K, listener: (event: EventMap[K]) => void, options?: ListenOptions): () => void;
  /** Notifications of one type, with the payload that the registry gives it. */
  onType<K extends keyof R & string>(
    type: K,
    listener: (notification: Notification<R[K], K>) => void,
    options?: ListenOptions,
  ): () => void;

  /** The next page of older ones. */
  fetchMore(): Promise<void>;
  /** The first page again. */
  refresh(): Promise<void>;

  /** Shown at once and taken back if the server refuses; waits while there is no network. */
  markRead(target: Target): Promise<void>;
  markUnread(target: string | readonly string[]): Promise<void>;
  /** What an opened list does. Default: all. */
  markSeen(target?: Target): Promise<void>;
  archive(target: Target): Promise<void>;
  delete(id: string): Promise<void>;

  room<D = unknown>(name: string): Room<D>;
  readonly mutes: Mutes;
  readonly preferences: PreferencesApi;
  readonly push: Push;
}

/** One being in a room. Whoever asks for the same room gets a `Room` of their own; it is left when the last has left. */
export interface Room<D = unknown> {
  readonly name: string;
  /** The state of `snapshot.rooms[name]`. */
  getSnapshot(): RoomSnapshot;
  /** With all who are here, now (if it is known) and after each change. */
  here(listener: (users: readonly string[], userCount: number) => void): this;
  joining(listener: (user: string) => void): this;
  leaving(listener: (user: string) => void): this;
  onMessage(listener: (message: Message<D>) => void): this;
  onTyping(listener: (users: readonly string[]) => void): this;
  /** Answers when the room has numbered it. Tried again over a lost connection, and said once. */
  publish(data: D, options?: { event?: string }): Promise<{ position: Position }>;
  /** At each key stroke: said once in 300 ms, and taken back by `typing(false)`. Heard on `ws` alone. */
  typing(active?: boolean): void;
  /** The newest that the room holds, or those behind `since`; they are merged into the snapshot. */
  history(query?: { since?: Position; limit?: number }): Promise<History<D>>;
  presence(): Promise<Here>;
  leave(): void;
}

export interface Mutes {
  list(): Promise<readonly Mute[]>;
  /** `pattern` is a type, or the start of one that ends in `*`. */
  add(pattern: string, options?: { until?: Date | Timestamp }): Promise<Mute>;
  remove(pattern: string): Promise<void>;
}

export interface PreferencesApi {
  get(): Promise<Preferences>;
  /** Replaces all of it; what is left out has its default. */
  set(preferences: Partial<Preferences>): Promise<Preferences>;
}

/** Web Push of this browser. `snapshot.push` says how it stands. */
export interface Push {
  /** From a click or a key only, since browsers ask then alone. Rejects with the state as `code` where it cannot be. */
  enable(): Promise<void>;
  /** Also before signing out: the subscription is the browser's, and the next user's otherwise. */
  disable(): Promise<void>;
}

/** An `application/problem+json` body. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly request_id?: string;
  readonly trace_id?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}
