// What the user does with a notification of the system while the application is behind other tabs, or closed: the
// browser and its service worker are real, and so is the click, which is what lets a worker bring a page to the front.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import test from "node:test";
import { desktop, shows } from "./desktop.mjs";
import { atEnd, dev, publish, token, until } from "./server.mjs";
import { windowOn } from "./window.mjs";

const VENDOR = new URL("../../web/vendor/", import.meta.url);
const PAGE = '<!doctype html><html lang="en"><title>application</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script></html>';

/** An application with a router of its own, somewhere else than the server. */
async function application(t, code) {
  const files = { "/tidings.js": await readFile(new URL("tidings.js", VENDOR)), "/sw.js": await readFile(new URL("sw.js", VENDOR)) };
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const script = pathname === "/app.js" ? code() : files[pathname];
    response.writeHead(200, { "Content-Type": script ? "text/javascript" : "text/html; charset=utf-8", "Cache-Control": "no-store" });
    response.end(script ?? PAGE);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

test("a click on what the system shows focuses the tab behind, has its router show it and marks it as read; closed, it is opened", async (t) => {
  let code = "";
  const origin = await application(t, () => code);
  const server = await dev(t, [`http.allowed_origins=${origin}`]);
  const [backend, alice] = [await token(server, "backend"), await token(server, "alice")];
  code = `
    import { createTidings } from "/tidings.js";
    const client = createTidings(${JSON.stringify({ url: server.base, token: alice })});
    client.on("open", ({ url }) => url && history.pushState(null, "", url));
    client.connect();
    await client.ready();
    await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    globalThis.isReady = true;`;
  const screen = await desktop(t);
  const window = await windowOn(t, screen, origin);
  const headers = { Authorization: `Bearer ${alice}` };
  const isRead = async (id) => !!(await (await fetch(`${server.base}/v1/notifications/${id}`, { headers })).json()).read_at;
  const send = async (tab, title, navigate, count = 1) => {
    const { id, position } = await publish(server.base, backend, "alice", { title });
    const tag = count > 1 ? "summary" : id;
    const notification = { title, body: "Some text", navigate, tag, data: { id, position, type: "note.text", count } };
    await tab.deliver(origin, { web_push: 8030, notification, app_badge: 1 });
    return id;
  };

  const page = await window.tab(`${origin}/inbox`);
  await until("the application is there", () => page.evaluate("globalThis.isReady"));
  await until("its tab is in front", () => page.isInFront());
  const other = await window.tab("about:blank");
  await until("another tab is in front, and it alone", async () => (await other.isInFront()) && !(await page.isInFront()));
  await page.evaluate("globalThis.isTheSame = true");

  const first = await send(page, "Build finished", `${origin}/orders/1`);
  const [shown] = await shows(screen, ["Build finished"]);
  assert.match(shown.text, /Some text/);
  assert.ok(shown.actions.includes("default"), shown.actions);
  assert.equal(await isRead(first), false);
  screen.click(shown.id);
  await until("the application is in front, and it alone", async () => (await page.isInFront()) && !(await other.isInFront()));
  await until("its router shows it", () => page.evaluate("location.pathname === '/orders/1' && globalThis.isTheSame"));
  await until("it is read", () => isRead(first));
  await shows(screen, []);

  // What is read elsewhere while a page is open is taken off the screen.
  const second = await send(page, "Read elsewhere", `${origin}/orders/2`);
  await shows(screen, ["Read elsewhere"]);
  const body = JSON.stringify({ as: "read", ids: [second] });
  await fetch(`${server.base}/v1/notifications/mark`, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body });
  await shows(screen, []);

  // A summary reads none of those that it tells of, and goes all the same.
  const newest = await send(page, "2 new notifications", `${origin}/`, 2);
  const [summary] = await shows(screen, ["2 new notifications"]);
  screen.click(summary.id);
  await until("the router shows the start", () => page.evaluate("location.pathname === '/' && globalThis.isTheSame"));
  await shows(screen, []);
  assert.equal(await isRead(newest), false);

  // The page goes with what it has shown still on the screen.
  const third = await send(page, "Closed by then", `${origin}/orders/3`);
  const [left] = await shows(screen, ["Closed by then"]);
  await page.close();
  await until("it is gone", async () => (await window.pages()).every(({ url }) => !url.startsWith(origin)));
  screen.click(left.id);
  const opened = await until("it is opened", async () => (await window.pages()).find(({ url }) => url.startsWith(`${origin}/orders/3`)));
  const again = await window.attach(opened.targetId);
  await until("it is read", () => isRead(third));
  await until("it is in front", () => again.isInFront());
  assert.equal(await again.evaluate("location.href"), `${origin}/orders/3`);
  await shows(screen, []);
});
