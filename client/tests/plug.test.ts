/**
 * The plug is pulled a hundred times, at any moment, over one transport after the other, while somebody publishes: each
 * notification and each message is told once, in order, and the list is what the server has.
 */

import { expect, it } from "vitest";
import type { Message, Notification, Transport } from "../src/index.js";
import { plugInto, startServer, until } from "./support/server.js";

const PULLS = 100;
const TRANSPORTS: Transport[] = ["ws", "sse", "longpoll", "poll"];

it(`loses nothing and doubles nothing over ${PULLS} pulls`, async () => {
  const server = await startServer();
  const plug = await plugInto(server.url);
  const client = server.client("alice", { url: plug.url, pollInterval: 20, roomSize: 10_000, rooms: ["general"] });
  const told: number[] = [];
  const said: unknown[] = [];
  const resets: unknown[] = [];
  client.on("notification", ({ payload }: Notification) => told.push((payload as { n: number }).n));
  client.on("message", ({ data }: Message) => said.push(data));
  client.on("reset", (reset) => resets.push(reset));
  client.connect();
  await until("alice is in the room", () => client.getSnapshot().rooms.general?.status === "joined");

  let sent = 0;
  let isOver = false;
  const publishing = (async () => {
    const backend = server.token("backend", "notify publish:*");
    while (!isOver) {
      sent += 1;
      const body = JSON.stringify({ data: sent });
      await Promise.all([
        server.publish("alice", "test.event", { n: sent }),
        server.call(backend, "/v1/rooms/general/messages", { method: "POST", body }),
      ]);
      await new Promise((done) => setTimeout(done, 5));
    }
  })();

  for (let pull = 0; pull < PULLS; pull += 1) {
    const chance = Math.random();
    if (chance < 0.3) client.reconnect(TRANSPORTS[Math.floor(Math.random() * TRANSPORTS.length)]);
    else plug.pull();
    // Sometimes before it is back, sometimes in the middle of a replay, sometimes when all is quiet.
    await new Promise((done) => setTimeout(done, Math.random() * 60));
  }
  isOver = true;
  await publishing;
  const all = Array.from({ length: sent }, (_, n) => n + 1);
  await until("the last has come", () => told.includes(sent) && said.includes(sent));
  expect(told).toEqual(all);
  expect(said).toEqual(all);
  expect(resets).toEqual([]);
  await until("all are counted", () => client.getSnapshot().unread === sent);
  const listed = client.getSnapshot().items.map(({ payload }) => (payload as { n: number }).n);
  expect(listed.length).toBeGreaterThan(0);
  expect(listed).toEqual([...all].reverse().slice(0, listed.length));
  expect(plug.opened).toBeGreaterThan(PULLS / 2);
  plug.stop();
  await server.stop();
});
