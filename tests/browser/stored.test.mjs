// A page that Chromium stores away whole for the way back (bfcache), and takes out again: what the client does, and that
// no page of ours keeps the browser from it.

import assert from "node:assert/strict";
import test from "node:test";
import { chromium } from "playwright-core";
import { blank, FLAGS, PROGRAM, watched } from "./browser.mjs";
import { atEnd, call, dev, publish, token, until } from "./server.mjs";

/** A tab of a browser that stores pages, which the library of the tests would keep it from. */
async function tabOf(t) {
  const ignoreDefaultArgs = ["--disable-back-forward-cache"];
  const browser = await chromium.launch({ executablePath: PROGRAM, args: FLAGS, ignoreDefaultArgs });
  atEnd(t, () => browser.close());
  const tab = watched(t, await browser.newPage());
  // What kept the browser from it is in the complaint of the test.
  tab.why = [];
  const spy = await tab.context().newCDPSession(tab);
  await spy.send("Page.enable");
  spy.on("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) => tab.why.push(...notRestoredExplanations));
  return tab;
}

/** Goes back to a page that has noted how it came, and is none that was loaded anew. */
async function goBack(tab) {
  await tab.evaluate(() => history.back());
  await tab.waitForFunction(() => globalThis.persisted !== undefined).catch(() => {});
  assert.equal(await tab.evaluate(() => globalThis.persisted), true, JSON.stringify(tab.why));
}

const note = () => addEventListener("pageshow", (event) => Object.assign(globalThis, { persisted: event.persisted }));

for (const way of ["ws", "sse", "longpoll"]) {
  test(`a page that is stored away lets go of its ${way}, and has what it missed when it is taken out`, async (t) => {
    const server = await dev(t);
    const [backend, admin, alice] = await Promise.all(["backend", "dev", "alice"].map((user) => token(server, user)));
    const sessions = async () => (await call(server.base, admin, "GET", "/v1/admin/sessions?user=alice")).sessions;
    const tab = await tabOf(t);
    await blank(tab, server.base);
    await tab.evaluate(note);
    await tab.evaluate(
      async ({ url, token, way }) => {
        const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
        const client = createTidings({ url, token, transports: [way] });
        Object.assign(globalThis, { client, got: [] });
        client.on("notification", ({ payload }) => globalThis.got.push(payload.n));
        client.connect();
        await client.ready();
      },
      { url: server.base, token: alice, way },
    );
    await publish(server.base, backend, "alice", { n: 1 });
    await tab.waitForFunction(() => globalThis.got.length === 1);
    await tab.goto(`${server.base}/docs`);
    await until("nobody is connected", async () => (await sessions()).length === 0);
    await publish(server.base, backend, "alice", { n: 2 });

    await goBack(tab);
    await tab.waitForFunction(() => globalThis.got.length === 2);
    assert.deepEqual(await tab.evaluate(() => globalThis.got), [1, 2]);
    const { status, unread, leader } = await tab.evaluate(() => globalThis.client.getSnapshot());
    assert.deepEqual({ status, unread, leader }, { status: "connected", unread: 2, leader: true });
    assert.equal((await sessions()).length, 1);
  });
}

test("the demo is live again, and its bell has what came meanwhile", async (t) => {
  const server = await dev(t);
  const backend = await token(server, "backend");
  const tab = await tabOf(t);
  await tab.goto(server.demo);
  const alice = tab.locator(".seat-alice");
  await alice.locator(".status", { hasText: "live" }).waitFor();
  await tab.evaluate(note);
  await tab.goto(`${server.base}/docs`);
  await publish(server.base, backend, "alice", { text: "Meanwhile" });
  await goBack(tab);
  await alice.locator("tidings-bell .tidings-badge", { hasText: "1" }).waitFor();
  await alice.locator(".status", { hasText: "live" }).waitFor();
});

test("the pages of operators are stored away, too", async (t) => {
  const server = await dev(t);
  const tab = await tabOf(t);
  for (const [url, elsewhere] of [[server.admin, "/docs"], [`${server.base}/docs`, "/demo"]]) {
    await tab.goto(url);
    await tab.locator("h1").first().waitFor();
    await tab.evaluate(note);
    await tab.goto(server.base + elsewhere);
    await goBack(tab);
  }
});
