/** What can only be told by waiting: a server, and a leading tab, that say nothing any more. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { Locks } from "./support/locks.js";
import { plugInto, type Server, startServer, until } from "./support/server.js";

let server: Server;
/** Pings so rarely that its silence says nothing here. */
let calm: Server;
const locks = new Locks();

beforeAll(async () => {
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  [server, calm] = await Promise.all([startServer({ "session.ping_interval": "1s" }), startServer()]);
});
afterAll(async () => {
  await server?.stop();
  await calm?.stop();
  Reflect.deleteProperty(globalThis, "window");
  Reflect.deleteProperty(globalThis, "navigator");
});

it.concurrent("a connection that is silent is given up, and had anew", async () => {
  const plug = await plugInto(server.url);
  const client = server.client("alice", { url: plug.url });
  const lost: unknown[] = [];
  client.on("status", ({ status }) => status === "reconnecting" && lost.push(client.getSnapshot().error?.code));
  client.connect();
  await client.ready();
  plug.freeze();
  await until("it is noticed", () => lost.length > 0);
  expect(lost[0]).toBe("timeout");
  await client.ready();
  plug.stop();
});

it.concurrent("a WebSocket that another network has cut without a word is given up within seconds", async () => {
  const page = new EventTarget();
  Object.assign(globalThis, { window: page });
  const plug = await plugInto(calm.url);
  const client = calm.client("carol", { url: plug.url });
  const lost: unknown[] = [];
  client.on("status", ({ status }) => status === "reconnecting" && lost.push(client.getSnapshot().error?.code));
  client.connect();
  await client.ready();
  plug.freeze();
  page.dispatchEvent(new Event("online"));
  await until("it is noticed", () => lost.includes("timeout"));
  await client.ready();
  plug.stop();
});

/** The channel of a tab that a browser can put to sleep: what it says and hears waits until it is awake. */
class Sleepy {
  static waiting: (() => void)[] | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  private readonly channel: BroadcastChannel;

  constructor(name: string) {
    this.channel = new Channel(name);
    this.channel.onmessage = (event) => this.when(() => this.onmessage?.(event as never));
  }

  private when(act: () => void): void {
    if (Sleepy.waiting) Sleepy.waiting.push(act);
    else act();
  }

  postMessage(letter: unknown): void {
    this.when(() => this.channel.postMessage(letter));
  }

  close(): void {
    this.channel.close();
  }

  static wake(): void {
    const waited = Sleepy.waiting ?? [];
    Sleepy.waiting = null;
    for (const act of waited) act();
  }
}
const Channel = globalThis.BroadcastChannel;

it.concurrent("a leader that sleeps loses its place to a tab in front, and follows it when it wakes up", async () => {
  const open = async () => {
    const client = server.client("bob", { sharing: "tabs" });
    const told: unknown[] = [];
    client.on("notification", ({ payload }) => told.push((payload as { n: number }).n));
    client.connect();
    await until("it has the list", () => client.getSnapshot().loaded);
    return { client, told };
  };
  Object.assign(globalThis, { BroadcastChannel: Sleepy });
  const old = await open();
  Object.assign(globalThis, { BroadcastChannel: Channel });
  const next = await open();
  expect([old, next].map(({ client }) => client.getSnapshot().leader)).toEqual([true, false]);

  Sleepy.waiting = [];
  await server.publish("bob", "test.event", { n: 1 });
  await until("the other one leads", () => next.client.getSnapshot().leader && next.told.length === 1);
  await server.publish("bob", "test.event", { n: 2 });
  Sleepy.wake();
  await server.publish("bob", "test.event", { n: 3 });
  await until("it follows", () => old.client.getSnapshot().unread === 3 && old.told.includes(3));
  await until("the other one has heard all", () => next.told.length === 3);
  expect(next.told).toEqual([1, 2, 3]);
  expect(old.client.getSnapshot()).toMatchObject({ leader: false, status: "connected", items: { length: 3 } });
  expect(new Set(old.told).size, "and nothing twice").toBe(old.told.length);
  expect(await server.sessions("bob")).toHaveLength(1);
});
