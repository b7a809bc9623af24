// The React example as it is built, on an address of its own.

import { readFile } from "node:fs/promises";
import test from "node:test";
import { expectAccessible, open, page } from "./browser.mjs";
import { dev, publish, token } from "./server.mjs";

const ORIGIN = "http://localhost:5173";
const BUILT = new URL("../../examples/react-chat/dist/", import.meta.url);
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css" };

async function signedIn(t, browser, server, user) {
  const shown = await page(t, browser);
  await shown.route(`${ORIGIN}/**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1) || "index.html";
    await route.fulfill({ contentType: TYPES[name.split(".").pop()], body: await readFile(new URL(name, BUILT)) });
  });
  await shown.goto(ORIGIN);
  await shown.getByLabel("Server").fill(server.base);
  await shown.getByLabel("Token").fill(await token(server, user));
  await shown.getByRole("button", { name: "Sign in" }).click();
  await shown.getByText("Connected (ws)").waitFor();
  return shown;
}

test("two people chat in React, beside a bell", async (t) => {
  const server = await dev(t, [`http.allowed_origins=${ORIGIN}`]);
  const browser = await open();
  const [alice, bob] = [await signedIn(t, browser, server, "alice"), await signedIn(t, browser, server, "bob")];
  await alice.getByText("Here: alice, bob").waitFor();
  // It is said for a moment.
  const typing = alice.getByText("bob is typing…").waitFor();
  await bob.getByLabel("Message").pressSequentially("Hello");
  await typing;
  await bob.getByLabel("Message").press("Enter");
  await alice.locator(".messages li", { hasText: "Hello" }).waitFor();

  await publish(server.base, await token(server, "backend"), "alice", { title: "Build finished" });
  await alice.getByRole("button", { name: "Notifications, 1 new" }).click();
  const inbox = alice.getByRole("dialog", { name: "Notifications" });
  await inbox.getByText("Build finished").waitFor();
  await expectAccessible(alice, "the example");
  await inbox.getByRole("button", { name: "Mark all as read" }).click();
  await inbox.locator(".tidings-new").waitFor({ state: "detached" });
  await alice.keyboard.press("Escape");
  await inbox.waitFor({ state: "detached" });
});
