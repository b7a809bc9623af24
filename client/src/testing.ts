/**
 * A client for tests of what is built on it: the real one, with a server in memory in the place of the network.
 *
 * The server keeps an inbox and rooms by the rules of PROTOCOL.md, so marks, roll-back, reconnects and replays behave
 * as they do; it knows one user and no time.
 */

import { createTidings } from "./client.js";
import { MemoryServer, type Published } from "./testing/server.js";
import type { Options, Registry, Tidings } from "./types.js";
import type { Frame, Message, Notification } from "./wire.js";

export interface FakeTidings<R extends Registry = Registry> extends Tidings<R> {
  /** A back-end publishes. */
  deliver(published: Published): Notification;
  /** Somebody says something in a room. */
  say(room: string, from: string, data: unknown, event?: string): Message;
  /** Who is in a room besides the client. */
  setUsers(room: string, users: readonly string[]): void;
  /** Who types in a room. */
  setTyping(room: string, users: readonly string[]): void;
  /** A frame as it is, whatever the server thinks of it. */
  receive(frame: Frame): void;
  /** Cuts the connection. With `isAway` it cannot be had again until `restore()`. */
  drop(isAway?: boolean): void;
  restore(): void;
  /** The next call whose path begins so is refused with this status. */
  refuse(path: string, status?: number): void;
}

export function fakeTidings<R extends Registry = Registry>(
  options: Omit<Options, "url" | "fetch" | "WebSocket"> & { user?: string } = {},
): FakeTidings<R> {
  const server = new MemoryServer(options.user ?? "alice");
  const client = createTidings<R>({
    sharing: "none",
    transports: ["ws"],
    backoff: { min: 1, max: 10 },
    token: "fake",
    ...options,
    url: "http://fake",
    fetch: server.fetch,
    WebSocket: server.WebSocket,
  });
  return {
    ...client,
    deliver: (published) => server.publish(published),
    say: (room, from, data, event) => server.say(room, from, data, event),
    setUsers: (room, users) => server.setUsers(room, users),
    setTyping: (room, users) => server.tell({ type: "typing", room, users }),
    receive: (frame) => server.tell(frame),
    drop: (isAway = false) => server.drop(isAway),
    restore: () => server.restore(),
    refuse: (path, status = 403) => server.refuse(path, status),
  };
}

export type { Published } from "./testing/server.js";
