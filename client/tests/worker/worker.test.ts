/**
 * The service worker, in as much of a worker as it uses: no test runner has a real one. `docs/push.md` has what the
 * server sends; the browser tests try it as a whole.
 */

import { beforeEach, expect, it } from "vitest";
import { handleClick, handlePush, handleSubscriptionChange } from "../../src/sw/index.js";
import { Locks } from "../support/locks.js";

interface Shown {
  title: string;
  options: { tag?: string; data: unknown };
}

let shown: Shown[];
let closed: string[];
let badge: number | null;
let opened: string[];
let posted: unknown[];
let fetched: [string, RequestInit][];
let pages: object[];

beforeEach(() => {
  [shown, closed, opened, posted, fetched, pages, badge] = [[], [], [], [], [], [], -1];
  const registration = {
    scope: "https://app.example/",
    async showNotification(title: string, options: Shown["options"]) {
      if (options.tag === "impossible") throw new TypeError("no such option");
      shown.push({ title, options });
    },
    getNotifications: async () =>
      ["a", "b", "c", "d"].map((tag, n) => {
        return { tag, data: n ? { position: `k3x9q2ab.${n}` } : null, close: () => closed.push(tag) };
      }),
    pushManager: { subscribe: async () => ({ endpoint: "https://push.example/new" }) },
  };
  const clients = { matchAll: async () => pages, openWindow: async (url: string) => opened.push(url) };
  const location = new URL("https://app.example/sw.js?api=https%3A%2F%2Ftidings.example");
  const navigator = {
    setAppBadge: async (count: number) => (badge = count),
    clearAppBadge: async () => (badge = null),
    locks: new Locks(),
  };
  const stub = { registration, clients, location, navigator };
  Object.assign(globalThis, { self: stub, fetch: async (...call: [string, RequestInit]) => fetched.push(call) });
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
});

/** Runs a handler to its end. */
async function run(handle: (event: never) => void, event: object): Promise<void> {
  let waited: Promise<unknown> | undefined;
  handle({ ...event, waitUntil: (promise: Promise<unknown>) => (waited = promise) } as never);
  await waited;
}

const push = (declared: unknown) => run(handlePush, { data: { json: () => declared } });
const click = (data: object) => run(handleClick, { notification: { data, close() {} } });

it("shows what the server declares, sets the badge, and closes what was dealt with elsewhere", async () => {
  const data = { id: "ntf_1", position: "k3x9q2ab.1", type: "comment.created", count: 1 };
  const notification = { title: "New comment", body: "Hello", navigate: "/posts/7", tag: "ntf_1", data };
  const shownThen = { a: "k3x9q2ab.7", b: "k3x9q2ab.1", c: "k3x9q2ab.1", d: "another1.1", e: "k3x9q2ab.9" };
  await push({ web_push: 8030, notification, app_badge: 3, close: shownThen });
  expect(shown).toEqual([
    { title: "New comment", options: { body: "Hello", tag: "ntf_1", data: { ...data, navigate: "/posts/7" } } },
  ]);
  expect(badge).toBe(3);
  // What has come later under the tag `c` stays.
  expect(closed).toEqual(["a", "b", "d"]);
});

it.each([
  ["nothing", undefined],
  ["no JSON", { json: () => JSON.parse("x") }],
  ["a number", { json: () => 7 }],
  ["null", { json: () => null }],
  ["a null in it", { json: () => ({ notification: null, close: null }) }],
  ["an option that the browser refuses", { json: () => ({ notification: { title: "x", tag: "impossible" } }) }],
])("shows something, whatever comes: %s", async (_, data) => {
  await run(handlePush, { data });
  expect(shown.map(({ title }) => title)).toEqual(["New notification"]);
});

it("shows nothing while it is looked through what is shown, however many pushes come", async () => {
  const steps: string[] = [];
  const { registration } = globalThis.self as unknown as ServiceWorkerGlobalScope;
  const later = () => new Promise<void>((done) => setTimeout(done));
  Object.assign(registration, {
    showNotification: (title: string) => later().then(() => steps.push(title)),
    getNotifications: () => later().then(() => steps.push("looked through") && []),
  });
  await Promise.all(["a", "b", "c"].map((title) => push({ notification: { title } })));
  expect(steps).toEqual(["a", "looked through", "b", "looked through", "c", "looked through"]);
});

it.each([
  [
    "a page holds the turn, and is frozen",
    () => void navigator.locks.request("tidings-shown", () => new Promise(() => {})),
  ],
  ["the browser has no locks", () => Object.assign(navigator, { locks: undefined })],
])("shows something, also where %s", async (_, prepare) => {
  prepare();
  await push({ notification: { title: "New comment" } });
  expect(shown.map(({ title }) => title)).toEqual(["New comment"]);
});

const page = (url: string, more: object = {}) => {
  const one = {
    url,
    frameType: "top-level",
    focus: async () => opened.push(`focus ${url}`) && one,
    navigate: async (to: string) => opened.push(`navigate ${to}`),
    postMessage(data: unknown, [port]: [MessagePort]) {
      posted.push(data);
      port.postMessage("heard");
    },
    ...more,
  };
  return one;
};

it("brings the page to the front that shows it, and tells it what was clicked", async () => {
  pages = [page("https://app.example/"), page("https://app.example/posts/7")];
  await click({ id: "ntf_1", navigate: "/posts/7" });
  expect(opened).toEqual(["focus https://app.example/posts/7"]);
  expect(posted).toEqual([{ tidings: { id: "ntf_1", url: "https://app.example/posts/7" } }]);
});

it("takes a page that hears nothing to what was clicked, and has it mark it there", async () => {
  pages = [page("https://app.example/", { postMessage() {} })];
  await click({ id: "ntf_1", navigate: "/posts/7" });
  expect(opened).toEqual(["focus https://app.example/", "navigate https://app.example/posts/7?tidings=ntf_1"]);
});

it("leaves alone what is out of its scope, and parts of pages", async () => {
  pages = [page("https://app.example/", { frameType: "nested" }), page("https://other.example/")];
  await click({ id: "ntf_1", navigate: "/posts/7" });
  expect(opened).toEqual(["https://app.example/posts/7?tidings=ntf_1"]);
  expect(posted).toEqual([]);
});

it("opens a page where there is none, whose URL says what was clicked", async () => {
  await click({ id: "ntf_1", navigate: "/posts/7?x=1" });
  expect(opened).toEqual(["https://app.example/posts/7?x=1&tidings=ntf_1"]);
});

it("opens what is elsewhere, and has a page of ours mark it", async () => {
  pages = [page("https://app.example/")];
  await click({ id: "ntf_1", navigate: "https://other.example/a" });
  expect(opened).toEqual(["https://other.example/a"]);
  expect(posted).toEqual([{ tidings: { id: "ntf_1", url: "" } }]);
});

it.each(["javascript:alert(1)", "http://[", ""])("opens the start for what leads nowhere: %s", async (navigate) => {
  await click({ navigate });
  expect(opened).toEqual(["https://app.example/"]);
});

it("reads none of those that a summary tells of", async () => {
  await click({ id: "ntf_9", count: 5, navigate: "/" });
  expect(opened).toEqual(["https://app.example/"]);
});

it("tells the server of a subscription that the browser has changed", async () => {
  await run(handleSubscriptionChange, { oldSubscription: { options: { applicationServerKey: "key" } } });
  expect(fetched).toEqual([
    [
      "https://tidings.example/v1/push/subscriptions",
      expect.objectContaining({ method: "POST", body: '{"endpoint":"https://push.example/new"}' }),
    ],
  ]);
});
