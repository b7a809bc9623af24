/** What a transport is: it turns bytes into frames, and commands into bytes. It judges nothing and retries nothing. */

import type { Http } from "../http.js";
import type { Input } from "../model/state.js";
import type { Counters, Cursor } from "../wire.js";

/** What a connection gives to the transport that carries it. */
export interface Wire {
  readonly http: Http;
  readonly token: string | null;
  readonly WebSocket: typeof WebSocket;
  /** Where to go on, over these streams. */
  cursor(streams: readonly string[]): Cursor;
  readonly rooms: readonly string[];
  counters(): Counters;
  readonly pollIntervalMs: number;
  /** When a connection that never ends by itself should. */
  readonly lifetimeMs: number;

  hear(input: Input): void;
  /** Bytes have come that are no frame. */
  alive(): void;
  /** It is over; at most once, and never after `close`. */
  lost(error: unknown): void;
}

export interface Carrier {
  /** Sends a command; only a WebSocket can. */
  send?(command: object): void;
  close(): void;
}

export type Open = (wire: Wire) => Carrier;

/** Most rooms that an event stream or a poll may name. */
export const ROOMS_MAX = 10;
