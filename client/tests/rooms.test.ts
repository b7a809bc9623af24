/** More rooms than there are places for, in a session and in an instance; the server is real. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Tidings } from "../src/index.js";
import { type Server, startServer, until } from "./support/server.js";

/** As many as every way carries. */
const PLACES = 10;
const NAMES = Array.from({ length: PLACES }, (_, n) => `room:${n}`);

let server: Server;

beforeAll(async () => {
  server = await startServer({ "session.rooms": `${PLACES}`, "limits.rooms": `${PLACES + 1}` });
});
afterAll(() => server?.stop());

const joined = (client: Tidings) => {
  const { rooms } = client.getSnapshot();
  return Object.keys(rooms).filter((name) => rooms[name]?.status === "joined");
};

it.each(["ws", "sse"] as const)("over %s one too many is left, and joined when it is asked for anew", async (way) => {
  const client = server.client(`user-${way}`, { transports: [way] });
  const [first] = NAMES.map((name) => client.room(name));
  client.connect();
  await until("all places are taken", () => joined(client).length === PLACES);
  const last = client.room("last");
  const rooms = () => client.getSnapshot().rooms;
  await until("it is one too many", () => rooms().last?.error?.code === "room_limit");
  expect([rooms().last?.status, joined(client).sort()]).toEqual(["left", NAMES]);
  first?.leave();
  last.leave();
  await until("both are gone", () => Object.keys(rooms()).length === PLACES - 1);
  client.room("last");
  await until("it has the place", () => joined(client).length === PLACES && rooms().last?.status === "joined");
  client.close();
});

it("a room that the instance has no place for is joined when there is one", async () => {
  const client = server.client("alice", { rooms: NAMES });
  client.connect();
  await until("all are joined", () => joined(client).length === PLACES);
  const other = server.client("other", { rooms: ["other:1", "other:2"] });
  const error = new Promise((done) => other.on("frame", (frame) => frame.type === "error" && done(frame)));
  other.connect();
  await expect(error).resolves.toMatchObject({ code: "unavailable", retryable: true });
  client.close();
  await until("both are joined", () => joined(other).length === 2);
  other.close();
});
