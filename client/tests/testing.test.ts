/** What applications test with: the client with a server in memory. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { createTidings, type Notification } from "../src/index.js";
import { MemoryServer } from "../src/testing/server.js";
import { type FakeTidings, fakeTidings } from "../src/testing.js";
import { until } from "./support/server.js";

let client: FakeTidings;

async function begin(options = {}): Promise<FakeTidings> {
  client = fakeTidings(options);
  client.connect();
  await until("the list", () => client.getSnapshot().loaded);
  return client;
}

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const unread = () => client.getSnapshot().unread;

it("hears what is delivered, and each once", async () => {
  await begin();
  const told: string[] = [];
  client.on("notification", ({ id }) => told.push(id));
  const { id } = client.deliver({ type: "comment.created", payload: { post: 7 } });
  await until("it is there", () => unread() === 1);
  expect(told).toEqual([id]);
  expect(client.getSnapshot().items[0]?.payload).toEqual({ post: 7 });
});

it("hears a type with the payload of its registry", async () => {
  await begin();
  const posts: unknown[] = [];
  (client as FakeTidings<{ "comment.created": { post: number } }>).onType("comment.created", ({ payload }) =>
    posts.push(payload.post),
  );
  client.deliver({ type: "comment.created", payload: { post: 7 } });
  client.deliver({ type: "order.shipped" });
  await until("both are there", () => unread() === 2);
  expect(posts).toEqual([7]);
});

it("shows a mark at once, and takes it back where it is refused", async () => {
  await begin();
  const { id } = client.deliver({ type: "test.event" });
  await until("it is there", () => unread() === 1);
  client.refuse("notifications/mark");
  const marking = client.markRead(id);
  expect(unread()).toBe(0);
  await expect(marking).rejects.toMatchObject({ code: "refused", status: 403 });
  expect(unread()).toBe(1);
  await client.markRead(id);
  expect(unread()).toBe(0);
});

it("takes marks one by one, however many there are", async () => {
  await begin();
  const call = vi.spyOn(MemoryServer.prototype as never, "mark");
  const items = Array.from({ length: 100 }, () => client.deliver({ type: "test.event" }));
  await until("all are there", () => unread() === 100);
  const marks = items.map(({ id }) => client.markRead(id));
  expect(unread()).toBe(0);
  await Promise.all(marks);
  expect(client.getSnapshot().items.every(({ read_at }) => read_at)).toBe(true);
  expect(call).toHaveBeenCalledTimes(2);
  vi.restoreAllMocks();
});

it("loses its connection, and comes back with what it has missed", async () => {
  await begin();
  const told: unknown[] = [];
  const recovered: unknown[] = [];
  client.on("notification", ({ payload }: Notification) => told.push(payload));
  client.on("recovered", (event) => recovered.push(event));
  client.drop(true);
  await until("it is lost", () => client.getSnapshot().status === "reconnecting");
  client.deliver({ type: "test.event", payload: { n: 1 } });
  client.deliver({ type: "test.event", payload: { n: 2 } });
  client.restore();
  await until("it is back", () => unread() === 2);
  expect(told).toEqual([{ n: 1 }, { n: 2 }]);
  expect(recovered).toEqual([{ stream: "inbox", count: 2, complete: true }]);
});

it("is in a room", async () => {
  await begin();
  const said: unknown[] = [];
  const typing: unknown[] = [];
  const room = client
    .room("general")
    .onMessage(({ from, data }) => said.push([from, data]))
    .onTyping((users) => typing.push(users));
  await until("joined", () => room.getSnapshot().status === "joined");
  client.setUsers("general", ["bob"]);
  client.setTyping("general", ["bob", "alice"]);
  client.say("general", "bob", "Hello");
  expect(await room.publish("Hi")).toEqual({ position: "fakefake.2" });
  await until("both are heard", () => said.length === 2);
  expect(said).toEqual([
    ["bob", "Hello"],
    ["alice", "Hi"],
  ]);
  expect(typing).toEqual([["bob"]]);
  expect(room.getSnapshot()).toMatchObject({ users: ["alice", "bob"], userCount: 2, typing: ["bob"] });
});

it("is in a room of any name that a room may have", async () => {
  await begin();
  const room = client.room("constructor");
  room.here(() => {});
  await until("joined", () => room.getSnapshot().status === "joined");
  client.say("constructor", "bob", "Hello");
  await until("it is heard", () => room.getSnapshot().messages.length === 1);
});

it("takes an option that is undefined for one that is not there", async () => {
  const none = { hiddenGrace: undefined, pageSize: undefined, roomSize: undefined, backoff: undefined };
  await begin({ ...none, badge: undefined, queue: undefined });
  client.deliver({ type: "test.event" });
  await client.refresh();
  expect(client.getSnapshot().items).toHaveLength(1);
});

it("says that it can connect by none of its ways", async () => {
  client = fakeTidings({ transports: [] });
  client.connect();
  await expect(client.ready()).rejects.toMatchObject({ code: "unsupported" });
});

it("adds no listener that is over already", async () => {
  await begin();
  const told: unknown[] = [];
  client.on("notification", (item) => told.push(item), { signal: AbortSignal.abort() });
  const room = client.room("general");
  await until("joined", () => room.getSnapshot().status === "joined");
  room.leave();
  room.here((users) => told.push(users)).onMessage((message) => told.push(message));
  client.say("general", "bob", "Hello");
  client.deliver({ type: "test.event" });
  await until("it is there", () => unread() === 1);
  expect(told).toEqual([]);
});

it("renders the same on a server and, first, in a browser", () => {
  client = fakeTidings();
  expect(client.getServerSnapshot().push).toEqual({ state: "unsupported", enabled: false });
});

describe("a list", () => {
  /** The server, and the counters of marks that its pages tell. */
  const lagging = (version: () => number) => {
    const server = new MemoryServer("alice");
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (url, init) => {
      const answer = await server.fetch(url, init);
      if (!String(url).includes("/notifications?")) return answer;
      asked.push(String(url));
      const page = await answer.json();
      return Response.json({ ...page, counters: { ...page.counters, marks_version: version() } });
    };
    const { WebSocket } = server;
    const options = { url: "http://memory", token: "x", sharing: "none", transports: ["ws"], pageSize: 2 } as const;
    const listing = createTidings({ ...options, fetch, WebSocket });
    client = listing as FakeTidings;
    return { server, asked };
  };

  it("that is older than what is known is asked for less and less, and believed in the end", async () => {
    vi.useFakeTimers();
    let version = 0;
    const { server, asked } = lagging(() => version);
    server.publish({ type: "test.event" });
    client.connect();
    await vi.advanceTimersByTimeAsync(100);
    version = -1;
    const before = asked.length;
    client.refresh();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.length - before).toBe(2);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.length - before).toBe(6);
  });

  it("goes on with no page that was read before what is known", async () => {
    let version = 0;
    const { server, asked } = lagging(() => version);
    for (let n = 0; n < 4; n += 1) server.publish({ type: "test.event" });
    client.connect();
    await until("the list", () => client.getSnapshot().loaded);
    version = -1;
    const more = client.fetchMore();
    await until("the page has come", () => asked.length === 2);
    expect(client.getSnapshot().items).toHaveLength(2);
    version = 0;
    await more;
    expect(client.getSnapshot().items).toHaveLength(4);
  });
});

it("is left when the last has left, and not by one who comes back at once", async () => {
  await begin();
  const [one, other] = [client.room("general"), client.room("general")];
  await until("joined", () => one.getSnapshot().status === "joined");
  one.leave();
  one.leave();
  other.leave();
  const again = client.room("general");
  const joins: unknown[] = [];
  client.on("frame", (frame) => frame.type === "ok" && joins.push(frame));
  client.say("general", "bob", "Still here?");
  await until("it is heard", () => again.getSnapshot().messages.length === 1);
  expect(joins).toEqual([]);
  again.leave();
  await until("left", () => !client.getSnapshot().rooms.general);
});

it("tells all that listen, whatever one of them throws, and none that has gone", async () => {
  await begin();
  const thrown = new Promise((done) => process.once("uncaughtException", done));
  const told: string[] = [];
  const gone = new AbortController();
  client.on("notification", () => {
    throw new Error("a fault of the application");
  });
  client.on("notification", () => told.push("on"));
  client.on("notification", () => told.push("off"))();
  client.on("notification", () => told.push("aborted"), gone);
  gone.abort();
  client.deliver({ type: "test.event" });
  await until("it is told", () => told.length > 0);
  expect(told).toEqual(["on"]);
  await expect(thrown).resolves.toMatchObject({ message: "a fault of the application" });
});

it("is the same to a renderer until something has changed", async () => {
  await begin();
  let renders = 0;
  client.subscribe(() => {
    renders += 1;
  });
  const before = client.getSnapshot();
  expect(client.getSnapshot()).toBe(before);
  client.deliver({ type: "test.event" });
  await until("it is there", () => unread() === 1);
  expect(renders).toBeGreaterThan(0);
  expect(client.getSnapshot()).not.toBe(before);
  expect(client.getServerSnapshot()).toBe(client.getServerSnapshot());
});
