// An inbox on a page of another origin, with two tags.

import assert from "node:assert/strict";
import test from "node:test";
import { expectAccessible, open, page } from "./browser.mjs";
import { dev, publish, token } from "./server.mjs";

const ORIGIN = "http://localhost:5173";

test("two tags put a bell on a page of another origin, which asks the server that they come from", async (t) => {
  const server = await dev(t, [`http.allowed_origins=${ORIGIN}`]);
  const shown = await page(t, await open());
  // The page's own policy: the server it names, and nothing inline.
  const policy = `default-src 'none'; script-src ${server.base}; connect-src ${server.base} ${server.base.replace("http", "ws")}`;
  const tags = `<script type="module" src="${server.base}/embed.js"></script>
    <tidings-bell user="alice" token="${await token(server, "alice")}"></tidings-bell>`;
  await shown.route(`${ORIGIN}/`, (route) =>
    route.fulfill({
      contentType: "text/html; charset=utf-8",
      headers: { "Content-Security-Policy": policy },
      body: `<!doctype html><html lang="en"><title>elsewhere</title><body><main>${tags}</main></body></html>`,
    }),
  );
  await shown.goto(`${ORIGIN}/`);
  await publish(server.base, await token(server, "backend"), "alice", { title: "Build finished" });
  await shown.getByRole("button", { name: "Notifications, 1 new" }).click();
  await shown.getByText("Build finished").waitFor();
  await expectAccessible(shown, "elsewhere");
  await shown.getByRole("button", { name: "Mark all as read" }).click();
  await shown.locator(".tidings-new").waitFor({ state: "detached" });
  assert.equal(await shown.locator("tidings-inbox .tidings-item").count(), 1);
});
