/** Calls and tokens where what stands between us and the server answers, or nothing does. */

import { expect, it, vi } from "vitest";
import { createTidings } from "../src/client.js";
import type { Core } from "../src/core.js";
import { errorOf, TidingsError } from "../src/errors.js";
import { newHttp } from "../src/http.js";
import { MemoryServer } from "../src/testing/server.js";
import { newTokens } from "../src/tokens.js";
import { newOthers } from "../src/transports/others.js";

const callOf = (fetcher: typeof fetch) => newHttp("http://server", async () => null, false, fetcher)("me");

it("that are not answered end, and are worth another try", async () => {
  const patience = new AbortController();
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(patience.signal);
  const swallows = (_: unknown, init?: RequestInit) =>
    new Promise<never>((_, fail) => init?.signal?.addEventListener("abort", () => fail(init.signal?.reason)));
  const call = callOf(swallows).catch(errorOf);
  await new Promise((done) => setTimeout(done));
  patience.abort(new DOMException("in vain", "TimeoutError"));
  expect(await call).toMatchObject({ code: "timeout", retryable: true });
  vi.restoreAllMocks();
});

it.each([
  ["3", 3000, 4000],
  ["2592000", 3_600_000, 3_600_000],
])("obey Retry-After: %s, not to the millisecond and not for ever", async (seconds, least, most) => {
  const refused = async () => new Response("", { status: 503, headers: { "Retry-After": seconds } });
  const { retryAfterMs } = (await callOf(refused).catch(errorOf)) as TidingsError;
  expect(retryAfterMs).toBeGreaterThanOrEqual(least);
  expect(retryAfterMs).toBeLessThanOrEqual(most);
});

it("of a mark that are not answered are not made again in the same moment", async () => {
  let swallowed = 0;
  const swallow = ({ signal }: RequestInit = {}) => {
    swallowed += 1;
    return new Promise<Response>((_, fail) => signal?.addEventListener("abort", () => fail(signal.reason)));
  };
  const server = new MemoryServer("alice");
  const fetch = (url: unknown, init?: RequestInit) =>
    `${url}`.endsWith("/mark") ? swallow(init) : server.fetch(`${url}`, init ?? {});
  const { WebSocket } = server;
  const client = createTidings({ url: "http://memory", token: "x", sharing: "none", fetch: fetch as never, WebSocket });
  client.connect();
  await client.ready();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const happens = async (times: number) => {
    while (swallowed < times) await new Promise((done) => setImmediate(done));
    return swallowed;
  };
  client.markRead("all").catch(() => {});
  await happens(1);
  await vi.advanceTimersByTimeAsync(16_999);
  for (let n = 0; n < 20; n += 1) await new Promise((done) => setImmediate(done));
  expect(swallowed).toBe(1);
  await vi.advanceTimersByTimeAsync(2001);
  expect(await happens(2)).toBe(2);
  vi.useRealTimers();
  client.close();
});

it("take no page of an error for a token, and keep none", async () => {
  const answers = ["<h1>502 Bad Gateway</h1>", "", "header.claims.signature"];
  const tokens = newTokens({ getToken: () => answers.shift() as string });
  for (let n = 0; n < 2; n += 1) await expect(tokens()).rejects.toMatchObject({ code: "bad_token", retryable: true });
  expect(await tokens()).toBe("header.claims.signature");
  expect(await tokens()).toBe("header.claims.signature");
});

it("that explain what was in the way take no passing failure for the end", async () => {
  const away = { http: () => Promise.reject(new TypeError("no network")) } as unknown as Core;
  const { explain } = newOthers(away);
  const refused = new TidingsError("forbidden", { status: 403, problem: { code: "forbidden" } });
  expect(await explain(refused, ["general"])).toMatchObject({ code: "network", retryable: true });
  const unserved = new TidingsError("not_found", { status: 404, problem: { code: "not_found" } });
  expect(await explain(unserved, [])).toMatchObject({ code: "blocked" });
});

it("ask again who it is where what stands before the server has answered, and not where nobody is signed in", async () => {
  const server = new MemoryServer("alice");
  const before = [404];
  const client = createTidings({
    ...{ url: "http://memory", sharing: "none", transports: ["ws"], backoff: { min: 1, max: 10 } },
    fetch: async (url, init) => {
      const status = `${url}`.endsWith("/me") && before.shift();
      return status ? new Response("", { status }) : server.fetch(url, init);
    },
    WebSocket: server.WebSocket,
  });
  client.connect();
  await client.ready();
  client.close();
  before.push(404, 401);
  client.connect();
  await client.ready();
  client.close();
  before.push(401, 401);
  client.connect();
  await expect(client.ready()).rejects.toMatchObject({ status: 401 });
});
