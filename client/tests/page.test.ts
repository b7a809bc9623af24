/** What the browser tells of the page, with a document and a window that tests can hide; the server is real. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Tidings } from "../src/index.js";
import { fakeTidings } from "../src/testing.js";
import { plugInto, type Server, startServer, until } from "./support/server.js";

class Page extends EventTarget {
  hidden = false;
}

let server: Server;
let page: Page;
let users = 0;
let user: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.stop();
  Reflect.deleteProperty(globalThis, "document");
  Reflect.deleteProperty(globalThis, "window");
});

beforeEach(() => {
  users += 1;
  user = `user${users}`;
  page = new Page();
  Object.assign(globalThis, { document: page, window: page });
});

afterEach(() => vi.useRealTimers());

const tell = (type: string) => page.dispatchEvent(new Event(type));

function setVisible(isVisible: boolean): void {
  page.hidden = !isVisible;
  tell("visibilitychange");
}

async function begin(options = {}): Promise<Tidings> {
  const client = server.client(user, options);
  client.connect();
  await until("the list", () => client.getSnapshot().loaded);
  return client;
}

const status = (client: Tidings, wanted: string) => until(wanted, () => client.getSnapshot().status === wanted);
const acked = async () => (await server.sessions(user))[0]?.acked;

it("what is shown in a page in front is acknowledged, over whatever way", async () => {
  for (const transport of ["ws", "sse"] as const) {
    const client = await begin({ transports: [transport] });
    const { position } = await server.publish(user, "test.event", {});
    await until("acknowledged", async () => (await acked()) === position);
    client.close();
  }
});

it("what comes while nobody looks is acknowledged when somebody does", async () => {
  const client = await begin();
  setVisible(false);
  const { position } = await server.publish(user, "test.event", {});
  await until("it is there", () => client.getSnapshot().items.length === 1);
  // By the time the next one is known this one would have been acknowledged.
  await server.publish(user, "test.event", {});
  await until("it is there", () => client.getSnapshot().items.length === 2);
  expect(await acked()).not.toBe(position);
  setVisible(true);
  await until("acknowledged", async () => (await acked())?.endsWith(".2"));
});

it("a page that is hidden for long lets go, and is there again with what it has missed", async () => {
  const client = await begin({ hiddenGrace: 50 });
  const told: unknown[] = [];
  client.on("notification", ({ payload }) => told.push(payload));
  setVisible(false);
  await status(client, "idle");
  await until("nobody is connected", async () => (await server.sessions(user)).length === 0);
  await server.publish(user, "test.event", { n: 1 });
  setVisible(true);
  await until("it is told", () => told.length === 1);
  expect(client.getSnapshot()).toMatchObject({ status: "connected", unread: 1 });
});

it("a page that let go before the list had come reads it when somebody looks", async () => {
  await server.publish(user, "test.event", {});
  let fail: ((error: Error) => void) | undefined;
  const isList = (url: unknown) => (url as URL).pathname.endsWith("/notifications");
  const client = server.client(user, {
    hiddenGrace: 50,
    fetch: (url, init) => (isList(url) && !fail ? new Promise((_, refuse) => (fail = refuse)) : fetch(url, init)),
  });
  const errors: string[] = [];
  client.on("error", ({ code }) => errors.push(code));
  client.connect();
  await until("the list is asked for", () => fail);
  setVisible(false);
  await status(client, "idle");
  fail?.(new TypeError("cut"));
  await until("it is given up", () => errors.length > 0);
  setVisible(true);
  await until("the list", () => client.getSnapshot().items.length === 1);
});

it("a page whose connection was ended for good stays so, looked at again or taken out of store", async () => {
  vi.useFakeTimers();
  const client = fakeTidings({ hiddenGrace: 50 });
  client.connect();
  await vi.advanceTimersByTimeAsync(100);
  expect(client.getSnapshot().status).toBe("connected");
  client.receive({ type: "goodbye", code: 4504, reason: "connection_limit" });
  await vi.advanceTimersByTimeAsync(100);
  client.drop();
  setVisible(false);
  await vi.advanceTimersByTimeAsync(1000);
  setVisible(true);
  await vi.advanceTimersByTimeAsync(1000);
  const over = { status: "closed", error: { code: "connection_limit", status: 4504 } };
  expect(client.getSnapshot()).toMatchObject(over);
  tell("pagehide");
  tell("pageshow");
  await vi.advanceTimersByTimeAsync(1000);
  expect(client.getSnapshot()).toMatchObject(over);
  client.connect();
  await vi.advanceTimersByTimeAsync(1000);
  expect(client.getSnapshot().status).toBe("connected");
  client.close();
});

it("a page that is looked at again in time has never let go", async () => {
  const client = await begin({ hiddenGrace: 60_000 });
  const told: string[] = [];
  client.on("status", (event) => told.push(event.status));
  setVisible(false);
  setVisible(true);
  await server.publish(user, "test.event", {});
  await until("it is there", () => client.getSnapshot().items.length === 1);
  expect(told).toEqual([]);
});

it("a page that is stored away has no connection, and goes on when it is taken out", async () => {
  const client = await begin({ rooms: ["general"] });
  const told: unknown[] = [];
  client.on("notification", ({ payload }) => told.push(payload));
  tell("pagehide");
  await until("nobody is connected", async () => (await server.sessions(user)).length === 0);
  await server.publish(user, "test.event", { n: 1 });
  tell("pageshow");
  await until("it is told", () => told.length === 1);
  await until("it is in its room", () => client.getSnapshot().rooms.general?.status === "joined");
});

it("over another network a way that cannot ask whether the server is still there is had anew, and says so", async () => {
  const client = await begin({ transports: ["sse"] });
  const told: string[] = [];
  client.on("status", (event) => told.push(event.status));
  const [{ session } = { session: "" }] = (await server.sessions(user)) as unknown as { session: string }[];
  tell("online");
  await until("another connection", async () => {
    const sessions = (await server.sessions(user)) as unknown as { session: string }[];
    return sessions.length === 1 && sessions[0]?.session !== session;
  });
  await status(client, "connected");
  expect(told).toEqual(["reconnecting", "connected"]);
});

it("over another network a WebSocket that is answered on goes on", async () => {
  const client = await begin();
  const sessions = await server.sessions(user);
  const [told, heard] = [[] as string[], [] as string[]];
  client.on("status", (event) => told.push(event.status));
  client.on("frame", ({ type }) => heard.push(type));
  tell("online");
  await until("it has answered", () => heard.includes("pong"));
  expect([told, await server.sessions(user)]).toEqual([[], sessions]);
});

it("over another network what was told to wait is said at once", async () => {
  const isMark = (url: unknown) => (url as URL).pathname.endsWith("/mark");
  const refused: Response[] = [];
  const client = await begin({
    fetch: async (url: URL, init: RequestInit) => {
      if (!isMark(url) || refused.length > 0) return fetch(url, init);
      refused.push(new Response("", { status: 503, headers: { "Retry-After": "3600" } }));
      return refused[0];
    },
  });
  let isMarked = false;
  client.markRead("all").then(() => {
    isMarked = true;
  });
  await until("it is to wait", () => refused.length > 0);
  const told: string[] = [];
  client.on("status", (event) => told.push(event.status));
  await until("it is said", () => tell("online") && isMarked);
  expect(told, "and not over another connection").toEqual([]);
});

it("over another network, and over a new connection, what is on its way is said anew, and taken back if refused", async () => {
  /** Those that no network carries any more. */
  let swallowed = 0;
  const swallow = ({ signal }: RequestInit) => {
    swallowed += 1;
    return new Promise<Response>((_, fail) => signal?.addEventListener("abort", () => fail(signal.reason)));
  };
  let isCut = false;
  const client = await begin({
    fetch: (url: URL, init: RequestInit) => (isCut && init.method !== "GET" ? swallow(init) : fetch(url, init)),
  });
  for (const change of [() => tell("online"), () => client.reconnect()]) {
    const { id } = await server.publish(user, "test.event", {});
    await until("it is there", () => client.getSnapshot().unread === 1);
    [isCut, swallowed] = [true, 0];
    const read = client.markRead(id);
    const refused = client.markRead({ upTo: "nowhere" });
    await until("it is on its way", () => swallowed > 0);
    isCut = false;
    change();
    await Promise.all([read, expect(refused).rejects.toMatchObject({ code: "bad_cursor" })]);
    expect([swallowed, client.getSnapshot().unread]).toEqual([1, 0]);
  }
});

it("over the first connection what is on its way is left to be answered, and said once", async () => {
  let said = 0;
  let open = () => {};
  const gate = new Promise<void>((done) => {
    open = done;
  });
  const client = server.client(user, {
    fetch: async (url, init) => {
      if (`${url}`.endsWith("/mark")) {
        said += 1;
        await gate;
        init?.signal?.throwIfAborted();
      }
      return fetch(url, init);
    },
  });
  const marked = client.markSeen();
  await until("it is on its way", () => said > 0);
  client.connect();
  await until("the list", () => client.getSnapshot().loaded);
  open();
  await marked;
  expect(said).toBe(1);
});

it("over another network what waits is said though the server has ended the connection, and does not fail", async () => {
  const client = await begin();
  const [{ session } = { session: "" }] = (await server.sessions(user)) as unknown as { session: string }[];
  await server.call(server.token("root", "admin"), `/v1/admin/sessions/${session}`, { method: "DELETE" });
  await status(client, "closed");
  const mark = client.markRead("all");
  tell("online");
  await mark;
});

it("says that there is no network, and is back when there is", async () => {
  const plug = await plugInto(server.url);
  const client = await begin({ url: plug.url, backoff: { min: 60_000, max: 60_000 } });
  const network = { onLine: false };
  vi.stubGlobal("navigator", network);
  plug.block(true);
  tell("offline");
  await status(client, "offline");
  plug.block(false);
  network.onLine = true;
  vi.spyOn(Math, "random").mockReturnValue(0);
  tell("online");
  await status(client, "connected");
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  plug.stop();
});

it("a page that is opened without a network begins as soon as there is one", async () => {
  const network = { onLine: false };
  vi.stubGlobal("navigator", network);
  const token = server.token(user, "");
  const getToken = vi.fn(async () => {
    if (!network.onLine) throw new TypeError("no network");
    return token;
  });
  const client = server.client(user, { getToken, backoff: { min: 60_000, max: 60_000 } });
  client.connect();
  await status(client, "offline");
  network.onLine = true;
  vi.spyOn(Math, "random").mockReturnValue(0);
  tell("online");
  await status(client, "connected");
  expect(getToken).toHaveBeenCalledTimes(2);
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("a start that waits says when the network goes, and at once when it is back", async () => {
  const network = { onLine: true };
  vi.stubGlobal("navigator", network);
  const getToken = () => Promise.reject(new TypeError("no network"));
  const client = server.client(user, { getToken, backoff: { min: 60_000, max: 60_000 } });
  client.connect();
  await until("it waits", () => client.getSnapshot().error);
  const told = [client.getSnapshot().status];
  for (const onLine of [false, true]) {
    network.onLine = onLine;
    tell(onLine ? "online" : "offline");
    told.push(client.getSnapshot().status);
  }
  expect(told).toEqual(["connecting", "offline", "connecting"]);
  client.close();
  vi.unstubAllGlobals();
});
