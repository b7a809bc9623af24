// The page for administrators.

import assert from "node:assert/strict";
import test from "node:test";
import { blank, expectAccessible, open, page } from "./browser.mjs";
import { pushService } from "./push-service.mjs";
import { call, dev, publish, serve, token, until } from "./server.mjs";

async function opened(t, settings = []) {
  const server = await dev(t, settings);
  const browser = await open(t);
  const shown = await page(t, browser);
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
});

test("the numbers are those of the API", async (t) => {
  const { server, browser, shown, go } = await opened(t);
  await client(t, { server, browser });
  const [backend, admin] = await Promise.all([token(server, "backend"), token(server, "dev")]);
  const [{ position }] = [await publish(server.base, backend, "alice", { n: 1 }), await publish(server.base, backend, "bob", { n: 1 })];
  await call(server.base, backend, "POST", "/v1/rooms/general/messages", { data: 1 });
  const row = (table, name) => shown.getByRole("region", { name: `${table}, a table` }).getByRole("row", { name });
  const cells = async (found) => (await found.getByRole("cell").allTextContents()).map((text) => text.trim());

  const tile = (name) => shown.locator(".numbers .card", { hasText: name }).locator("dd").textContent();
  const tiles = ["Sessions", "Nodes", "Notifications accepted", "Room messages accepted"];
  await until("all is counted", async () => (await Promise.all(tiles.map(tile))).join() === "1,1,2,1");
  const { nodes } = await call(server.base, admin, "GET", "/v1/admin/stats");
  const [{ node, version, sessions, users, rooms }] = nodes;
  const numbers = [sessions.websocket, sessions.sse, sessions.poll, users, rooms].map(String);
  assert.deepEqual((await cells(row("Nodes", node))).toSpliced(1, 1), [version, ...numbers]);
  const newest = await cells(shown.getByRole("region", { name: /^Sessions by transport.*the newest$/ }).getByRole("row").nth(1));
  assert.deepEqual(newest.slice(1), ["1", "0", "0"], "beside the chart");

  await go("Sessions");
  const { sessions: open } = await call(server.base, admin, "GET", "/v1/admin/sessions");
  await row("Sessions", /^alice/).waitFor();
  const [over, , rooms_, waiting, at, acked, on] = await cells(row("Sessions", /^alice/));
  assert.deepEqual([over, rooms_, waiting, at, on], ["websocket", "general", "0 B", position, node]);
  assert.equal(acked, open[0].acked);

  await go("Rooms");
  const { rooms: occupied } = await call(server.base, admin, "GET", "/v1/admin/rooms");
  const { user_count, sessions: inside, position: said } = occupied.find(({ room }) => room === "general");
  await row("Rooms", /^general/).waitFor();
  assert.deepEqual((await cells(row("Rooms", /^general/))).slice(0, 3), [`${user_count}`, `${inside}`, said]);

  await go("Unread");
  const { counters } = (await call(server.base, admin, "GET", "/v1/admin/unread?users=alice")).users[0];
  await row("Unread", /^alice/).waitFor();
  const counted = [counters.unread, counters.unseen, counters.version].map(String);
  assert.deepEqual(await cells(row("Unread", /^alice/)), counted);
});

test("all that is kept of a user is erased, when the name is typed", async (t) => {
  const { server, browser, shown } = await opened(t);
  const alice = await client(t, { server, browser });
  await publish(server.base, await token(server, "backend"), "alice", { n: 1 });
  await alice.waitForFunction(() => globalThis.client.getSnapshot().unread === 1);
  await shown.goto(`${server.base}/admin#/follow?user=alice`);
  const dialog = shown.getByRole("dialog");
  const erase = async (name) => {
    await shown.getByRole("button", { name: "Erase everything" }).click();
    await dialog.getByRole("textbox").fill(name);
    await dialog.getByRole("button", { name: "Erase" }).click();
  };
  await erase("alicia");
  assert.equal(await dialog.count(), 1, "another name erases nothing");
  await expectAccessible(shown, "the question");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await alice.evaluate(() => globalThis.client.getSnapshot().unread), 1);
  await erase("alice");
  await shown.getByText("Nothing of alice is left").waitFor();
  await alice.waitForFunction(() => {
    const { unread, items, status } = globalThis.client.getSnapshot();
    return unread === 0 && items.length === 0 && status === "connected";
  });
});

test("a push that was given up is seen, and tried again", async (t) => {
  const service = await pushService(t);
  const { server, shown } = await opened(t, service.settings);
  await call(server.base, await token(server, "alice"), "POST", "/v1/push/subscriptions", service.subscription);
  service.status = 400;
  const { id } = await publish(server.base, await token(server, "backend"), "alice", { n: 1 });
  await shown.getByRole("navigation").getByRole("link", { name: "Follow" }).click();
  await shown.getByLabel("User, or id of a notification").fill(id);
  await shown.getByRole("button", { name: "Follow" }).click();
  const step = shown.locator(".trace > li", { hasText: "pushed" });
  await step.filter({ hasText: "dead: 1 attempt, answered 400" }).waitFor();
  await expectAccessible(shown, "a push that is dead");
  service.status = 201;
  await shown.getByRole("button", { name: "Push to alice again" }).click();
  await shown.getByText("1 push to alice is due again").waitFor();
  await step.filter({ hasText: "sent" }).waitFor();
  assert.equal(service.pushed, 2);
  assert.equal(await shown.getByRole("button", { name: "Push to alice again" }).count(), 0);
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
  // It is found by its address, too, and so is its user.
  await shown.reload();
  await step("read").waitFor();
  await shown.getByRole("link", { name: "alice", exact: true }).click();
  await shown.getByRole("heading", { name: "alice" }).waitFor();
  await shown.goBack();
  await step("read").waitFor();
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
  shown.expected.push("404");
  await client(t, { server, browser });
  const { id } = await publish(server.base, await token(server, "backend"), "alice", { n: 1 });
  const look = async (what) => {
    await shown.setViewportSize({ width: 1280, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      await shown.emulateMedia({ colorScheme });
      await expectAccessible(shown, `${what}, ${colorScheme}`);
    }
    await shown.setViewportSize({ width: 360, height: 740 });
    const wider = await shown.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wider, false, `${what}: nothing stands out at the side`);
  };
  for (const section of ["Overview", "Sessions", "Rooms", "Unread", "Follow", "Publish", "Console"]) {
    await go(section);
    await look(section);
  }
  const follow = async (wanted, shows) => {
    await shown.goto(`${server.base}/admin#/follow?${new URLSearchParams(wanted)}`);
    await shows.waitFor();
    await look(`following ${Object.keys(wanted)}`);
  };
  await follow({ id }, shown.getByRole("heading", { name: "What became of it" }));
  await follow({ user: "alice" }, shown.getByRole("heading", { name: "alice" }));
  await follow({ id: "ntf_00000000000000000000000000" }, shown.getByRole("alert"));
  await go("Sessions");
  await shown.getByRole("button", { name: "Revoke" }).click();
  await shown.getByRole("dialog").waitFor();
  await look("a question");
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
