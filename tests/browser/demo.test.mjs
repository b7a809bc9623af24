// The demo beside what first-minutes.test.mjs does with it: two people, a clock, a server that was killed; its look.

import assert from "node:assert/strict";
import test from "node:test";
import { expectAccessible, listenTo, open, page } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

async function opened(t, { settings = [], options = {} } = {}) {
  const server = await dev(t, settings);
  const shown = await page(t, await open(), options);
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

test("an inbox that is opened has been seen, and the page's worker is there for what is pushed when it is closed", async (t) => {
  const { server, shown, seat } = await opened(t);
  await publish(server.base, await token(server, "backend"), "alice", { title: "Build finished" });
  await badge(seat("alice")).filter({ hasText: "1" }).waitFor();
  assert.equal(await badge(seat("bob")).count(), 0);
  await seat("alice").getByRole("button", { name: "Notifications, 1 new" }).click();
  await seat("alice").locator("tidings-inbox").getByText("Build finished").waitFor();
  await badge(seat("alice")).waitFor({ state: "detached" });

  const scope = await shown.evaluate(async () => {
    const policy = trustedTypes.createPolicy("tidings", { createScriptURL: (url) => url });
    await navigator.serviceWorker.register(policy.createScriptURL("sw.js"));
    return (await navigator.serviceWorker.ready).scope;
  });
  assert.equal(scope, `${server.base}/`);
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

test("alice and bob see each other, who types, and what is said", async (t) => {
  const { shown, seat } = await opened(t);
  await seat("alice").locator(".here", { hasText: "bob" }).waitFor();
  // It is said for a moment.
  const typing = seat("alice").locator(".typing", { hasText: "bob is typing" }).waitFor();
  await seat("bob").getByLabel("Message as bob").pressSequentially("Hello");
  await typing;
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
  const { server, shown, seat } = await opened(t);
  shown.expected.push("WebSocket");
  const heard = async () => Number(await shown.locator(".heard").textContent());
  await until("the clock is heard", async () => (await heard()) >= 2);
  await seat("alice").getByRole("button", { name: "Pull the plug" }).click();
  const before = await heard();
  const start = Date.now();
  await until("some ticks are missed", () => Date.now() - start > 2_500);
  await publish(server.base, await token(server, "backend"), "alice", { title: "Meanwhile" });
  const status = await listenTo(seat("alice").locator("header > .who [role=status]"));
  await seat("alice").getByRole("button", { name: "Plug in again" }).click();
  await until("they are made up for", async () => (await heard()) >= before + 2);
  await until("it says how many", () => status.evaluate((said) => said.some((text) => text.includes("recovered"))));
  const recovered = (await status.jsonValue()).flatMap((text) => text.match(/recovered \d+/) ?? []);
  assert.deepEqual([...new Set(recovered)], ["recovered 1"]);
});

test("the demo is good to use for everybody, in both themes, wide and narrow", async (t) => {
  const { shown, seat } = await opened(t);
  shown.expected.push("WebSocket");
  const look = async (what) => {
    for (const colorScheme of ["light", "dark"]) {
      await shown.emulateMedia({ colorScheme });
      for (const [width, height] of [[1280, 900], [360, 740]]) {
        await shown.setViewportSize({ width, height });
        await expectAccessible(shown, `${what}, ${colorScheme}, ${width} wide`);
        const wider = await shown.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        assert.equal(wider, false, `${what}: nothing stands out at the side`);
      }
    }
  };
  await shown.getByRole("button", { name: "Notify 3 times" }).click();
  await badge(seat("alice")).filter({ hasText: "3" }).waitFor();
  await seat("bob").getByLabel("Message as bob").fill("Hello");
  await seat("bob").getByLabel("Message as bob").press("Enter");
  await seat("alice").locator(".messages li", { hasText: "Hello" }).waitFor();
  await look("with a badge");
  await seat("alice").locator("tidings-bell button").first().click();
  await seat("alice").locator("tidings-inbox .tidings-item").first().waitFor();
  await seat("alice").getByRole("button", { name: /^Actions for/ }).first().click();
  await look("an inbox with actions");
  await shown.keyboard.press("Escape");
  await seat("alice").getByRole("button", { name: "Pull the plug" }).click();
  await seat("alice").locator(".status", { hasText: "reconnecting" }).waitFor();
  await look("without a connection");
});
