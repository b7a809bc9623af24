// The page for administrators: who is let in, what it shows, and how it looks.

import assert from "node:assert/strict";
import test from "node:test";
import { client, opened } from "./admin.mjs";
import { expectAccessible, open, page } from "./browser.mjs";
import { addressOf, call, publish, serve, token, until } from "./server.mjs";

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
  const shown = await page(t, await open());
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
  assert.deepEqual(numbers, ["1", "0", "0", "1", "1"]);
  const shownOfNode = async () => (await cells(row("Nodes", node))).toSpliced(1, 1).join();
  await until("they are shown of the node", async () => (await shownOfNode()) === [version, ...numbers].join());
  const newest = await cells(shown.getByRole("region", { name: /^Sessions by transport.*the newest$/ }).getByRole("row").nth(1));
  assert.deepEqual(newest.slice(1), ["1", "0", "0"], "beside the chart");

  // What the client has shown it acknowledges a moment later.
  const [open] = await until("it is acknowledged", async () => {
    const { sessions } = await call(server.base, admin, "GET", "/v1/admin/sessions");
    return sessions[0].acked === position && sessions;
  });
  await go("Sessions");
  await row("Sessions", /^alice/).waitFor();
  const [over, , rooms_, waiting, at, acked, on] = await cells(row("Sessions", /^alice/));
  assert.deepEqual([over, rooms_, waiting, at, on], ["websocket", "general", "0 B", position, node]);
  assert.equal(acked, open.acked);

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

test("where there is nothing to show that alone is said", async (t) => {
  const { shown, go } = await opened(t);
  await go("Sessions");
  await shown.getByText("Nobody is connected.").waitFor();
  assert.equal(await shown.getByRole("table").count(), 0);
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

test("the counters of those are shown who were asked for last, whatever is answered last", async (t) => {
  const { shown, go } = await opened(t);
  let free = () => {};
  const held = new Promise((done) => {
    free = done;
  });
  const isFirst = (url) => url.searchParams.get("users") === "alice,bob";
  await shown.route(isFirst, (route) => held.then(() => route.continue()));
  await go("Unread");
  await shown.getByLabel("Users, with commas between").fill("carol");
  await shown.getByRole("button", { name: "Show" }).click();
  await shown.getByRole("row", { name: /carol/ }).waitFor();
  await shown.getByText("Asked once").waitFor();
  free();
  // It asks again once the first was answered; and were that counted, it would be shown by then.
  await shown.getByText("Asked 2 times").waitFor();
  assert.equal(await shown.getByRole("row", { name: /alice/ }).count(), 0);
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
  const admin = await addressOf(server, "listening for administrators");
  assert.equal((await fetch(`${base}/admin`)).status, 404);
  const shown = await page(t, await open());
  await shown.goto(`${admin}/admin`);
  await shown.getByLabel("Token").fill(await token({}, "ops", "--scope", "admin"));
  await shown.getByRole("button", { name: "Sign in" }).click();
  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  await shown.goto(`${admin}/admin#/publish`);
  await shown.getByText("This listener is for administrators alone").waitFor();
});
