/** A page whose network was away when a part was to be loaded: a browser keeps such a failure for the life of the page. */

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer, until } from "./support/server.js";

const asked = vi.hoisted(() => ({ for: 0 }));
vi.mock("../src/transports/others.js", () => {
  asked.for += 1;
  throw new TypeError("no network");
});

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

it("what is needed once a connection has failed is asked for while there is one", async () => {
  const client = server.client("alice");
  client.connect();
  await client.ready();
  await until("it was asked for", () => asked.for > 0);
});

it("without it there is the WebSocket, whatever has worked before", async () => {
  vi.stubGlobal("localStorage", { getItem: () => `sse ${Date.now()}`, setItem() {} });
  const client = server.client("alice");
  client.connect();
  await client.ready();
  expect(client.getSnapshot().transport).toBe("ws");
  vi.unstubAllGlobals();
});

it("without it a token that has expired is renewed all the same, and one that is refused ends it", async () => {
  const why: string[] = [];
  const getToken = (reason: string) => {
    why.push(reason);
    return server.token("alice", "", reason === "connect" ? -10 : 3600);
  };
  const client = server.client("alice", { getToken });
  client.connect();
  await client.ready();
  expect(why).toEqual(["connect", "expired"]);
  const other = server.client("alice", { token: "e30.eyJzdWIiOiJhbGljZSJ9.x" });
  other.connect();
  await expect(other.ready()).rejects.toMatchObject({ code: "invalid_token" });
});
