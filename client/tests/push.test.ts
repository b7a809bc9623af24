/**
 * Web Push in a page: the server is real, and the browser as much of one as the client uses. Whether a push service and
 * a service worker do what they should is tried in a browser.
 */

import { createECDH, randomBytes } from "node:crypto";
import { WebSocket } from "undici";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Options, Tidings } from "../src/index.js";
import { type Server, startServer, until } from "./support/server.js";

let server: Server;
let users = 0;
let user: string;
let client: Tidings;
let worker: EventTarget;
let shown: { data: object; close(): void }[];
let closed: string[];
let subscribed: { endpoint: string; toJSON(): object; unsubscribe(): Promise<boolean> } | null;
let asked: BufferSource[];
let registered: string[];

beforeAll(async () => {
  const hosts = {
    "push.enabled": "true",
    "push.subject": "mailto:a@example.com",
    "push.allowed_hosts": "push.example",
  };
  server = await startServer(hosts);
});
afterAll(() => server?.stop());

/** What a browser would make at a push service. */
function subscribe({ applicationServerKey }: { applicationServerKey: BufferSource }) {
  asked.push(applicationServerKey);
  const key = createECDH("prime256v1").generateKeys("base64url");
  const auth = randomBytes(16).toString("base64url");
  const endpoint = `https://push.example/${randomBytes(8).toString("hex")}`;
  subscribed = {
    endpoint,
    toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh: key, auth } }),
    unsubscribe: async () => {
      subscribed = null;
      return true;
    },
  };
  return subscribed;
}

beforeEach(() => {
  users += 1;
  user = `user${users}`;
  [worker, shown, closed, asked, registered, subscribed] = [new EventTarget(), [], [], [], [], null];
  const pushManager = {
    subscribe: async (options: never) => subscribe(options),
    getSubscription: async () => subscribed,
  };
  const installing = new EventTarget();
  const registration = { pushManager, installing, active: null as unknown, getNotifications: async () => shown };
  const serviceWorker = Object.assign(worker, {
    // The page may be beyond the scope of the worker.
    ready: new Promise(() => {}),
    getRegistration: async () => registration,
    async register(url: unknown) {
      registered.push(String(url));
      setTimeout(() => {
        registration.active = installing;
        installing.dispatchEvent(new Event("statechange"));
      });
      return registration;
    },
  });
  const kept = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  };
  const history = { state: null, replaceState: vi.fn() };
  const location = { href: "https://app.example/inbox", assign: vi.fn() };
  const Notification = { permission: "default", requestPermission: async () => (Notification.permission = "granted") };
  const browser = { isSecureContext: true, PushManager: class {}, Notification, localStorage, history, location };
  for (const [name, value] of Object.entries({ ...browser, navigator: { serviceWorker } })) vi.stubGlobal(name, value);
});

async function begin(options: Options = {}): Promise<Tidings> {
  client = server.client(user, options);
  client.connect();
  await until("the list", () => client.getSnapshot().loaded);
  return client;
}

async function known(): Promise<string[]> {
  const answer = await server.call(server.token(user), "/v1/push/subscriptions");
  return (answer as { subscriptions: { endpoint: string }[] }).subscriptions.map(({ endpoint }) => endpoint);
}

it("is asked for, registered, and taken back", async () => {
  await begin();
  expect(client.getSnapshot().push).toEqual({ state: "prompt", enabled: false });
  await client.push.enable();
  await until("it is told", () => client.getSnapshot().push.enabled);
  expect(client.getSnapshot().push.state).toBe("granted");
  const { key } = (await server.call(server.token(user), "/v1/push/key")) as { key: string };
  expect(Buffer.from(asked[0] as Uint8Array).toString("base64url")).toBe(key);
  expect(registered).toEqual([`https://app.example/sw.js?api=${encodeURIComponent(server.url)}`]);
  expect(await known()).toEqual([subscribed?.endpoint]);
  await client.push.disable();
  expect(await known()).toEqual([]);
  expect(subscribed).toBeNull();
  await until("it is told", () => !client.getSnapshot().push.enabled);
});

it("rejects with the state where it cannot be", async () => {
  (Notification as { permission: string }).permission = "denied";
  await begin();
  await expect(client.push.enable()).rejects.toMatchObject({ code: "denied" });
  expect(client.getSnapshot().push).toEqual({ state: "denied", enabled: false });
});

it("says what is in the way", async () => {
  vi.stubGlobal("PushManager", undefined);
  Reflect.deleteProperty(globalThis, "PushManager");
  expect(server.client(user).getSnapshot().push.state).toBe("unsupported");
  Object.assign(navigator, { standalone: false });
  expect(server.client(user).getSnapshot().push.state).toBe("needs-install");
  vi.stubGlobal("isSecureContext", false);
  expect(server.client(user).getSnapshot().push.state).toBe("insecure");
});

it("tells the server of a subscription that the browser has changed meanwhile", async () => {
  await begin();
  await client.push.enable();
  client.close();
  const old = subscribed?.endpoint;
  subscribe({ applicationServerKey: new Uint8Array() });
  await begin();
  await until("it is known", async () => (await known()).includes(subscribed?.endpoint ?? ""));
  expect(subscribed?.endpoint).not.toBe(old);
  await until("it is told", () => client.getSnapshot().push.enabled);
});

it("is known at the next load where a cookie says who it is", async () => {
  const token = server.token(user);
  class SignedIn extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, [...protocols, `bearer.${token}`]);
    }
  }
  const cookie: Options = {
    token: undefined as never,
    WebSocket: SignedIn as never,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, Authorization: `Bearer ${token}` } }),
  };
  await begin(cookie);
  await client.push.enable();
  client.close();
  await begin(cookie);
  await until("it is told", () => client.getSnapshot().push.enabled);
});

it("closes what the system shows of what was read elsewhere", async () => {
  (Notification as { permission: string }).permission = "granted";
  await begin();
  const sent = [];
  for (let n = 0; n < 3; n += 1) sent.push(await server.publish(user, "test.event", { n }));
  await until("all are there", () => client.getSnapshot().items.length === 3);
  shown = sent.map((data, at) => ({ data, close: () => closed.push(String(at)) }));
  shown.push({ data: { of: "another application" }, close: () => closed.push("not ours") });
  const mark = (body: object) =>
    server.call(server.token(user), "/v1/notifications/mark", { method: "POST", body: JSON.stringify(body) });
  await mark({ as: "seen", all: true });
  await mark({ as: "read", ids: [sent[1]?.id] });
  await until("one is closed", () => closed.length === 1);
  expect(closed).toEqual(["1"]);
  await mark({ as: "archived", up_to: sent[0]?.position });
  await until("another one is closed", () => closed.length === 2);
  expect(closed).toEqual(["1", "0"]);
});

it("marks what was clicked as read, and has the page show it", async () => {
  (Notification as { permission: string }).permission = "granted";
  const { id } = await server.publish(user, "test.event", {});
  await begin();
  await until("it is known", () => client.getSnapshot().push.state === "granted");
  const opened: unknown[] = [];
  client.on("open", (click) => opened.push(click));
  const data = { tidings: { id, url: "https://app.example/posts/7" } };
  await until("it is heard", () => {
    worker.dispatchEvent(new MessageEvent("message", { data }));
    return opened.length > 0;
  });
  expect(opened[0]).toEqual(data.tidings);
  expect(location.assign).not.toHaveBeenCalled();
  await until("it is read", () => client.getSnapshot().unread === 0);
});

it("is heard by the client that there is now, and by none that was closed", async () => {
  (Notification as { permission: string }).permission = "granted";
  await begin();
  await until("it is known", () => client.getSnapshot().push.state === "granted");
  client.close();
  await begin();
  const opened: unknown[] = [];
  client.on("open", (click) => opened.push(click));
  const data = { tidings: { id: "", url: "https://app.example/posts/7" } };
  await until("it is heard", () => {
    worker.dispatchEvent(new MessageEvent("message", { data }));
    return opened.length > 0;
  });
  expect(location.assign).not.toHaveBeenCalled();
});

it("goes to no place that is not the page's own", async () => {
  (Notification as { permission: string }).permission = "granted";
  await begin();
  const go = (url: string) => worker.dispatchEvent(new MessageEvent("message", { data: { tidings: { id: "", url } } }));
  await until("it goes", () => {
    for (const url of ["javascript:alert(1)", "https://other.example/", "https://app.example/ours"]) go(url);
    return vi.mocked(location.assign).mock.calls.length > 0;
  });
  expect(vi.mocked(location.assign).mock.calls).toEqual([["https://app.example/ours"]]);
});

it("goes there by itself where nobody shows it", async () => {
  (Notification as { permission: string }).permission = "granted";
  await begin();
  const data = { tidings: { id: "", url: "https://app.example/posts/7" } };
  await until("it goes", () => {
    worker.dispatchEvent(new MessageEvent("message", { data }));
    return vi.mocked(location.assign).mock.calls.length > 0;
  });
  expect(location.assign).toHaveBeenCalledWith("https://app.example/posts/7");
});

it("takes from the URL which notification has opened the page", async () => {
  (Notification as { permission: string }).permission = "granted";
  const { id } = await server.publish(user, "test.event", {});
  location.href = `https://app.example/inbox?tidings=${id}&x=1`;
  await begin();
  await until("it is read", () => client.getSnapshot().unread === 0);
  const [, , url] = vi.mocked(history.replaceState).mock.calls[0] ?? [];
  expect(String(url)).toBe("https://app.example/inbox?x=1");
});

it("has the page trust its worker, where it asks for that", async () => {
  const createPolicy = vi.fn((_: string, { createScriptURL }: { createScriptURL(url: string): string }) => ({
    createScriptURL: (url: string) => `trusted ${createScriptURL(url)}`,
  }));
  vi.stubGlobal("trustedTypes", { createPolicy });
  await begin();
  await client.push.enable();
  await client.push.enable();
  vi.stubGlobal("trustedTypes", undefined);
  expect(registered[0]).toMatch(/^trusted https:\/\/app.example\/sw.js/);
  // A policy of a name can be made once.
  expect(createPolicy.mock.calls.map(([name]) => name)).toEqual(["tidings"]);
});
