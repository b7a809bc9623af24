// What a browser does with a push: the worker that the server hands out, in Chromium itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { blank, open, watched } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

/** The demo of a server, its worker, and a push service that is Chromium's own. */
async function opened(t) {
  const server = await dev(t);
  const context = await (await open()).newContext();
  await context.grantPermissions(["notifications"], { origin: server.base });
  const shown = watched(t, await context.newPage());
  const cdp = await context.newCDPSession(shown);
  const registrations = [];
  cdp.on("ServiceWorker.workerRegistrationUpdated", (event) => registrations.push(...event.registrations));
  await cdp.send("ServiceWorker.enable");
  await shown.goto(server.demo);
  const started = context.serviceWorkers()[0] ?? once(context, "serviceworker").then(([worker]) => worker);
  await shown.evaluate(async () => {
    const policy = trustedTypes.createPolicy("tidings", { createScriptURL: (url) => url });
    await navigator.serviceWorker.register(policy.createScriptURL("sw.js"));
    await navigator.serviceWorker.ready;
  });
  const worker = await started;
  const { registrationId } = await until("the worker is registered", () => registrations.at(-1));
  const deliver = (message) =>
    cdp.send("ServiceWorker.deliverPushMessage", { origin: server.base, registrationId, data: JSON.stringify(message) });
  // In its turn, as the page does: Chromium forgets what it has not shown yet when it is asked.
  const titles = () =>
    shown.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const all = await navigator.locks.request("tidings-shown", () => registration.getNotifications());
      return all.map(({ title }) => title);
    });
  return { server, shown, worker, deliver, titles };
}

/** As the server says it (docs/push.md). */
function pushed(server, { id, position }, title, more = {}) {
  const notification = { title, body: "Some text", navigate: `${server.base}/demo`, tag: id, data: { id, position, type: "note.text" } };
  return { web_push: 8030, notification, app_badge: 1, ...more };
}

test("a push is shown, and what was dealt with elsewhere is closed with the next one, but for what has come later", async (t) => {
  const { server, shown, deliver, titles } = await opened(t);
  const backend = await token(server, "backend");
  const send = async (title, { tag, close } = {}) => {
    const sent = await publish(server.base, backend, "alice", { title });
    const message = pushed(server, sent, title, { close });
    await deliver({ ...message, notification: { ...message.notification, tag: tag ?? sent.id } });
    return sent;
  };
  const are = (expected) => until(`${expected} are shown`, async () => (await titles()).sort().join() === expected);
  const first = await send("Build 1", { tag: "build" });
  await are("Build 1");
  const second = await send("Build 2", { tag: "build" });
  await are("Build 2");
  const third = await send("Ada", { close: { build: first.position } });
  await are("Ada,Build 2");
  await send("Bob", { close: { build: second.position, [third.id]: third.position } });
  await are("Bob");
  await shown.getByRole("heading", { name: "Back-end" }).waitFor();
});

test("pushes that come at once are all shown, and none is forgotten while another one closes what it names", async (t) => {
  const { server, deliver, titles } = await opened(t);
  const backend = await token(server, "backend");
  const expected = Array.from({ length: 30 }, (_, n) => `Build ${n + 10}`);
  const pushes = expected.map(async (title) => {
    const sent = await publish(server.base, backend, "alice", { title });
    return deliver(pushed(server, sent, title, { close: { nothing: sent.position } }));
  });
  await Promise.all(pushes);
  await until("all are shown", async () => (await titles()).sort().join() === expected.join());
});

/** What the badge of the application was set to, the newest last; Chromium has one, and shows it, only where it is installed. */
const observed = `
  globalThis.badges = [];
  const { prototype } = globalThis.Navigator ?? globalThis.WorkerNavigator;
  const observe = (name, of) => {
    const set = prototype[name];
    prototype[name] = function (...values) {
      globalThis.badges.push(of(values));
      return set ? set.apply(this, values) : Promise.resolve();
    };
  };
  observe("setAppBadge", ([count]) => count);
  observe("clearAppBadge", () => 0);`;

test("the badge is the number of those that are unseen, by the page and by its worker", async (t) => {
  const { server, shown, worker, deliver } = await opened(t);
  const [backend, carol] = [await token(server, "backend"), await token(server, "carol")];
  await worker.evaluate(observed);
  for (const [count, badges] of [[3, "3"], [12, "3,12"], [0, "3,12,0"]]) {
    const sent = await publish(server.base, backend, "bob", { count });
    await deliver({ ...pushed(server, sent, `${count} unseen`), app_badge: count });
    await until(`the worker has set it to ${count}`, async () => (await worker.evaluate("badges.join()")) === badges);
  }

  const page = watched(t, await shown.context().newPage());
  await page.addInitScript(observed);
  await blank(page, server.base);
  await page.evaluate(
    async ({ url, token }) => {
      const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
      globalThis.client = createTidings({ url, token });
      globalThis.client.connect();
      await globalThis.client.ready();
    },
    { url: server.base, token: carol },
  );
  const is = (what, count) => until(what, async () => (await page.evaluate("badges.at(-1)")) === count);
  await is("nothing is unseen", 0);
  await publish(server.base, backend, "carol", { n: 1 });
  await is("one is unseen", 1);
  await publish(server.base, backend, "carol", { n: 2 });
  await is("two are unseen", 2);
  // On another device.
  const headers = { Authorization: `Bearer ${carol}`, "Content-Type": "application/json" };
  await fetch(`${server.base}/v1/notifications/mark`, { method: "POST", headers, body: JSON.stringify({ as: "seen", all: true }) });
  await is("all are seen", 0);
});

test("whatever comes, something is shown", async (t) => {
  const { deliver, titles } = await opened(t);
  await deliver("no object");
  await until("it is shown", async () => (await titles()).length === 1);
});
