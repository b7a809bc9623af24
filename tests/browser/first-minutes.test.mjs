// The first five minutes as the server itself tells them: what `tidings dev` prints is typed, and its demo looked at.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import test from "node:test";
import { promisify } from "node:util";
import { listenTo, open, page } from "./browser.mjs";
import { atEnd, call, dev, token, until } from "./server.mjs";

const WAYS = { sse: "Server-Sent Events", longpoll: "long poll", poll: "poll", ws: "WebSocket" };

/** Types a line into a terminal beside the server; what it answers. */
async function type({ folder }, line) {
  return (await promisify(execFile)("sh", ["-c", line], { cwd: folder })).stdout;
}

/** Types a line whose command goes on; the lines that it prints, as they come. */
function begin(t, { folder }, line) {
  const child = spawn("sh", ["-c", `exec ${line}`], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const lines = [];
  createInterface({ input: child.stdout }).on("line", (text) => lines.push(text));
  atEnd(t, () => child.kill("SIGKILL"));
  return lines;
}

test("from nothing to a notification in a browser with three commands, offline, and on from there", async (t) => {
  const begun = Date.now();
  const server = await dev(t);
  const shown = await page(t, await open());
  shown.expected.push("WebSocket");
  const elsewhere = [];
  shown.on("request", (request) => request.url().startsWith(server.base) || elsewhere.push(request.url()));

  // 1. The demo: a bell without a badge, and a dot that says how it is connected.
  await shown.goto(server.demo);
  const seat = (user) => shown.locator(`.seat-${user}`);
  const live = (way) => seat("alice").locator(".status", { hasText: `live (${way})` }).waitFor();
  const badge = seat("alice").locator("tidings-bell .tidings-badge");
  await live("WebSocket");
  assert.equal(await badge.count(), 0);
  assert.equal(await shown.title(), "tidings demo");

  // 2. What is sent from one terminal is in another one, on the bell, in the title, and said aloud.
  const watched = begin(t, server, server.said("watch"));
  const admin = await token(server, "dev");
  const sessions = async () => (await call(server.base, admin, "GET", "/v1/admin/sessions?user=alice")).sessions.length;
  await until("the terminal listens beside the page", async () => (await sessions()) === 2);
  const aloud = await listenTo(seat("alice").locator("tidings-bell [role=status]"));
  const sent = JSON.parse(await type(server, server.said("send")));
  assert.match(sent.notifications[0].id, /^ntf_/);
  assert.ok(sent.notifications[0].position);
  await badge.filter({ hasText: "1" }).waitFor();
  t.diagnostic(`the first notification after ${Date.now() - begun} ms`);
  await shown.waitForFunction(() => document.title === "(1) tidings demo");
  await until("it is said aloud", () => aloud.evaluate((said) => said.includes("1 new notification")));
  await until("it is in the other terminal", () => watched.some((line) => line.includes("Build finished")));
  assert.equal(watched.filter((line) => line.includes("Build finished")).length, 1);
  await shown.getByRole("button", { name: "Notify", exact: true }).click();
  await badge.filter({ hasText: "2" }).waitFor();
  await seat("alice").locator(".latency", { hasText: "ms" }).waitFor();
  await type(server, server.said("say"));
  await seat("bob").locator(".messages li", { hasText: "Hello" }).waitFor();

  // 3. The same as a stream, and a count that is not sent again.
  const bearer = (await type(server, / -H ".*\$\((.*)\)"$/.exec(server.said("unread"))[1])).trim();
  const stream = begin(t, server, `curl -sN '${server.base}/v1/sse?token=${bearer}'`);
  await until("the stream has begun", () => stream.some((line) => line.includes('"welcome"')));
  await type(server, server.said("send"));
  await until("it is in the stream", () => stream.some((line) => line.startsWith("data:") && line.includes("Build finished")));
  const first = await type(server, `${server.said("unread")} -si`);
  const tag = /^etag: (.*)$/im.exec(first)[1].trim();
  assert.match(await type(server, `${server.said("unread")} -si -H 'If-None-Match: ${tag}'`), /^HTTP\/1\.1 304 /);

  // 4. The plug is pulled, two are sent, and both are made up for, which is said for a moment.
  await seat("alice").getByRole("button", { name: "Pull the plug" }).click();
  await seat("alice").locator(".status", { hasText: "reconnecting" }).waitFor();
  await type(server, server.said("send"));
  await type(server, server.said("send"));
  const status = await listenTo(seat("alice").locator("header > .who [role=status]"));
  await seat("alice").getByRole("button", { name: "Plug in again" }).click();
  await until("it says how many", () => status.evaluate((said) => said.some((text) => text.endsWith("recovered 2"))));
  await badge.filter({ hasText: "5" }).waitFor();

  // 5. The same on every way.
  const list = seat("alice").locator("tidings-inbox .tidings-item");
  await seat("alice").getByRole("button", { name: "Notifications, 5 new" }).click();
  await list.nth(4).waitFor();
  for (const [way, name] of Object.entries(WAYS)) {
    await seat("alice").locator("select.transport").selectOption(way);
    await live(name);
    const count = await list.count();
    await type(server, server.said("send"));
    await list.nth(count).waitFor();
    assert.equal(await list.count(), count + 1, name);
  }

  // 6. It asks whether to go on when the page is closed; what is pushed then is tried in push.test.mjs.
  await seat("alice").getByRole("button", { name: "Notify me" }).waitFor();
  assert.deepEqual(elsewhere, [], "nothing comes from anywhere else");
});
