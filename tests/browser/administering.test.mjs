// What an administrator does on the page: following, disconnecting, revoking, erasing, pushing again, listening.

import assert from "node:assert/strict";
import test from "node:test";
import { client, opened } from "./admin.mjs";
import { expectAccessible } from "./browser.mjs";
import { pushService } from "./push-service.mjs";
import { call, publish, token, until } from "./server.mjs";

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

test("what is told to push services and to the receiver of webhooks is counted", async (t) => {
  const service = await pushService(t);
  const { server, browser, shown } = await opened(t, [...service.settings, ...service.webhooks, "webhooks.events=room.occupied"]);
  await call(server.base, await token(server, "alice"), "POST", "/v1/push/subscriptions", service.subscription);
  const send = async (n) => publish(server.base, await token(server, "backend"), "alice", { n });
  await send(1);
  await until("it is pushed", () => service.pushed === 1);
  service.status = 400;
  await send(2);
  await until("it is pushed, too", () => service.pushed === 2);
  await client(t, { server, browser });
  const told = shown.getByRole("region", { name: "Told outside, by this node, a table" });
  const cells = async (name) => (await told.getByRole("row", { name }).getByRole("cell").allTextContents()).join();
  await until("pushes are counted", async () => (await cells("push services")) === "1,0,1,0,0,0");
  await until("and who is in a room", async () => (await cells("the receiver of webhooks")) === "1,0,0,0,0,0");
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

test("what could not be done is said until something else is, also beside a server that is away", async (t) => {
  const { server, browser, shown, go } = await opened(t);
  shown.expected.push("404", "ERR_FAILED");
  await client(t, { server, browser });
  await go("Sessions");
  await shown.getByRole("row", { name: /alice/ }).getByRole("button", { name: "Disconnect" }).click();
  const admin = await token(server, "dev");
  const [{ session }] = (await call(server.base, admin, "GET", "/v1/admin/sessions?user=alice")).sessions;
  await call(server.base, admin, "DELETE", `/v1/admin/sessions/${session}`);
  await shown.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await shown.getByRole("alert").waitFor();
  await shown.getByText("Nobody is connected").waitFor();
  // Who comes is shown by a look that went well.
  await client(t, { server, browser });
  const row = shown.getByRole("row", { name: /alice/ });
  await row.getByRole("button", { name: "Revoke" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  const isAsking = (url) => url.pathname === "/v1/admin/sessions";
  await shown.route(isAsking, (route) => route.abort());
  await shown.getByRole("alert").nth(1).waitFor();
  await shown.unroute(isAsking);
  await shown.getByRole("alert").nth(1).waitFor({ state: "detached" });
  assert.equal(await shown.getByRole("alert").count(), 1, "neither a look nor what was not meant has taken it back");
  await row.getByRole("button", { name: "Disconnect" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await shown.getByRole("alert").waitFor({ state: "detached" });
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
