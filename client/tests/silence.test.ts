/** What can only be told by waiting: a server, and a leading tab, that say nothing any more. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { Locks } from "./support/locks.js";
import { plugInto, type Server, startServer, until } from "./support/server.js";

let server: Server;
const locks = new Locks();

beforeAll(async () => {
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  server = await startServer({ "session.ping_interval": "1s" });
});
afterAll(async () => {
  await server?.stop();
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

it.concurrent("a leader that is silent loses its place", async () => {
  // Somebody has the lock, and answers nothing.
  const held = locks.request(`tidings:${server.url}:bob`, () => new Promise(() => {}));
  const stolen = expect(held).rejects.toMatchObject({ name: "AbortError" });
  const client = server.client("bob", { sharing: "tabs" });
  client.connect();
  await client.ready();
  expect(client.getSnapshot().leader).toBe(true);
  await stolen;
});
