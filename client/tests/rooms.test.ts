/** More rooms than there are places for, in a session and in an instance; the server is real. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Options, Tidings } from "../src/index.js";
import { type Server, startServer, until } from "./support/server.js";

/** As many as every way carries. */
const PLACES = 10;

let server: Server;
let users = 0;

beforeAll(async () => {
  server = await startServer({ "session.rooms": `${PLACES}`, "limits.rooms": `${PLACES + 1}` });
});
afterAll(() => server?.stop());

/** Somebody in a room more than there are places for. */
async function crowd(transport: "ws" | "sse" | "longpoll", options: Options = {}) {
  users += 1;
  const names = Array.from({ length: PLACES + 1 }, (_, n) => `room:${n}`);
  const client = server.client(`user${users}`, { transports: [transport], ...options });
  const rooms = names.map((name) => client.room(name));
  client.connect();
  await until("all places are taken", () => lost(client).length === 1 && joined(client).length === PLACES);
  expect(lost(client), "the newest has none").toEqual([`room:${PLACES}`]);
  return { client, rooms, names };
}

const all = (client: Tidings) => Object.entries(client.getSnapshot().rooms);
const joined = (client: Tidings) => all(client).flatMap(([name, { status }]) => (status === "joined" ? name : []));
const lost = (client: Tidings) =>
  all(client).flatMap(([name, { status, error }]) => (status === "left" && error?.code === "room_limit" ? name : []));

it.each(["ws", "sse", "longpoll"] as const)("over %s one too many is joined when another is left", async (way) => {
  const { client, rooms, names } = await crowd(way);
  rooms[3]?.leave();
  await until("it has the place", () => joined(client).includes(`room:${PLACES}`));
  expect(joined(client)).toEqual(names.filter((name) => name !== "room:3"));
  client.close();
});

it("who is in a room stays there over a new connection, and one too many is asked for again", async () => {
  const { client, names } = await crowd("ws");
  const refused: unknown[] = [];
  client.on("frame", (frame) => frame.type === "error" && refused.push(frame.room));
  client.reconnect();
  await until("it is refused again", () => refused.length > 0 && joined(client).length === PLACES);
  expect([refused, joined(client)]).toEqual([[`room:${PLACES}`], names.slice(0, PLACES)]);
  client.close();
});

it("one too many for an event stream is joined over a WebSocket, which carries more", async () => {
  const roomy = await startServer();
  const client = roomy.client("alice", {
    transports: ["sse"],
    rooms: Array.from({ length: 11 }, (_, n) => `room:${n}`),
  });
  client.connect();
  await until("one has no place", () => lost(client).length === 1);
  client.reconnect("ws");
  await until("all are joined", () => joined(client).length === 11);
  await roomy.stop();
});

it("a room that the instance has no place for is joined when there is one", async () => {
  const { client } = await crowd("ws");
  const other = server.client("other", { rooms: ["other:1", "other:2"] });
  other.connect();
  await until("one is to wait", () => joined(other).length === 1);
  const error = new Promise((done) => other.on("frame", (frame) => frame.type === "error" && done(frame)));
  await expect(error).resolves.toMatchObject({ code: "unavailable", retryable: true });
  client.close();
  await until("both are joined", () => joined(other).length === 2);
  other.close();
});
