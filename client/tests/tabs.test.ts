/** Several tabs of one user, with the locks of `support/locks.ts` and the real BroadcastChannel. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { createTidings, type Notification, type Options, type Tidings } from "../src/index.js";
import { MemoryServer } from "../src/testing/server.js";
import { Locks } from "./support/locks.js";
import { type Server, startServer, until } from "./support/server.js";

let server: Server;
let users = 0;

beforeAll(async () => {
  Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  Reflect.deleteProperty(globalThis, "navigator");
});

interface Tab {
  client: Tidings;
  told: number[];
}

const tabOf = (client: Tidings): Tab => {
  const told: number[] = [];
  client.on("notification", ({ payload }: Notification) => told.push((payload as { n: number }).n));
  client.connect();
  return { client, told };
};

const open = (user: string, options: Options = {}): Tab => tabOf(server.client(user, { sharing: "tabs", ...options }));

const isReady = ({ client }: Tab) => client.getSnapshot().status === "connected" && client.getSnapshot().loaded;

async function openTabs(count: number): Promise<{ user: string; tabs: Tab[] }> {
  users += 1;
  const user = `user${users}`;
  const tabs = Array.from({ length: count }, () => open(user));
  await until("all are connected", () => tabs.every(isReady));
  return { user, tabs };
}

const leaders = (tabs: Tab[]) => tabs.filter(({ client }) => client.getSnapshot().leader);

it("six tabs have one connection, and all of them hear everything", async () => {
  const { user, tabs } = await openTabs(6);
  expect(leaders(tabs)).toHaveLength(1);
  expect(await server.sessions(user)).toHaveLength(1);
  for (let n = 1; n <= 3; n += 1) await server.publish(user, "test.event", { n });
  await until("all have heard it", () => tabs.every(({ client }) => client.getSnapshot().unread === 3));
  for (const { told, client } of tabs) {
    expect(told).toEqual([1, 2, 3]);
    expect(client.getSnapshot().items).toHaveLength(3);
  }
});

it("a tab that comes later has the state of the others, without asking the server", async () => {
  const { user, tabs } = await openTabs(1);
  await server.publish(user, "test.event", { n: 1 });
  await until("it is there", () => tabs[0]?.client.getSnapshot().items.length === 1);
  const late = open(user);
  await until("it has it, too", () => late.client.getSnapshot().items.length === 1);
  expect(late.client.getSnapshot()).toMatchObject({ leader: false, unread: 1, status: "connected", user });
  expect(late.told, "it was there before").toEqual([]);
  expect(await server.sessions(user)).toHaveLength(1);
});

it("the leader goes, another leads at once, and nothing is lost or doubled", async () => {
  const { user, tabs } = await openTabs(4);
  let sent = 0;
  const rest = [...tabs];
  while (rest.length > 1) {
    const [leader] = leaders(rest);
    rest.splice(rest.indexOf(leader as Tab), 1);
    sent += 1;
    await server.publish(user, "test.event", { n: sent });
    leader?.client.close();
    sent += 1;
    await server.publish(user, "test.event", { n: sent });
    await until("there is a leader", () => leaders(rest).length === 1);
    await until("all have heard all", () => rest.every(({ told }) => told.length === sent));
  }
  for (const { told } of rest) expect(told).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
});

it("a mark of one is seen by all, and a follower's room is joined and left by the leader", async () => {
  const { user, tabs } = await openTabs(2);
  await server.publish(user, "test.event", { n: 1 });
  await until("both have it", () => tabs.every(({ client }) => client.getSnapshot().unread === 1));
  const follower = tabs.find(({ client }) => !client.getSnapshot().leader) as Tab;
  await follower.client.markRead("all");
  await until("both know", () => tabs.every(({ client }) => client.getSnapshot().unread === 0));
  const room = follower.client.room<string>("general");
  const heard: unknown[] = [];
  room.onMessage(({ data }) => heard.push(data));
  await until("it is in", () => room.getSnapshot().status === "joined");
  await room.publish("hello");
  await until("it is heard", () => heard.length === 1);
  expect((await server.sessions(user))[0]?.rooms).toEqual(["general"]);
  follower.client.close();
  await until("the leader leaves it", async () => (await server.sessions(user))[0]?.rooms.length === 0);
});

it("the leader goes before the list has come, and the next one reads it", async () => {
  users += 1;
  const user = `user${users}`;
  await server.publish(user, "test.event", { n: 1 });
  const isList = (url: URL) => url.pathname.endsWith("/notifications");
  const hangs: typeof fetch = (url, init) => (isList(url as URL) ? new Promise(() => {}) : fetch(url, init));
  const leader = open(user, { fetch: hangs });
  await leader.client.ready();
  const next = open(user);
  await next.client.ready();
  leader.client.close();
  await until("the list", () => next.client.getSnapshot().loaded);
  expect(next.client.getSnapshot().items).toHaveLength(1);
});

it("a tab that has fetched more than the leader is not cut off when the leader reads the list again", async () => {
  users += 1;
  const user = `user${users}`;
  for (let n = 1; n <= 9; n += 1) await server.publish(user, "test.event", { n });
  const asked: number[] = [];
  const counting: typeof fetch = (url, init) => {
    const limit = (url as URL).searchParams.get("limit");
    if (limit) asked.push(Number(limit));
    return fetch(url, init);
  };
  const leader = open(user, { pageSize: 2 });
  await until("the list", () => isReady(leader));
  const follower = open(user, { pageSize: 2, fetch: counting });
  await until("the list", () => isReady(follower));
  while (follower.client.getSnapshot().hasMore) await follower.client.fetchMore();
  expect(follower.client.getSnapshot().items).toHaveLength(9);
  const lengths = new Set<number>();
  follower.client.subscribe(() => lengths.add(follower.client.getSnapshot().items.length));
  asked.length = 0;
  await leader.client.refresh();
  await until("it has read its own", () => asked.length > 0);
  await follower.client.markRead("all");
  expect([asked, [...lengths]]).toEqual([[9], [9]]);
});

it("a leader whose place was taken, since it was frozen, follows and may lead again", async () => {
  const { user, tabs } = await openTabs(2);
  const [old] = leaders(tabs) as [Tab];
  let isTold = false;
  old.client.subscribe(() => {
    isTold ||= !old.client.getSnapshot().leader;
  });
  let free: (value: unknown) => void = () => {};
  const taken = new Promise((done) => {
    free = done;
  });
  const held = navigator.locks.request(`tidings:${server.url}:${user}`, { steal: true }, () => taken);
  await until("it has let go", async () => isTold && (await server.sessions(user)).length === 0);
  expect(leaders(tabs)).toEqual([]);
  await server.publish(user, "test.event", { n: 1 });
  free(null);
  await held;
  await until("there is a leader", () => leaders(tabs).length === 1);
  await until("both have heard it", () => tabs.every(({ told }) => told.length === 1));
});

it("what the server ends is over for all tabs, and nobody goes on in the leader's place", async () => {
  const { user, tabs } = await openTabs(3);
  const [session] = (await server.sessions(user)) as unknown as { session: string }[];
  const root = server.token("root", "admin");
  await server.call(root, `/v1/admin/sessions/${session?.session}`, { method: "DELETE" });
  await until("all know", () => tabs.every(({ client }) => client.getSnapshot().status === "closed"));
  // Whoever waited for the lead would have it before us.
  await navigator.locks.request(`tidings:${server.url}:${user}`, () => {});
  for (const { client } of tabs)
    expect(client.getSnapshot()).toMatchObject({ status: "closed", leader: false, error: { code: "revoked" } });

  // Who signs in again does so with a token of their own.
  const late = open(user);
  await until("a new tab is connected", () => isReady(late));
  tabs[1]?.client.connect();
  await until("and one that connects anew", () => isReady(tabs[1] as Tab));
  expect(await server.sessions(user)).toHaveLength(1);
});

/** A tab of a browser whose cookie says who it is. */
function openSignedIn({ fetch, WebSocket }: MemoryServer): Tab {
  return tabOf(createTidings({ url: "http://memory", transports: ["ws"], fetch, WebSocket }));
}

it("tabs share by who the cookie says it is, and forget nothing over a new start", async () => {
  const [alice, bob] = [new MemoryServer("alice"), new MemoryServer("bob")];
  const tabs = [openSignedIn(alice), openSignedIn(bob)] as const;
  await until("both are connected", () => tabs.every(isReady));
  expect(tabs.map(({ client }) => client.getSnapshot().user)).toEqual(["alice", "bob"]);
  alice.publish({ type: "test.event", payload: { n: 1 } });
  await until("it is heard", () => tabs[0].told.length === 1);
  expect(tabs[1].client.getSnapshot().items).toEqual([]);

  tabs[0].client.close();
  alice.publish({ type: "test.event", payload: { n: 2 } });
  tabs[0].client.connect();
  await until("what was missed is heard", () => tabs[0].told.length === 2);
  for (const { client } of tabs) client.close();
});

it("tabs of two users share nothing", async () => {
  const [one, other] = [await openTabs(1), await openTabs(1)];
  expect(leaders([...one.tabs, ...other.tabs])).toHaveLength(2);
});

it("a page that may have no locks leads for itself", async () => {
  const refused = { request: () => Promise.reject(new DOMException("no origin", "SecurityError")) };
  const { locks } = navigator;
  Object.assign(navigator, { locks: refused });
  const { tabs } = await openTabs(2);
  Object.assign(navigator, { locks });
  expect(leaders(tabs)).toHaveLength(2);
});
