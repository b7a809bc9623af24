/**
 * What goes over the wire, as PROTOCOL.md sections 3 and 6 have it: names, shapes and nothing else.
 * `tests/golden` holds a sample of each, and the tests read every one of them.
 */

/** `epoch.offset`, such as `k3x9q2ab.42`. */
export type Position = string;
/** Positions over streams, such as `inbox@k3x9q2ab.42,chat:general@e1e1e1e1.17`. */
export type Cursor = string;
/** A time as RFC 3339 in UTC. */
export type Timestamp = string;

export interface Counters {
  readonly unread: number;
  readonly unseen: number;
  /** Counts changes of the counters, and never goes back. */
  readonly version: number;
  /** Counts marks and deletions. */
  readonly marks_version: number;
}

/** A type with a dot is an application's, one without is this protocol's. */
export type Dotted = `${string}.${string}`;

/** A stored item of an inbox. */
export interface Notification<P = unknown, T extends string = Dotted> {
  readonly id: string;
  /** Dotted, such as `comment.created`. */
  readonly type: T;
  readonly v: number;
  readonly position: Position;
  readonly payload: P;
  readonly created_at: Timestamp;
  readonly key?: string;
  readonly expires_at?: Timestamp;
  readonly read_at?: Timestamp;
  readonly seen_at?: Timestamp;
  readonly archived_at?: Timestamp;
}

/** What was published to a room; `room` and `position` are its identity. */
export interface Message<D = unknown> {
  readonly type: "message";
  readonly room: string;
  readonly position: Position;
  readonly from: string;
  readonly data: D;
  readonly at: Timestamp;
  readonly event?: string;
  readonly nonce?: string;
}

export type Resume = "complete" | "gap" | "fresh";
export type Mark = "read" | "unread" | "seen" | "archived";

/** Which notifications a mark is about: exactly one of the three. */
export interface Which {
  readonly ids?: readonly string[];
  readonly up_to?: Position;
  readonly all?: true;
}

export interface Welcome {
  readonly type: "welcome";
  readonly v: number;
  readonly session: string;
  readonly user: string;
  readonly node: string;
  readonly scopes: readonly string[];
  readonly ping_interval_ms: number;
  readonly expires_at: Timestamp;
  readonly limits: { readonly message_bytes: number; readonly rooms: number; readonly messages_per_second: number };
  readonly inbox: { readonly position: Position; readonly counters: Counters };
  readonly resume: Resume;
}

export interface Marked extends Which {
  readonly type: "marked";
  readonly as: Mark | "deleted";
  readonly counters: Counters;
}

export interface Unread {
  readonly type: "unread";
  readonly counters: Counters;
}

export interface Skip {
  readonly type: "skip";
  readonly stream: string;
  /** Exclusive. */
  readonly from: Position;
  /** Inclusive. */
  readonly to: Position;
}

export interface Gap extends Omit<Skip, "type"> {
  readonly type: "gap";
  readonly reason: "pruned" | "epoch" | "ahead" | "overflow";
}

export interface Presence {
  readonly type: "user_joined" | "user_left";
  readonly room: string;
  readonly user: string;
  readonly user_count: number;
}

export interface Typing {
  readonly type: "typing";
  readonly room: string;
  readonly users: readonly string[];
}

export interface Left {
  readonly type: "left";
  readonly room: string;
  readonly reason: string;
}

export interface Degraded {
  readonly type: "degraded" | "restored";
  readonly what: string;
  readonly since?: Timestamp;
}

export interface Ok {
  readonly type: "ok";
  readonly ref?: number | string;
  readonly command: string;
  readonly room?: string;
  readonly position?: Position;
  readonly resume?: Resume;
  readonly users?: readonly string[];
  readonly user_count?: number;
  readonly counters?: Counters;
  readonly expires_at?: Timestamp;
  readonly scopes?: readonly string[];
  readonly data?: unknown;
}

export interface Refusal {
  readonly type: "error";
  readonly ref?: number | string;
  readonly command?: string;
  readonly room?: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retry_after_ms?: number;
}

export interface Goodbye {
  readonly type: "goodbye";
  readonly code: number;
  readonly reason: string;
  readonly retry_after_ms?: number;
}

export interface Beat {
  readonly type: "ping" | "pong";
  readonly ref?: number | string;
}

/** Everything of the protocol that a server says; what is none of these is a notification, by the dot in its type. */
export type Event =
  | Welcome
  | Message
  | Marked
  | Unread
  | Skip
  | Gap
  | Presence
  | Typing
  | Left
  | Degraded
  | Ok
  | Refusal
  | Goodbye
  | Beat;

export type Frame = Event | Notification;

/** Whether a frame is a notification, which the dot in its type says. */
export const isNotification = (frame: { readonly type: string }): frame is Notification => frame.type.includes(".");

/** The answer of `GET /v1/notifications`. */
export interface Page {
  readonly notifications: readonly Notification[];
  readonly next_before: Position | null;
  readonly counters: Counters;
  readonly cursor: Cursor;
}

/** The answer of `GET /v1/rooms/{room}/messages`. */
export interface History<D = unknown> {
  readonly messages: readonly Message<D>[];
  readonly position: Position;
  readonly resume: Resume;
}

/** The answer of `GET /v1/rooms/{room}/presence`. */
export interface Here {
  readonly users: readonly string[];
  readonly user_count: number;
  readonly typing: readonly string[];
}

export interface Mute {
  /** A type, or the start of one that ends in `*`. */
  readonly pattern: string;
  readonly until: Timestamp | null;
  readonly created_at: Timestamp;
}

export interface Preferences {
  /** Hours in which nothing is pushed: `zone` as IANA names it, `from` and `to` as `HH:MM` there. */
  readonly quiet: { readonly zone: string; readonly from: string; readonly to: string } | null;
  readonly push: boolean;
}
