/**
 * Marks of this device and of others, new notifications, deletions and lost connections, with answers that are early or
 * late as chance has it: when all is quiet the client shows what the server has, and has told each notification once.
 */

import { expect, it } from "vitest";
import { createTidings } from "../src/index.js";
import { MemoryServer } from "../src/testing/server.js";
import { random, seed } from "./support/random.js";
import { until } from "./support/server.js";

const ROUNDS = 40;
const STEPS = 40;

async function play(first: number): Promise<void> {
  const chance = random(first);
  const pick = <T>(some: readonly T[]): T | undefined => some[Math.floor(chance() * some.length)];
  const delay = () => new Promise((done) => setTimeout(done, chance() * 4));
  const server = new MemoryServer("alice");
  /** What it hears is late, each time, and in order. */
  class Late extends (server.WebSocket as unknown as new (url: string) => { hear(frame: object): void }) {
    private last: Promise<unknown> = Promise.resolve();
    override hear(frame: object): void {
      this.last = this.last.then(delay).then(() => super.hear(frame));
    }
  }
  const client = createTidings({
    ...{ url: "http://memory", token: "x", sharing: "none", transports: ["ws"], backoff: { min: 1, max: 3 } },
    WebSocket: Late as never,
    async fetch(...call) {
      await delay();
      const answer = await server.fetch(...call);
      await delay();
      return answer;
    },
  });
  const told: string[] = [];
  const published: string[] = [];
  const other = (method: string, path: string, body?: object) =>
    server.fetch(`http://memory/v1/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  client.on("notification", ({ id }) => told.push(id));
  client.connect();
  await client.ready();
  const marks: Promise<unknown>[] = [];
  // Some are refused, as the round asks for.
  const said = (mark: Promise<void>) => void marks.push(mark.catch(() => {}));
  for (let at = 0; at < STEPS; at += 1) {
    const id = pick(published) ?? "ntf_none";
    const steps = [
      () => published.push(server.publish({ type: "test.event", payload: { at } }).id),
      () => published.push(server.publish({ type: "test.event", payload: { at } }).id),
      () => said(client.markRead(id)),
      () => said(client.markUnread(id)),
      () => said(client.markSeen()),
      () => said(client.archive(id)),
      () => said(client.markRead("all")),
      () => said(client.delete(id)),
      () => other("POST", "notifications/mark", { as: "read", ids: [id] }),
      () => other("POST", "notifications/mark", { as: "unread", ids: [id] }),
      () => other("POST", "notifications/mark", { as: "archived", ids: [id] }),
      () => other("DELETE", `notifications/${id}`),
      () => server.drop(false),
      () => server.refuse("notifications/mark", chance() < 0.5 ? 403 : 503),
    ];
    await pick(steps)?.();
    if (chance() < 0.6) await delay();
  }
  await Promise.all(marks);
  server.refuse("nothing", 200);
  const truth = async () => (await server.fetch("http://memory/v1/notifications?limit=200")).json();
  const shown = () => client.getSnapshot().items.map(({ id, read_at, seen_at }) => [id, !!read_at, !!seen_at].join());
  await until(`seed ${first} comes to rest`, async () => {
    const { notifications, counters } = await truth();
    const owed = (notifications as { id: string; read_at?: string; seen_at?: string }[]).map(
      ({ id, read_at, seen_at }) => [id, !!read_at, !!seen_at].join(),
    );
    const { unread, unseen, status } = client.getSnapshot();
    const isSame = shown().join(" ") === owed.join(" ") && unread === counters.unread && unseen === counters.unseen;
    return isSame && status === "connected";
  });
  expect(new Set(told).size).toBe(told.length);
  expect(told).toEqual(told.filter((id) => published.includes(id)));
  client.close();
}

it(`comes to the same end as the server, over ${ROUNDS} rounds`, async () => {
  const first = seed();
  await Promise.all(Array.from({ length: ROUNDS }, (_, round) => play(first + round)));
});
