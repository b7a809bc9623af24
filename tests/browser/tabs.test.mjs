// One connection for all tabs of a user, whatever becomes of the tab that has it.

import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { blank, open, watched } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

const TABS = 6;

test("six tabs have one connection; when its tab is killed another has it within a second, and nothing is lost", async (t) => {
  const server = await dev(t);
  const [backend, admin, alice] = await Promise.all([token(server, "backend"), token(server, "dev"), token(server, "alice")]);
  const browser = await open();
  const context = await browser.newContext();
  const tabs = [];
  for (let n = 0; n < TABS; n += 1) {
    const tab = watched(t, await context.newPage());
    await blank(tab, server.base);
    await tab.evaluate(
      async ({ url, token }) => {
        const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
        const client = createTidings({ url, token });
        Object.assign(globalThis, { client, got: [] });
        client.on("notification", ({ id }) => globalThis.got.push(id));
        client.connect();
        await client.ready();
      },
      { url: server.base, token: alice },
    );
    tabs.push(tab);
  }
  const leads = (tab) => tab.evaluate(() => globalThis.client.getSnapshot().leader);
  const sessions = async () => {
    const headers = { Authorization: `Bearer ${admin}` };
    return (await (await fetch(`${server.base}/v1/admin/sessions?user=alice`, { headers })).json()).sessions.length;
  };
  assert.equal(await sessions(), 1);
  const leaders = await Promise.all(tabs.map(leads));
  assert.equal(leaders.filter(Boolean).length, 1);

  const sent = [];
  const send = async () => sent.push((await publish(server.base, backend, "alice", { n: sent.length })).id);
  await send();
  await send();
  const leader = tabs[leaders.indexOf(true)];
  const others = tabs.filter((tab) => tab !== leader);
  await until("all have both", async () => (await Promise.all(tabs.map((tab) => tab.evaluate(() => globalThis.got.length)))).every((n) => n === 2));
  // As a system kills it: without a word.
  const crashed = once(leader, "crash");
  (await context.newCDPSession(leader)).send("Page.crash").catch(() => {});
  await crashed;
  const killed = Date.now();
  await send();
  await until("there is another leader", async () => (await Promise.all(others.map(leads))).filter(Boolean).length === 1);
  const passed = Date.now() - killed;
  await send();
  await until("all have all", async () => (await Promise.all(others.map((tab) => tab.evaluate(() => globalThis.got.length)))).every((n) => n >= 4));
  for (const tab of others) assert.deepEqual(await tab.evaluate(() => globalThis.got), sent);
  await until("the connection of the killed one is gone", async () => (await sessions()) === 1);
  t.diagnostic(`another leader after ${passed} ms`);
});
