/** The server in memory: an inbox, rooms, a WebSocket and the calls that the client makes. */

import { judge, offsetOf } from "../model/position.js";
import type { Counters, Dotted, Frame, Mark, Message, Notification, Preferences, Which } from "../wire.js";

export interface Published {
  type: Dotted;
  payload?: unknown;
  key?: string;
  v?: number;
}

interface Room {
  users: readonly string[];
  messages: Message[];
}

const EPOCH = "fakefake";
const position = (offset: number) => `${EPOCH}.${offset}`;

export class MemoryServer {
  readonly user: string;
  private items: Notification[] = [];
  private last = 0;
  private counts = { version: 0, marks_version: 0 };
  private readonly rooms = new Map<string, Room>();
  private socket: FakeSocket | undefined;
  private isAway = false;
  private refusals: { path: string; status: number }[] = [];
  private preferences: Preferences = { quiet: null, push: true };
  private mutes: { pattern: string; until: string | null; created_at: string }[] = [];

  constructor(user: string) {
    this.user = user;
  }

  get counters(): Counters {
    const shown = this.items.filter((item) => !item.archived_at);
    return {
      unread: shown.filter((item) => !item.read_at).length,
      unseen: shown.filter((item) => !item.seen_at).length,
      ...this.counts,
    };
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const path = url.pathname.replace("/v1/", "");
    if (this.isAway) throw new TypeError("the server is away");
    const refused = this.refusals.findIndex((refusal) => path.startsWith(refusal.path));
    if (refused >= 0) {
      const [refusal] = this.refusals.splice(refused, 1);
      return Response.json({ code: "refused", detail: "as the test asked" }, { status: refusal?.status });
    }
    const body = init?.body ? JSON.parse(String(init.body)) : undefined;
    const answer = this.answer(`${init?.method ?? "GET"} ${path}`, url.searchParams, body);
    return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer);
  };

  get WebSocket(): typeof WebSocket {
    const server = this;
    return class extends FakeSocket {
      constructor(url: string) {
        super(url, server.isAway ? undefined : server);
      }
    } as never;
  }

  publish({ type, payload = {}, v = 1, key }: Published): Notification {
    this.last += 1;
    const id = `ntf_${String(this.last).padStart(26, "0")}`;
    const created_at = new Date().toISOString();
    const item = { id, type, v, position: position(this.last), payload, created_at, ...(key && { key }) };
    this.items.unshift(item);
    this.counts.version += 1;
    this.tell(item);
    this.tell({ type: "unread", counters: this.counters });
    return item;
  }

  say(name: string, from: string, data: unknown, event?: string, nonce?: string): Message {
    const { messages } = this.room(name);
    const at = new Date().toISOString();
    const message: Message = {
      ...{ type: "message", room: name, position: position(messages.length + 1), from, data, at },
      ...(event && { event }),
      ...(nonce && { nonce }),
    };
    messages.push(message);
    this.tell(message);
    return message;
  }

  setUsers(name: string, users: readonly string[]): void {
    const room = this.room(name);
    const known = room.users;
    room.users = users;
    const count = users.length + 1;
    for (const user of users.filter((one) => !known.includes(one)))
      this.tell({ type: "user_joined", room: name, user, user_count: count });
    for (const user of known.filter((one) => !users.includes(one)))
      this.tell({ type: "user_left", room: name, user, user_count: count });
  }

  tell(frame: Frame): void {
    this.socket?.hear(frame);
  }

  drop(isAway: boolean): void {
    this.isAway = isAway;
    this.socket?.end(1006);
  }

  restore(): void {
    this.isAway = false;
  }

  refuse(path: string, status: number): void {
    this.refusals.push({ path, status });
  }

  /** A session begins behind a position of the inbox. */
  welcome(socket: FakeSocket, since: string | undefined): void {
    this.socket = socket;
    socket.hear({
      ...{ type: "welcome", v: 1, session: "ses_fake", user: this.user, node: "fake", scopes: ["join:*", "publish:*"] },
      ...{ ping_interval_ms: 25_000, expires_at: "2999-01-01T00:00:00.000Z", resume: since ? "complete" : "fresh" },
      limits: { message_bytes: 65_536, rooms: 100, messages_per_second: 20 },
      inbox: { position: position(this.last), counters: this.counters },
    } as Frame);
    if (since) for (const item of [...this.items].reverse()) if (isBehind(item, since)) socket.hear(item);
  }

  // biome-ignore lint/suspicious/noExplicitAny: a command is whatever the client sends, and the client is ours.
  obey(socket: FakeSocket, command: any): void {
    const { type, ref, room, since } = command;
    const ok = (more: object = {}) =>
      socket.hear({
        type: "ok",
        ...(ref !== undefined && { ref }),
        command: type,
        ...(room && { room }),
        ...more,
      } as Frame);
    if (type === "join") {
      const { users, messages } = this.room(room);
      const here = [...users, this.user].sort();
      const top = position(messages.length);
      ok({ position: top, resume: since ? "complete" : "fresh", users: here, user_count: here.length });
      if (since) for (const message of messages) if (isBehind(message, since)) socket.hear(message);
    } else if (type === "message") {
      ok({ position: this.say(room, this.user, command.data, command.event, command.nonce).position });
    } else ok();
  }

  private room(name: string): Room {
    const room = this.rooms.get(name) ?? { users: [], messages: [] };
    this.rooms.set(name, room);
    return room;
  }

  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the client sends, and the client is ours.
  private answer(call: string, query: URLSearchParams, body: any): unknown {
    const [, name = ""] = /^\w+ rooms\/([^/]+)/.exec(call) ?? [];
    const room = () => this.room(decodeURIComponent(name));
    if (call === "GET me")
      return { user: this.user, scopes: ["join:*", "publish:*"], expires_at: "2999-01-01T00:00:00.000Z" };
    if (call === "GET notifications") return this.list(Number(query.get("limit") ?? 50), query.get("before"));
    if (call === "POST notifications/mark") return this.mark(body);
    if (call.startsWith("DELETE notifications/")) return this.remove(call.slice(21));
    if (call === "GET preferences") return this.preferences;
    if (call === "PUT preferences") return (this.preferences = { quiet: null, push: true, ...body });
    if (call === "GET mutes") return { mutes: this.mutes };
    if (call.startsWith("PUT mutes/")) return this.mute(decodeURIComponent(call.slice(10)), body);
    if (call.startsWith("DELETE mutes/")) {
      this.mutes = this.mutes.filter(({ pattern }) => pattern !== decodeURIComponent(call.slice(13)));
      return undefined;
    }
    if (call.endsWith("/messages") && call.startsWith("GET")) {
      const { messages } = room();
      return { messages, position: position(messages.length), resume: query.get("since") ? "complete" : "fresh" };
    }
    if (call.endsWith("/presence")) return { users: room().users, user_count: room().users.length, typing: [] };
    return undefined;
  }

  private list(limit: number, before: string | null): object {
    const all = this.items.filter(
      (item) => !item.archived_at && (!before || offsetOf(item.position) < offsetOf(before)),
    );
    const page = all.slice(0, limit);
    const next_before = all.length > limit ? (page.at(-1)?.position ?? null) : null;
    return { notifications: page, next_before, counters: this.counters, cursor: `inbox@${position(this.last)}` };
  }

  private mark({ as, ...which }: Which & { as: Mark }): Counters {
    const at = new Date().toISOString();
    const { ids, up_to } = which;
    const isMeant = ({ id, position: one }: Notification) =>
      ids ? ids.includes(id) : !up_to || offsetOf(one) <= offsetOf(up_to);
    this.items = this.items.map((item) => {
      if (!isMeant(item)) return item;
      const { read_at, archived_at, ...rest } = item;
      if (as === "unread") return rest;
      const seen = { ...item, seen_at: item.seen_at ?? at };
      if (as === "seen") return seen;
      return { ...seen, read_at: read_at ?? at, ...(as === "archived" && { archived_at: at }) };
    });
    this.changed();
    this.tell({ type: "marked", as, ...which, counters: this.counters });
    return this.counters;
  }

  private remove(id: string): undefined {
    this.items = this.items.filter((item) => item.id !== id);
    this.changed();
    this.tell({ type: "marked", as: "deleted", ids: [id], counters: this.counters });
  }

  private mute(pattern: string, { until = null }: { until?: string | null }): object {
    const mute = { pattern, until, created_at: new Date().toISOString() };
    this.mutes = [...this.mutes.filter((one) => one.pattern !== pattern), mute];
    return mute;
  }

  private changed(): void {
    this.counts = { version: this.counts.version + 1, marks_version: this.counts.marks_version + 1 };
  }
}

const isBehind = ({ position: one }: { position: string }, since: string) => judge(since, 0, one) !== "old";

/** One end of a connection, as much of a WebSocket as the client uses. */
class FakeSocket {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readyState = 0;
  private readonly server: MemoryServer | undefined;

  constructor(url: string, server: MemoryServer | undefined) {
    this.server = server;
    const since = new URL(url).searchParams.get("since")?.split("@")[1];
    queueMicrotask(() => {
      if (!server) return this.end(1006);
      this.readyState = 1;
      server.welcome(this, since);
    });
  }

  hear(frame: Frame): void {
    queueMicrotask(() => this.readyState === 1 && this.onmessage?.({ data: JSON.stringify(frame) }));
  }

  send(text: string): void {
    this.server?.obey(this, JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }

  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }
}
