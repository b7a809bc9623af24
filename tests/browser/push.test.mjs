// What a browser does with a push: the worker that the server hands out, in Chromium itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { open, watched } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

/** The demo of a server, its worker, and a push service that is Chromium's own. */
async function opened(t) {
  const server = await dev(t);
  const context = await (await open(t)).newContext();
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
  const titles = () =>
    shown.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title }) => title);
    });
  return { server, shown, worker, deliver, titles };
}

/** As the server says it (docs/push.md). */
function pushed(server, { id, position }, title, more = {}) {
  const notification = { title, body: "Some text", navigate: `${server.base}/demo`, tag: id, data: { id, position, type: "note.text" } };
  return { web_push: 8030, notification, app_badge: 1, ...more };
}

test("a push is shown, a click on it brings it to the page and marks it as read, and what was read elsewhere is closed", async (t) => {
  const { server, shown, worker, deliver, titles } = await opened(t);
  const backend = await token(server, "backend");
  const [first, second] = [await publish(server.base, backend, "alice", { n: 1 }), await publish(server.base, backend, "alice", { n: 2 })];
  await deliver(pushed(server, first, "Build finished"));
  await until("it is shown", async () => (await titles()).join() === "Build finished");

  // What a click is to the worker; a test has no hand on the system's own notifications.
  await worker.evaluate(async () => {
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  });
  const headers = { Authorization: `Bearer ${await token(server, "alice")}` };
  const read = async ({ id }) => (await (await fetch(`${server.base}/v1/notifications/${id}`, { headers })).json()).read_at;
  await until("it is read", () => read(first));
  assert.equal(await read(second), undefined);
  await until("it is not shown any more", async () => (await titles()).length === 0);

  await deliver(pushed(server, first, "one"));
  await until("the first is shown", async () => (await titles()).join() === "one");
  await deliver(pushed(server, second, "two", { close: [first.id] }));
  await until("the first is closed", async () => (await titles()).join() === "two");
  await shown.getByRole("heading", { name: "Back-end" }).waitFor();
});

test("whatever comes, something is shown", async (t) => {
  const { deliver, titles } = await opened(t);
  await deliver("no object");
  await until("it is shown", async () => (await titles()).length === 1);
});
