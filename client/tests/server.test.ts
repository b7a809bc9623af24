/** The client against a real server. */

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AuthError, type Notification, type Transport } from "../src/index.js";
import { plugInto, type Server, startServer, until } from "./support/server.js";

const TRANSPORTS: Transport[] = ["ws", "sse", "longpoll", "poll"];

let server: Server;
let users = 0;

beforeAll(async () => {
  server = await startServer({ "auth.expiry_grace": "1s" });
});
afterAll(() => server?.stop());

/** A WebSocket where something on the way lets none through. */
class Cut extends EventTarget {
  static tried = 0;
  onclose?: (event: object) => void;
  constructor() {
    super();
    Cut.tried += 1;
    queueMicrotask(() => this.onclose?.({ code: 1006, reason: "" }));
  }
  close() {}
}

/** Somebody new. */
const someone = () => {
  users += 1;
  return `user${users}`;
};

describe.each(TRANSPORTS)("over %s", (transport) => {
  const options = { transports: [transport], pollInterval: 20 };

  it("shows what is there and what comes, and counts it", async () => {
    const user = someone();
    await server.publish(user, "test.event", { n: 1 });
    const client = server.client(user, options);
    const told: Notification[] = [];
    client.on("notification", (item) => told.push(item));
    client.connect();
    await client.ready();
    await until("the list", () => client.getSnapshot().loaded);
    const { position } = await server.publish(user, "test.event", { n: 2 });
    await until("the second one, counted", () => client.getSnapshot().unread === 2);
    const { items, unseen, user: name, transport: way } = client.getSnapshot();
    expect(items.map(({ payload }) => payload)).toEqual([{ n: 2 }, { n: 1 }]);
    expect(told.map((item) => item.position)).toEqual([position]);
    expect({ unseen, name, way }).toEqual({ unseen: 2, name: user, way: transport });
  });

  it("marks here and hears what was marked elsewhere", async () => {
    const user = someone();
    const { id } = await server.publish(user, "test.event", { n: 1 });
    await server.publish(user, "test.event", { n: 2 });
    const [here, there] = [server.client(user, options), server.client(user, options)];
    for (const client of [here, there]) client.connect();
    await until("both lists", () => here.getSnapshot().loaded && there.getSnapshot().loaded);
    const marking = here.markRead(id);
    expect(here.getSnapshot(), "at once").toMatchObject({ unread: 1, unseen: 1 });
    await marking;
    await until("the other one knows", () => there.getSnapshot().items[1]?.read_at);
    await there.markSeen();
    expect(there.getSnapshot()).toMatchObject({ unread: 1, unseen: 0 });
    await there.markUnread(id);
    await until("unread again", () => here.getSnapshot().unread === 2);
    await here.archive("all");
    await until("archived", () => there.getSnapshot().items.length === 0 && there.getSnapshot().unread === 0);
  });

  it("hears a room and speaks in it", async () => {
    const room = `room:${someone()}`;
    const [alice, bob] = [server.client(someone(), options), server.client(someone())];
    const heard: unknown[] = [];
    const there = alice.room<string>(room).onMessage(({ data }) => heard.push(data));
    const other = bob.room<string>(room);
    for (const client of [alice, bob]) client.connect();
    await until("both are in", () => [there, other].every((one) => one.getSnapshot().status === "joined"));
    await other.publish("one");
    await Promise.all([there.publish("two"), there.publish("three"), other.publish("four")]);
    await until("all was heard", () => heard.length === 4);
    expect(heard.filter((data) => data !== "four")).toEqual(["one", "two", "three"]);
    const { messages } = await other.history();
    expect(messages.map(({ data }) => data)).toEqual(heard);
    there.leave();
    await until("it is left", () => alice.getSnapshot().rooms[room] === undefined);
  });

  it("is in the rooms that it may be in, whatever it asks for", async () => {
    const user = someone();
    const client = server.client(user, {
      ...options,
      token: server.token(user, "join:open:*"),
      rooms: ["open:1", "closed:1"],
    });
    client.connect();
    await until("joined", () => client.getSnapshot().rooms["open:1"]?.status === "joined");
    expect(client.getSnapshot().rooms["closed:1"]).toMatchObject({ status: "left", error: { code: "forbidden" } });
  });
});

it("over an event stream says of which rooms it does not hear", async () => {
  const rooms = Array.from({ length: 11 }, (_, n) => `room:${n}`);
  const client = server.client(someone(), { transports: ["sse"], rooms });
  client.connect();
  await until("it says so", () => client.getSnapshot().rooms["room:10"]?.status === "left");
  expect(client.getSnapshot().rooms["room:10"]).toMatchObject({ error: { code: "room_limit" } });
});

describe("a token", () => {
  it.each(["ws", "sse"] as const)("is renewed when it ends, over %s, and nothing is lost", async (transport) => {
    const user = someone();
    const asked: string[] = [];
    const getToken = (why: string) => {
      asked.push(why);
      return server.token(user, "", why === "connect" ? 1 : 3600);
    };
    const client = server.client(user, { getToken, transports: [transport] });
    client.connect();
    await client.ready();
    await until("a new one was asked for", () => asked.includes("expired"));
    await server.publish(user, "test.event", { n: 1 });
    await until("it is heard", () => client.getSnapshot().items.length === 1);
    expect(asked.filter((why) => why === "connect")).toHaveLength(1);
  });

  it("is renewed in time on the connection that there is", async () => {
    const user = someone();
    const asked: string[] = [];
    const [short, long] = [server.token(user, "", 60), server.token(user, "", 3600)];
    const getToken = (why: string) => {
      asked.push(why);
      return why === "connect" ? short : long;
    };
    const client = server.client(user, { getToken });
    const told: string[] = [];
    client.on("frame", ({ type, ...frame }) => told.push("command" in frame ? `${type} ${frame.command}` : type));
    // By the clock of the client it ends soon; the server, by its own, has as long as it needs.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 58_500 });
    client.connect();
    await until("the new one is taken", () => told.includes("ok auth")).finally(() => vi.useRealTimers());
    expect(told.filter((type) => type === "welcome")).toHaveLength(1);
    expect(asked).toEqual(["connect", "expired"]);
  });

  it("that is none ends it, and says so", async () => {
    const client = server.client(someone(), { token: "e30.eyJzdWIiOiJhbGljZSJ9.x" });
    client.connect();
    await expect(client.ready()).rejects.toMatchObject({ code: "invalid_token" });
    expect(client.getSnapshot().status).toBe("closed");
  });

  it("that is not to be had ends it, too", async () => {
    const getToken = () => {
      throw new AuthError();
    };
    const client = server.client(someone(), { getToken });
    client.connect();
    await expect(client.ready()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("that cannot be had now is asked for again", async () => {
    const user = someone();
    const errors: string[] = [];
    const getToken = async () => {
      if (errors.length < 2) throw new Error("no network");
      return server.token(user);
    };
    const client = server.client(user, { getToken });
    client.on("error", ({ code }) => errors.push(code));
    client.connect();
    await client.ready();
    expect(errors).toEqual(["network", "network"]);
    expect(client.getSnapshot().error).toBeNull();
  });

  it("that is revoked ends it, and what waits is refused", async () => {
    const user = someone();
    const client = server.client(user);
    client.connect();
    await client.ready();
    const body = JSON.stringify({ user });
    await server.call(server.token("root", "admin"), "/v1/admin/revocations", { method: "POST", body });
    await until("it is closed", () => client.getSnapshot().status === "closed");
    expect(client.getSnapshot().error).toMatchObject({ code: "revoked", status: 4503 });
    await expect(client.markRead("all")).rejects.toMatchObject({ status: 401 });
  });
});

describe("without a network", () => {
  it("marks wait, as many as may, and are said when it is back", async () => {
    const user = someone();
    const sent = [];
    for (let n = 0; n < 4; n += 1) sent.push(await server.publish(user, "test.event", { n }));
    const plug = await plugInto(server.url);
    const client = server.client(user, { url: plug.url, queue: { max: 2 } });
    client.connect();
    await until("the list", () => client.getSnapshot().loaded);
    plug.block(true);
    await until("it is lost", () => client.getSnapshot().status === "reconnecting");
    const [one, two, three] = sent.map(({ id }) => id);
    const marks = [client.markRead(one as string), client.markRead(two as string)];
    await expect(client.archive(three as string)).rejects.toMatchObject({ code: "queue_full" });
    expect(client.getSnapshot().unread).toBe(2);
    plug.block(false);
    await Promise.all(marks);
    await until("the server counts", async () => {
      const counted = await server.call(server.token(user), "/v1/notifications/unread");
      return (counted as { unread: number }).unread === 2;
    });
    plug.stop();
  });

  it("a mark that waits ends with the client, also where the server has ended it before", async () => {
    const user = someone();
    let isAway = false;
    const client = server.client(user, {
      fetch: (url, init) => (isAway ? Promise.reject(new TypeError("no network")) : fetch(url, init)),
    });
    client.connect();
    await client.ready();
    const body = JSON.stringify({ user });
    await server.call(server.token("root", "admin"), "/v1/admin/revocations", { method: "POST", body });
    await until("it is closed", () => client.getSnapshot().status === "closed");
    isAway = true;
    const mark = client.markRead("all");
    client.close();
    await expect(mark).rejects.toMatchObject({ code: "closed" });
  });

  it("is found out by going on elsewhere: where WebSockets are cut, an event stream is taken", async () => {
    const user = someone();
    const client = server.client(user, { WebSocket: Cut as never });
    client.connect();
    await client.ready();
    expect(client.getSnapshot().transport).toBe("sse");
  });

  it("is kept in mind for an hour: the way that has worked is tried first at the next load", async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => kept.set(name, value),
    });
    const load = async () => {
      Cut.tried = 0;
      const client = server.client(someone(), { WebSocket: Cut as never });
      client.connect();
      await client.ready();
      const way = client.getSnapshot().transport;
      client.close();
      return [way, Cut.tried];
    };
    expect(await load()).toEqual(["sse", 1]);
    expect(await load(), "what cannot be had is not tried").toEqual(["sse", 0]);
    for (const [name, value] of kept) kept.set(name, value.replace(/\d+/, `${Date.now() - 3_700_000}`));
    expect(await load(), "an hour later").toEqual(["sse", 1]);
    vi.unstubAllGlobals();
  });
});

describe("calls", () => {
  it("keep mutes and preferences", async () => {
    const client = server.client(someone());
    await client.mutes.add("comment.*");
    expect(await client.mutes.list()).toMatchObject([{ pattern: "comment.*", until: null }]);
    await client.mutes.remove("comment.*");
    expect(await client.mutes.list()).toEqual([]);
    const quiet = { zone: "Europe/Berlin", from: "22:00", to: "07:00" };
    await client.preferences.set({ quiet });
    expect(await client.preferences.get()).toEqual({ quiet, push: true });
  });

  it("bring older pages, and delete", async () => {
    const user = someone();
    for (let n = 1; n <= 5; n += 1) await server.publish(user, "test.event", { n });
    const client = server.client(user, { pageSize: 2 });
    client.connect();
    await until("the list", () => client.getSnapshot().loaded);
    expect(client.getSnapshot()).toMatchObject({ hasMore: true, items: { length: 2 } });
    await client.fetchMore();
    await client.fetchMore();
    expect(client.getSnapshot()).toMatchObject({ hasMore: false, items: { length: 5 } });
    await client.delete(client.getSnapshot().items[4]?.id as string);
    expect(client.getSnapshot().items.map(({ payload }) => (payload as { n: number }).n)).toEqual([5, 4, 3, 2]);
    await until("it is counted", () => client.getSnapshot().unread === 4);
  });
});
