/** What comes makes queries stale: with the client of TanStack Query itself. */

import { QueryClient, QueryObserver } from "@tanstack/query-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bindQueryClient, type QueryKey, tidingsKeys } from "../src/query.js";
import { type FakeTidings, fakeTidings } from "../src/testing.js";
import { until } from "./support/server.js";

let client: FakeTidings;
let queries: QueryClient;
let unbind: () => void;
/** How often each query was fetched. */
let fetched: Record<string, number>;

const watch = async (name: string, queryKey: QueryKey) => {
  const queryFn = () => {
    fetched[name] = (fetched[name] ?? 0) + 1;
    return fetched[name];
  };
  const observer = new QueryObserver(queries, { queryKey, queryFn, staleTime: Number.POSITIVE_INFINITY });
  observer.subscribe(() => {});
  await until(`${name} is fetched`, () => fetched[name] === 1);
};

beforeEach(async () => {
  fetched = {};
  queries = new QueryClient();
  client = fakeTidings({ rooms: ["general", "other"] });
  const keysOf = ({ payload }: { payload: unknown }) => [["post", (payload as { post: number }).post]];
  unbind = bindQueryClient(client, queries, { keysOf });
  client.connect();
  await until("the list", () => client.getSnapshot().loaded);
  await until("the room", () => client.getSnapshot().rooms.general?.status === "joined");
  await watch("inbox", tidingsKeys.inbox);
  await watch("comments", tidingsKeys.type("comment.created"));
  await watch("orders", tidingsKeys.type("order.shipped"));
  await watch("post 7", ["post", 7]);
  await watch("post 8", ["post", 8]);
  await watch("general", tidingsKeys.room("general"));
  await watch("other", tidingsKeys.room("other"));
});

afterEach(() => {
  unbind();
  client.close();
  queries.clear();
});

const ONCE = { inbox: 1, comments: 1, orders: 1, "post 7": 1, "post 8": 1, general: 1, other: 1 };

it("has fetched again, once, what a burst of notifications is about", async () => {
  for (let n = 0; n < 20; n += 1) client.deliver({ type: "comment.created", payload: { post: 7 } });
  await until("it is fetched again", () => fetched["post 7"] === 2);
  expect(fetched).toEqual({ ...ONCE, inbox: 2, comments: 2, "post 7": 2 });
});

it("has fetched again what a mark or a message is about", async () => {
  const { id } = client.deliver({ type: "order.shipped", payload: { post: 0 } });
  await until("it is fetched again", () => fetched.orders === 2);
  await client.markRead(id);
  client.say("general", "bob", "Hello");
  await until("both are fetched again", () => fetched.inbox === 3 && fetched.general === 2);
  expect(fetched).toEqual({ ...ONCE, inbox: 3, orders: 2, general: 2 });
});

it("has all fetched again where something of the inbox was lost, and of a room what is about it", async () => {
  const gap = { type: "gap", from: "fakefake.0", to: "fakefake.9", reason: "pruned" } as const;
  client.receive({ ...gap, stream: "general" });
  await until("it is fetched again", () => fetched.general === 2);
  expect(fetched).toEqual({ ...ONCE, general: 2 });
  client.receive({ ...gap, stream: "inbox" });
  await until("all are", () => Object.values(fetched).every((times) => times >= 2));
});

it("leaves the queries alone once it is over, and what waits, too", async () => {
  client.deliver({ type: "comment.created", payload: { post: 7 } });
  await until("it has come", () => client.getSnapshot().unread === 1);
  unbind();
  const another = new Promise((done) => bindQueryClient(client, { invalidateQueries: done }));
  client.deliver({ type: "comment.created", payload: { post: 7 } });
  // Whoever hears of the second one would have heard of both.
  await another;
  expect(fetched).toEqual(ONCE);
});
