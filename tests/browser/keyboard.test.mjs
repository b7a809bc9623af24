// The pages without a mouse: everything is reached, seen to be, and done.

import assert from "node:assert/strict";
import test from "node:test";
import { open, page } from "./browser.mjs";
import { byKeyboard, focused, tabTo, walk } from "./keyboard.mjs";
import { call, dev, token, until } from "./server.mjs";

test("the whole demo is used by keyboard alone", async (t) => {
  const server = await dev(t);
  const shown = await page(t, await open());
  shown.expected.push("WebSocket");
  await shown.goto(server.demo);
  await byKeyboard(shown);
  const { keyboard } = shown;
  const seat = (user) => shown.locator(`.seat-${user}`);
  const is = (user, word) => seat(user).locator(".status", { hasText: word }).waitFor();
  await is("alice", "live (WebSocket)");
  await is("bob", "live (WebSocket)");

  // The first stop leads past what stands on every page.
  await tabTo(shown, "a To the demo");
  await keyboard.press("Enter");
  await keyboard.press("Tab");
  assert.match(await focused(shown), /^button Notifications/);
  await walk(shown, "the demo");

  await tabTo(shown, "button Notify 3 times");
  await keyboard.press("Enter");
  await seat("alice").getByRole("button", { name: "Notifications, 3 new" }).waitFor();
  await tabTo(shown, "button Notifications, 3 new");
  await keyboard.press("Space");
  await seat("alice").locator("tidings-inbox .tidings-item").nth(2).waitFor();
  await walk(shown, "with an inbox that is open");
  await tabTo(shown, /^button Actions for/);
  await keyboard.press("Enter");
  await tabTo(shown, "button Mark as read");
  await keyboard.press("Enter");
  await until("it is read", async () => (await seat("alice").locator(".tidings-new").count()) === 2);
  await keyboard.press("Escape");
  await seat("alice").locator("tidings-inbox").waitFor({ state: "detached" });
  assert.match(await focused(shown), /^button Notifications/);

  await tabTo(shown, "button Pull the plug");
  await keyboard.press("Space");
  await is("alice", "reconnecting");
  assert.equal(await focused(shown), "button Plug in again");
  await keyboard.press("Space");
  await is("alice", "live (WebSocket)");
  await tabTo(shown, /^select over/);
  await keyboard.press("ArrowDown");
  await is("alice", "live (Server-Sent Events)");

  await tabTo(shown, "input Message as bob");
  await keyboard.type("Hello");
  await keyboard.press("Enter");
  await seat("alice").locator(".messages li", { hasText: "Hello" }).waitFor();
  await tabTo(shown, "input alice");
  await keyboard.press("ArrowDown");
  await tabTo(shown, "button Notify");
  await keyboard.press("Enter");
  await seat("bob").getByRole("button", { name: "Notifications, 1 new" }).waitFor();
});

test("the whole admin page is used by keyboard alone", async (t) => {
  const server = await dev(t);
  const browser = await open();
  const demo = await page(t, browser);
  await demo.goto(server.demo);
  await demo.locator(".seat-alice .status", { hasText: "live" }).waitFor();
  const shown = await page(t, browser);
  await shown.goto(server.admin);
  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  await byKeyboard(shown);
  const { keyboard } = shown;
  const go = async (section) => {
    await tabTo(shown, `a ${section}`);
    await keyboard.press("Enter");
    await shown.getByRole("heading", { name: section, level: 1 }).waitFor();
  };
  const dialog = shown.getByRole("dialog");

  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  await go("Rooms");
  await shown.getByRole("row", { name: /^general/ }).waitFor();
  await tabTo(shown, "a To the content");
  await keyboard.press("Enter");
  await shown.getByRole("heading", { name: "Rooms", level: 1 }).waitFor();
  await keyboard.press("Tab");
  assert.equal(await focused(shown), "input Name begins with");
  await keyboard.type("tick");
  await shown.getByRole("row", { name: /^general/ }).waitFor({ state: "detached" });

  for (const section of ["Overview", "Sessions", "Rooms", "Unread", "Follow", "Publish", "Console"]) {
    await go(section);
    await walk(shown, section);
  }

  await go("Publish");
  await tabTo(shown, "button Publish");
  await keyboard.press("Enter");
  await shown.getByRole("link", { name: /^ntf_/ }).waitFor();
  await tabTo(shown, /^a ntf_/);
  await keyboard.press("Enter");
  await shown.getByRole("heading", { name: "What became of it" }).waitFor();
  await walk(shown, "a notification that is followed");

  await go("Console");
  await tabTo(shown, "button Pause");
  await keyboard.press("Space");
  await until("it stands still", async () => /^button Go on/.test(await focused(shown)));

  // The newest session is the first row: that of the console, which is over, is not to be found there for a moment.
  await go("Overview");
  const admin = await token(server, "dev");
  const sessions = async () => (await call(server.base, admin, "GET", "/v1/admin/sessions")).sessions;
  await until("the console's session is over", async () => (await sessions()).every(({ user }) => user !== "dev"));
  await go("Sessions");
  await shown.getByRole("row", { name: /^bob/ }).waitFor();
  await tabTo(shown, "button Disconnect");
  await keyboard.press("Enter");
  await dialog.waitFor();
  assert.equal(await focused(shown), "button Cancel", "nothing is done by a key too many");
  await keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await focused(shown), "button Disconnect");
  await keyboard.press("Enter");
  await keyboard.press("Shift+Tab");
  await keyboard.press("Enter");
  await shown.getByText(/The session of \w+ has ended/).waitFor();

  await go("Follow");
  await tabTo(shown, "input User, or id of a notification");
  await keyboard.press("Control+A");
  await keyboard.type("alice");
  await keyboard.press("Enter");
  await shown.getByRole("heading", { name: "alice" }).waitFor();
  await walk(shown, "a user who is followed");
  await tabTo(shown, "button Erase everything");
  await keyboard.press("Enter");
  await dialog.waitFor();
  await keyboard.type("alice");
  await keyboard.press("Enter");
  await shown.getByText("Nothing of alice is left").waitFor();

  await tabTo(shown, "button Sign out");
  await keyboard.press("Enter");
  await shown.getByRole("heading", { name: "tidings admin" }).waitFor();
  await walk(shown, "signing in");
  await tabTo(shown, /^input Token/);
  await keyboard.type(admin);
  await keyboard.press("Enter");
  await shown.getByRole("button", { name: "Sign out" }).waitFor();
});
