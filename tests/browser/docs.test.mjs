// The page of the API, under the policy of its server: all calls and frames, found, opened, copied; by keyboard, on a
// phone, in the dark.

import assert from "node:assert/strict";
import test from "node:test";
import { expectAccessible, open, page } from "./browser.mjs";
import { dev, serve } from "./server.mjs";

async function opened(t, base, options = {}) {
  const shown = await page(t, await open(t), options);
  await shown.goto(`${base}/docs`);
  await shown.getByRole("heading", { level: 1 }).waitFor();
  return shown;
}

test("all calls and frames of the documents are on the page, found by a word and opened by their address", async (t) => {
  const server = await dev(t);
  assert.equal(server.said("docs"), `${server.base}/docs`);
  const shown = await opened(t, server.base, { permissions: ["clipboard-read", "clipboard-write"] });
  const [http, socket] = await Promise.all(["openapi", "asyncapi"].map(async (name) => (await fetch(`${server.base}/${name}.json`)).json()));
  const calls = Object.values(http.paths).flatMap(Object.keys).length;
  const frames = Object.keys(socket.components.messages).length;
  assert.equal(await shown.locator("details.entry").count(), calls + frames);

  await shown.keyboard.press("/");
  await shown.keyboard.type("snooze nothing");
  await shown.getByText("Nothing has all of these words").waitFor();
  // It is empty then, and still the place to type.
  await shown.keyboard.press("Escape");
  await shown.keyboard.type("publish notification");
  const entry = shown.locator("#publish_notification");
  await entry.locator("summary").focus();
  await shown.keyboard.press("Enter");
  await entry.getByRole("button", { name: "Copy: In a shell" }).click();
  await shown.getByText("Copied.").waitFor();
  const line = await shown.evaluate(() => navigator.clipboard.readText());
  assert.match(line, /^curl -X POST 'http.*\/v1\/notifications' \\\n/);
  assert.match(line, /-H "Authorization: Bearer \$TOKEN"/);

  await shown.goto(`${server.base}/docs#frame-JoinCommand`);
  const frame = shown.locator("#frame-JoinCommand");
  await frame.getByText("chat:general").first().waitFor();
  await frame.getByRole("link", { name: "ok (join)" }).click();
  await shown.locator("#frame-JoinOk[open]").waitFor();
  await shown.locator("#close-codes").getByText("slow_consumer").waitFor();
});

test("what is copied does what it says", async (t) => {
  const server = await dev(t);
  const shown = await opened(t, server.base);
  await shown.goto(`${server.base}/docs#health`);
  const command = await shown.locator("#health pre").first().textContent();
  assert.equal(command, `curl '${server.base}/health'`);
});

test("the listener for administrators shows its own calls, and no frames", async (t) => {
  const { base } = await serve(t, ["http.admin_listen=127.0.0.1:0"]);
  const shown = await opened(t, base);
  assert.equal(await shown.locator("#calls-admin details").count(), 0, "those of administrators are elsewhere");
  await shown.locator("#websocket-events").waitFor();
});

test("the page of the API is good to use for everybody, in both themes, wide and narrow", async (t) => {
  const server = await dev(t);
  for (const colorScheme of ["light", "dark"]) {
    const shown = await opened(t, server.base, { colorScheme });
    await shown.goto(`${server.base}/docs#publish_notification`);
    await shown.goto(`${server.base}/docs#frame-Welcome`);
    await shown.locator("#frame-Welcome[open] pre").first().waitFor();
    await expectAccessible(shown, colorScheme);
    await shown.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(shown, `${colorScheme}, narrow`);
    const wider = await shown.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wider, false, "nothing stands out at the side");
  }
});
