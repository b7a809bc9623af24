/** Who is in a room, and who types there; the server is real. */

import { WebSocket } from "undici";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer, until } from "./support/server.js";

let server: Server;

beforeAll(async () => {
  server = await startServer({ "rooms.leave_grace": "1s" });
});
afterAll(() => server?.stop());

it("presence and typing are told as they change", async () => {
  const [alice, bob] = [server.client("alice"), server.client("bob")];
  const told: string[] = [];
  const there = alice
    .room("kitchen")
    .here((users) => told.push(`here ${users}`))
    .joining((user) => told.push(`joining ${user}`))
    .leaving((user) => told.push(`leaving ${user}`))
    .onTyping((typing) => told.push(`typing ${typing}`));
  alice.connect();
  await until("alice is in", () => there.getSnapshot().status === "joined");
  const other = bob.room("kitchen");
  bob.connect();
  await until("bob is in", () => told.includes("joining bob"));
  other.typing();
  await until("bob types", () => told.includes("typing bob"));
  other.typing(false);
  await until("bob does not", () => told.includes("typing "));
  bob.close();
  await until("bob is gone", () => told.includes("leaving bob"));
  expect(told.filter((line) => line.startsWith("here"))).toEqual(["here alice", "here alice,bob", "here alice"]);
});

it("typing is said at the first key stroke and every 300 ms of them, and its end at once", async () => {
  const said: unknown[] = [];
  class Overheard extends WebSocket {
    override send(data: string) {
      const { type, active } = JSON.parse(data);
      if (type === "typing") said.push(active);
      super.send(data);
    }
  }
  const alice = server.client("alice", { WebSocket: Overheard as never });
  const bob = server.client("bob");
  const told: string[] = [];
  const own = alice.room("desk");
  const other = bob.room("desk").onTyping((users) => told.push(users.join()));
  for (const client of [alice, bob]) client.connect();
  await until("both are in", () => [own, other].every((one) => one.getSnapshot().status === "joined"));

  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    for (let stroke = 0; stroke < 100; stroke += 1) {
      own.typing();
      vi.setSystemTime(Date.now() + 10);
    }
    expect(said, "within a second").toEqual([true, true, true, true]);
    await until("bob sees it", () => told.at(-1) === "alice");
    own.typing(false);
    expect(said.slice(4)).toEqual([false]);
    await until("bob sees that it is over", () => told.at(-1) === "");
    own.typing();
    expect(said.slice(5), "what is begun anew is said at once").toEqual([true]);
    await until("bob sees it again", () => told.at(-1) === "alice");
  } finally {
    vi.useRealTimers();
  }
  expect(told).toEqual(["alice", "", "alice"]);
});
