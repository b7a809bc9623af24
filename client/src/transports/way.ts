/** What a way is: it turns bytes into frames, and commands into bytes. It judges nothing and retries nothing. */

import type { Core } from "../core.js";
import type { Input } from "../model/state.js";
import type { Cursor, Goodbye } from "../wire.js";

/** What a connection gives to the way that carries it. */
export interface Wire {
  readonly core: Core;
  readonly token: string | null;
  /** Where to go on, over the inbox and these rooms. */
  cursor(rooms: readonly string[]): Cursor;
  /** Those to be in. */
  rooms(): readonly string[];
  /** Whether it is time to look for a better way. */
  isOld(): boolean;
  /** Begins anew, since it is. */
  reopen(): void;
  hear(input: Input): void;
  /** Bytes have come that are no frame. */
  alive(): void;
  /** It has ended, as this says where the server has not said it before. */
  ended(how: Partial<Pick<Goodbye, "code" | "reason">>): void;
  /** It could not be had, or has broken. */
  lost(error: unknown): void;
}

export interface Carrier {
  /** Sends a command; only a WebSocket can. */
  send?(command: object): void;
  close(): void;
}

export type Open = (wire: Wire) => Carrier;

/** A way that only hears: goes on until it has ended, or `signal` says so. `query` says where to go on, in which rooms. */
export type Other = (wire: Wire, query: () => { rooms: string; since: Cursor }, signal: AbortSignal) => Promise<void>;
