// The page for administrators.

import assert from "node:assert/strict";
import test from "node:test";
import { blank, expectAccessible, open, page } from "./browser.mjs";
import { dev, publish, serve, token, until } from "./server.mjs";

async function opened(t, options = {}) {
  const server = await dev(t);
  const browser = await open(t);
  const shown = await page(t, browser, options);
  await shown.goto(server.admin);
  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  const go = async (section) => {
    await shown.getByRole("navigation").getByRole("link", { name: section }).click();
    await shown.getByRole("heading", { name: section, level: 1 }).waitFor();
  };
  return { server, browser, shown, go };
}

/** A client of alice, in the room general, in a page of its own. */
async function client(t, { server, browser }) {
  const shown = await page(t, browser);
  await blank(shown, server.base);
  await shown.evaluate(
    async ({ url, token }) => {
      const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
      globalThis.client = createTidings({ url, token, rooms: ["general"], sharing: "none" });
      globalThis.client.connect();
      await globalThis.client.ready();
    },
    { url: server.base, token: await token(server, "alice") },
  );
  return shown;
}

test("the link signs in once, and a token does it as well", async (t) => {
  const { server, browser, shown } = await opened(t);
  assert.ok(!shown.url().includes("#") || shown.url().includes("#/"), "the code is not in the address any more");
  const other = await page(t, browser);
  other.expected.push("401");
  await other.goto(server.admin);
  await other.getByRole("alert").filter({ hasText: "used before" }).waitFor();
  await expectAccessible(other, "signing in");
  await other.getByLabel("Token").fill(await token(server, "alice"));
  // The token of a trial may do everything.
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("heading", { name: "Overview" }).waitFor();
});

test("a token without the scope is not let in, nor does a server for others have a link", async (t) => {
  const server = await serve(t);
  const shown = await page(t, await open(t));
  shown.expected.push("403", "404");
  await shown.goto(`${server.base}/admin`);
  await shown.getByLabel("Token").fill(await token({}, "alice"));
  await shown.getByRole("button", { name: "Sign in" }).click();
  await shown.getByRole("alert").waitFor();
  assert.equal((await fetch(`${server.base}/admin/sign-in`, { method: "POST", body: "{}" })).status, 404);
  assert.equal((await fetch(`${server.base}/demo`)).status, 404);
});

test("live numbers are shown, as charts and as tables", async (t) => {
  const { server, browser, shown } = await opened(t);
  await client(t, { server, browser });
  const sessions = shown.locator(".numbers .card", { hasText: "Sessions" }).locator("dd");
  await until("the session is counted", async () => (await sessions.textContent()) === "1");
  await shown.locator("tidings-chart canvas").first().waitFor();
  assert.equal(await shown.locator("tidings-chart canvas").count(), 2);
  assert.equal(await shown.locator(".nodes tbody tr").count(), 1);
});

test("a session is found, disconnected, and its user shut out", async (t) => {
  const { server, browser, shown, go } = await opened(t);
  const alice = await client(t, { server, browser });
  await go("Sessions");
  const row = shown.getByRole("row", { name: /alice/ });
  await row.getByText("general").waitFor();
  await row.getByRole("button", { name: "Disconnect" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal(await row.count(), 1);
  await row.getByRole("button", { name: "Disconnect" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await shown.getByText("The session of alice has ended").waitFor();
  await alice.waitForFunction(() => globalThis.client.getSnapshot().status === "closed");
  await shown.getByText("Nobody is connected").waitFor();

  const bearer = await token(server, "alice");
  await go("Follow");
  await shown.getByLabel("User, or id of a notification").fill("alice");
  await shown.getByRole("button", { name: "Follow" }).click();
  await shown.getByRole("button", { name: "Revoke all tokens" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await shown.getByText("The tokens of alice are revoked").waitFor();
  const me = await fetch(`${server.base}/v1/me`, { headers: { Authorization: `Bearer ${bearer}` } });
  assert.equal(me.status, 401);
});

test("a notification is followed from its storing to its reading", async (t) => {
  const { server, browser, shown, go } = await opened(t);
  const alice = await client(t, { server, browser });
  await go("Publish");
  await shown.getByRole("region", { name: "A notification" }).getByRole("button", { name: "Publish" }).click();
  const link = shown.getByRole("link", { name: /^ntf_/ });
  await link.waitFor();
  await link.click();
  await shown.getByRole("heading", { name: "What became of it" }).waitFor();
  const step = (name) => shown.locator(".trace > li.done", { hasText: name });
  await step("stored").waitFor();
  await step("sent live").getByText("websocket").waitFor();
  assert.equal(await step("read").count(), 0);
  await alice.evaluate(() => globalThis.client.markRead("all"));
  await step("seen").waitFor();
  await step("read").waitFor();
  await go("Rooms");
  await shown.getByRole("row", { name: /general/ }).waitFor();
});

test("the counters of users are polled, and what has not changed is not sent again", async (t) => {
  const { server, shown, go } = await opened(t);
  const backend = await token(server, "backend");
  await publish(server.base, backend, "alice", { n: 1 });
  await go("Unread");
  await shown.getByRole("row", { name: /^alice 1 1/ }).waitFor();
  await until("304s are told", async () => /[1-9]\d* of them answered 304/.test(await shown.locator("main").textContent()));
  await publish(server.base, backend, "alice", { n: 2 });
  await shown.getByRole("row", { name: /^alice 2 2/ }).waitFor();
});

test("the console shows what happens, filtered, and stands still when it is told to", async (t) => {
  const { server, browser, shown, go } = await opened(t);
  await go("Console");
  await shown.getByLabel("Rooms").fill("general");
  await shown.getByRole("button", { name: "Listen" }).click();
  const lines = shown.locator(".events li");
  await lines.filter({ hasText: "welcome" }).first().waitFor();
  const alice = await client(t, { server, browser });
  await lines.filter({ hasText: "user_joined" }).filter({ hasText: "alice" }).waitFor();
  await lines.filter({ hasText: "session opened" }).filter({ hasText: "alice" }).waitFor();
  await alice.evaluate(() => globalThis.client.room("general").publish("Hello"));
  await lines.filter({ hasText: "Hello" }).waitFor();
  await shown.getByLabel("Filter").fill("hello");
  await until("the rest is hidden", async () => (await lines.count()) === 1);
  await shown.getByLabel("Filter").fill("");
  await shown.getByRole("button", { name: "Pause" }).click();
  await alice.evaluate(() => globalThis.client.room("general").publish("Not yet"));
  await shown.getByRole("button", { name: /Go on \([1-9]\d* wait\)/ }).waitFor();
  assert.equal(await lines.filter({ hasText: "Not yet" }).count(), 0);
  await shown.getByRole("button", { name: /Go on/ }).click();
  await lines.filter({ hasText: "Not yet" }).waitFor();
});

test("every section is good to use for everybody, in both themes, wide and narrow", async (t) => {
  const { server, shown, go, browser } = await opened(t);
  await client(t, { server, browser });
  for (const section of ["Overview", "Sessions", "Rooms", "Unread", "Follow", "Publish", "Console"]) {
    await shown.setViewportSize({ width: 1280, height: 900 });
    await go(section);
    for (const colorScheme of ["light", "dark"]) {
      await shown.emulateMedia({ colorScheme });
      await expectAccessible(shown, `${section}, ${colorScheme}`);
    }
    await shown.setViewportSize({ width: 360, height: 740 });
    const wider = await shown.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wider, false, `${section}: nothing stands out at the side`);
  }
});

test("where administrators have a listener of their own the page is there alone", async (t) => {
  const { server, base } = await serve(t, ["http.admin_listen=127.0.0.1:0"]);
  const listening = await until("both listen", () => server.log.join("").match(/"address":"([^"]+)"[^\n]*listening for administrators|listening for administrators[^\n]*"address":"([^"]+)"/));
  const admin = `http://${listening[1] ?? listening[2]}`;
  assert.equal((await fetch(`${base}/admin`)).status, 404);
  const shown = await page(t, await open(t));
  await shown.goto(`${admin}/admin`);
  await shown.getByLabel("Token").fill(await token({}, "ops", "--scope", "admin"));
  await shown.getByRole("button", { name: "Sign in" }).click();
  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  await shown.goto(`${admin}/admin#/publish`);
  await shown.getByText("This listener is for administrators alone").waitFor();
});
