/**
 * The plug is pulled a hundred times, at any moment, over one transport after the other, while somebody publishes: each
 * notification and each message is told once, in order, and the list is what the server has. `SEED=n` chooses
 * the same again.
 */

import { expect, it } from "vitest";
import type { Message, Notification, Page, Transport } from "../src/index.js";
import { random, seed } from "./support/random.js";
import { plugInto, startServer, until } from "./support/server.js";

const PULLS = 100;
const TRANSPORTS: Transport[] = ["ws", "sse", "longpoll", "poll"];

it(`loses nothing and doubles nothing over ${PULLS} pulls`, async () => {
  const chance = random(seed());
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

  const isBy = (transport: Transport | undefined) => {
    const { status, transport: way } = client.getSnapshot();
    return status === "connected" && way === transport;
  };

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
    const turn = TRANSPORTS[Math.floor((pull * TRANSPORTS.length) / PULLS)];
    if (client.getSnapshot().transport !== turn && pull % 5 === 0) {
      client.reconnect(turn);
      await until(`alice is connected by ${turn}`, () => isBy(turn));
    } else if (chance() < 0.2) client.reconnect(TRANSPORTS[Math.floor(chance() * TRANSPORTS.length)]);
    plug.pull();
    // Sometimes before it is back, sometimes in the middle of a replay, sometimes when all is quiet.
    await new Promise((done) => setTimeout(done, chance() * 60));
  }
  isOver = true;
  await publishing;
  const all = Array.from({ length: sent }, (_, n) => n + 1);
  await until("the last has come", () => told.includes(sent) && said.includes(sent));
  expect(told).toEqual(all);
  expect(said).toEqual(all);
  expect(resets).toEqual([]);
  await until("all are counted", () => client.getSnapshot().unread === sent);
  // The whole of the list, as the client shows it and as the server has it.
  while (client.getSnapshot().hasMore) await client.fetchMore();
  const listed = client.getSnapshot().items.map(({ payload }) => (payload as { n: number }).n);
  expect(listed).toEqual([...all].reverse());
  const { counters } = (await server.call(server.token("alice"), "/v1/notifications?limit=1")) as Page;
  expect(client.getSnapshot()).toMatchObject({ unread: counters.unread, unseen: counters.unseen });
  expect(plug.opened).toBeGreaterThan(PULLS / 2);
  plug.stop();
  await server.stop();
});
