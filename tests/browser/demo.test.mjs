// The first minutes, to the letter: a server, its demo, a notification from a terminal, a cut, another way.

import assert from "node:assert/strict";
import test from "node:test";
import { expectAccessible, open, page } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

const WAYS = { sse: "Server-Sent Events", longpoll: "long poll", poll: "poll", ws: "WebSocket" };

async function opened(t, { settings = [], options = {} } = {}) {
  const server = await dev(t, settings);
  const shown = await page(t, await open(t), options);
  await shown.goto(server.demo);
  const seat = (user) => shown.locator(`.seat-${user}`);
  await live(seat("alice"));
  await live(seat("bob"));
  return { server, shown, seat };
}

function live(seat, way = "WebSocket") {
  return seat.locator(".status", { hasText: `live (${way})` }).waitFor();
}

function badge(seat) {
  return seat.locator("tidings-bell .tidings-badge");
}

test("a notification from a terminal is on the bell, in the title and said aloud", async (t) => {
  const { server, shown, seat } = await opened(t);
  assert.equal(await badge(seat("alice")).count(), 0);
  assert.match(server.said("send"), /^curl -d 'Build finished' http.*\/v1\/send\/alice -H "Authorization: Bearer \$\(.* token dev\)"$/);
  const sent = await fetch(`${server.base}/v1/send/alice`, {
    method: "POST",
    body: "Build finished",
    headers: { Authorization: `Bearer ${await token(server, "dev")}` },
  });
  assert.equal(sent.status, 201);
  await badge(seat("alice")).filter({ hasText: "1" }).waitFor();
  await shown.waitForFunction(() => document.title.startsWith("(1)"));
  await seat("alice").locator("tidings-bell [role=status]", { hasText: "1 new notification" }).waitFor();
  assert.equal(await seat("alice").getByRole("button", { name: "Notifications, 1 new" }).count(), 1);
  assert.equal(await badge(seat("bob")).count(), 0);

  await seat("alice").getByRole("button", { name: "Notifications, 1 new" }).click();
  await seat("alice").locator("tidings-inbox").getByText("Build finished").waitFor();
  await badge(seat("alice")).waitFor({ state: "detached" });

  // What is pushed while the page is closed is shown by its worker.
  const scope = await shown.evaluate(async () => {
    const policy = trustedTypes.createPolicy("tidings", { createScriptURL: (url) => url });
    await navigator.serviceWorker.register(policy.createScriptURL("sw.js"));
    return (await navigator.serviceWorker.ready).scope;
  });
  assert.equal(scope, `${server.base}/`);
});

test("what is missed behind a pulled plug comes when it is in again", async (t) => {
  const { server, shown, seat } = await opened(t);
  shown.expected.push("WebSocket");
  const backend = await token(server, "backend");
  await seat("alice").getByRole("button", { name: "Pull the plug" }).click();
  await seat("alice").locator(".status", { hasText: "reconnecting" }).waitFor();
  await publish(server.base, backend, "alice", { title: "one" });
  await publish(server.base, backend, "alice", { title: "two" });
  await seat("alice").getByRole("button", { name: "Plug in again" }).click();
  await seat("alice").getByText("recovered").waitFor();
  await badge(seat("alice")).filter({ hasText: "2" }).waitFor();
});

test("a server that was killed and comes back is found again, with what was missed", async (t) => {
  const { server, shown, seat } = await opened(t);
  shown.expected.push("WebSocket", "ERR_CONNECTION_REFUSED", "Failed to load resource");
  await server.server.stop();
  await seat("alice").locator(".status", { hasText: "reconnecting" }).waitFor();
  const again = await dev(t, [], { folder: server.folder, port: new URL(server.base).port });
  await publish(again.base, await token(server, "backend"), "alice", { title: "Back again" });
  await live(seat("alice"));
  await badge(seat("alice")).filter({ hasText: "1" }).waitFor();
});

test("the same comes on every way", async (t) => {
  const { server, shown, seat } = await opened(t);
  const backend = await token(server, "backend");
  const list = seat("alice").locator("tidings-inbox .tidings-item");
  await seat("alice").locator("tidings-bell button").first().click();
  let count = 0;
  for (const [way, name] of Object.entries(WAYS)) {
    await seat("alice").locator("select.transport").selectOption(way);
    await live(seat("alice"), name);
    await publish(server.base, backend, "alice", { title: `over ${name}` });
    count += 1;
    await list.filter({ hasText: `over ${name}` }).waitFor();
    assert.equal(await list.count(), count, name);
  }
  assert.equal(await shown.locator("tidings-inbox").count(), 1);
});

test("alice and bob see each other, who types, and what is said", async (t) => {
  const { shown, seat } = await opened(t);
  await seat("alice").locator(".here", { hasText: "bob" }).waitFor();
  await seat("bob").getByLabel("Message as bob").pressSequentially("Hello");
  await seat("alice").locator(".typing", { hasText: "bob is typing" }).waitFor();
  await seat("bob").getByLabel("Message as bob").press("Enter");
  await seat("alice").locator(".messages li", { hasText: "Hello" }).waitFor();
  await seat("bob").locator(".messages li.own", { hasText: "Hello" }).waitFor();
  await seat("alice").locator(".typing", { hasText: "typing" }).waitFor({ state: "detached" });
  await seat("alice").locator(".latency", { hasText: "ms" }).waitFor();

  await shown.getByRole("radio", { name: "bob" }).check();
  await shown.getByRole("button", { name: "Notify 3 times" }).click();
  await badge(seat("bob")).filter({ hasText: "3" }).waitFor();
});

test("the ticker ticks, and makes up for what was missed", async (t) => {
  const { shown, seat } = await opened(t);
  shown.expected.push("WebSocket");
  const heard = async () => Number(await shown.locator(".heard").textContent());
  await until("the clock is heard", async () => (await heard()) >= 2);
  await seat("alice").getByRole("button", { name: "Pull the plug" }).click();
  const before = await heard();
  const start = Date.now();
  await until("some ticks are missed", () => Date.now() - start > 2_500);
  await seat("alice").getByRole("button", { name: "Plug in again" }).click();
  await until("they are made up for", async () => (await heard()) >= before + 2);
});

test("the demo is good to use for everybody, in both themes, wide and narrow", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const { shown, seat } = await opened(t, { options: { colorScheme } });
    await shown.getByRole("button", { name: "Notify 3 times" }).click();
    await badge(seat("alice")).filter({ hasText: "3" }).waitFor();
    await expectAccessible(shown, colorScheme);
    await seat("alice").locator("tidings-bell button").first().click();
    await seat("alice").locator("tidings-inbox .tidings-item").first().waitFor();
    await expectAccessible(shown, `${colorScheme}, opened`);
    await shown.setViewportSize({ width: 360, height: 740 });
    const wider = await shown.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wider, false, "nothing stands out at the side");
  }
});
