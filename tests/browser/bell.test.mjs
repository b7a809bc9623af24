// The elements by themselves: by keyboard, from right to left, in another language, under a strict policy.

import assert from "node:assert/strict";
import test from "node:test";
import { blank, expectAccessible, listenTo, open, page } from "./browser.mjs";
import { dev, publish, token, until } from "./server.mjs";

/** A page with a bell for alice, and some notifications. */
async function opened(t, { count = 3, lang = "en", dir = "ltr" } = {}) {
  const server = await dev(t);
  const backend = await token(server, "backend");
  for (let n = 1; n <= count; n += 1) await publish(server.base, backend, "alice", { title: `Number ${n}`, text: "Some text" });
  const shown = await page(t, await open());
  await blank(shown, server.base);
  await shown.evaluate(
    async ({ url, token, lang, dir }) => {
      Object.assign(document.documentElement, { lang, dir });
      const { german, english } = await import(`${url}/assets/vendor/element.js`);
      const bell = document.createElement("tidings-bell");
      bell.setAttribute("url", url);
      bell.setAttribute("token", token);
      bell.words = lang === "de" ? german : english;
      document.querySelector("main").append(bell);
    },
    { url: server.base, token: await token(server, "alice"), lang, dir },
  );
  const inbox = shown.locator("tidings-inbox");
  return { server, backend, shown, inbox, bell: shown.locator("tidings-bell button").first(), badge: shown.locator(".tidings-badge") };
}

test("everything is done by keyboard alone", async (t) => {
  const { shown, inbox, badge, bell } = await opened(t);
  await badge.filter({ hasText: "3" }).waitFor();
  await shown.keyboard.press("Tab");
  await shown.keyboard.press("Enter");
  assert.equal(await bell.getAttribute("aria-expanded"), "true");
  await inbox.locator(".tidings-item").first().waitFor();
  // Opening has shown them: nothing is unseen, and all are unread.
  await badge.waitFor({ state: "detached" });
  assert.equal(await inbox.locator(".tidings-new").count(), 3);

  await inbox.locator(".tidings-item").first().focus();
  await shown.keyboard.press("ArrowDown");
  await shown.keyboard.press("End");
  await shown.keyboard.press("Home");
  await shown.keyboard.press("Enter");
  await until("the first is read", async () => (await inbox.locator(".tidings-new").count()) === 2);
  await shown.keyboard.press("Tab");
  await shown.keyboard.press("Enter");
  await inbox.getByRole("button", { name: "Archive" }).waitFor();
  await shown.keyboard.press("Tab");
  await shown.keyboard.press("Tab");
  await shown.keyboard.press("Enter");
  await until("it is archived", async () => (await inbox.locator(".tidings-item").count()) === 2);
  const at = () => inbox.evaluate(({ shadowRoot }) => shadowRoot.activeElement?.textContent);
  await until("the focus is at its neighbour", async () => /Number 2/.test(await at()));
  await shown.keyboard.press("Escape");
  assert.equal(await bell.getAttribute("aria-expanded"), "false");
  const focused = await shown.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute("part"));
  assert.equal(focused, "bell");
});

test("the focus stays in an inbox whose last entry goes, and what its list has said is not said again by the bell", async (t) => {
  const { server, backend, shown, inbox, bell } = await opened(t, { count: 1 });
  await bell.click();
  await inbox.getByRole("button", { name: "Actions for Number 1" }).click();
  await inbox.getByRole("button", { name: "Archive" }).click();
  await inbox.getByText("Nothing here yet").waitFor();
  const at = () => inbox.evaluate(({ shadowRoot }) => shadowRoot.activeElement?.textContent.trim());
  await until("the focus is at the first button", async () => (await at()) === "All");
  const aloud = await listenTo(inbox.getByRole("status"));
  await publish(server.base, backend, "alice", { title: "Number 2" });
  await until("it is said aloud", () => aloud.evaluate((said) => said.includes("1 new notification")));
  await shown.keyboard.press("Escape");
  await inbox.waitFor({ state: "detached" });
  assert.equal((await shown.locator("tidings-bell [role=status]").textContent()).trim(), "");
});

test("all are marked as read at once, and the tab shows what is unread", async (t) => {
  const { inbox, bell } = await opened(t);
  await bell.click();
  await inbox.getByRole("button", { name: "Unread (3)" }).click();
  await inbox.locator(".tidings-new").nth(2).waitFor();
  await inbox.getByRole("button", { name: "Mark all as read" }).click();
  await inbox.getByText("All read").waitFor();
  await inbox.getByRole("button", { name: "All", exact: true }).click();
  await inbox.locator(".tidings-item").nth(2).waitFor();
  assert.equal(await inbox.locator(".tidings-new").count(), 0);
});

test("what is muted from an item's menu is heard no more", async (t) => {
  const { server, backend, inbox, bell, badge } = await opened(t, { count: 1 });
  await bell.click();
  await inbox.getByRole("button", { name: "Actions for Number 1" }).click();
  await inbox.getByRole("button", { name: "Mute note.text" }).click();
  const alice = await token(server, "alice");
  const mutes = async () => (await fetch(`${server.base}/v1/mutes`, { headers: { Authorization: `Bearer ${alice}` } })).json();
  await until("it is muted", async () => (await mutes()).mutes[0]?.pattern === "note.text");
  await publish(server.base, backend, "alice", { title: "muted" });
  await publish(server.base, backend, "alice", { title: "heard" }, "other.text");
  await inbox.getByText("heard").waitFor();
  assert.equal(await inbox.locator(".tidings-item").count(), 2);
  assert.equal(await badge.count(), 0);
});

test("what comes while one reads further down waits behind a pill", async (t) => {
  const { server, backend, shown, inbox, bell } = await opened(t, { count: 30 });
  await bell.click();
  await inbox.locator(".tidings-item").first().waitFor();
  // It is scrolled at once, and known to be with the next frame.
  await inbox.locator(".tidings-scroll").evaluate((list) => {
    const isTold = new Promise((done) => list.addEventListener("scroll", done, { once: true }));
    list.scrollTo({ top: 400 });
    return isTold.then(() => {});
  });
  for (const n of [1, 2, 3]) await publish(server.base, backend, "alice", { title: `Fresh ${n}` });
  const pill = inbox.getByRole("button", { name: "3 new notifications" });
  await pill.waitFor();
  assert.equal(await inbox.getByText("Fresh 3").count(), 0);
  await pill.click();
  await inbox.getByText("Fresh 3").waitFor();
  await pill.waitFor({ state: "detached" });
  assert.equal(await inbox.locator(".tidings-scroll").evaluate((list) => list.scrollTop), 0);
  await shown.keyboard.press("Escape");
});

test("a badge stops at 99, and its name does not", async (t) => {
  const { shown, badge } = await opened(t, { count: 101 });
  await badge.filter({ hasText: "99+" }).waitFor();
  assert.equal(await shown.getByRole("button", { name: "Notifications, 101 new" }).count(), 1);
});

test("it reads from right to left, and speaks the language of its words", async (t) => {
  const { shown, inbox, bell } = await opened(t, { lang: "de", dir: "rtl" });
  await bell.click();
  await inbox.getByRole("button", { name: "Alle als gelesen markieren" }).waitFor();
  const box = await inbox.boundingBox();
  const more = await inbox.getByRole("button", { name: "Aktionen für Number 3" }).boundingBox();
  assert.ok(more.x - box.x < box.width / 2, "what stands at the end stands at the left");
  assert.match(await inbox.locator("time").first().textContent(), /jetzt|Minute/);
  await expectAccessible(shown, "from right to left");
});

test("a link that could run a script is no link", async (t) => {
  const { server, backend, inbox, bell } = await opened(t, { count: 0 });
  await publish(server.base, backend, "alice", { title: "bad", url: "javascript:alert(1)" });
  await publish(server.base, backend, "alice", { title: "<img src=x onerror=alert(1)>", url: "/health" });
  await bell.click();
  await inbox.getByText("<img src=x").waitFor();
  const hrefs = await inbox.locator(".tidings-item").evaluateAll((items) => items.map((item) => item.getAttribute("href")));
  assert.deepEqual(hrefs, [`${server.base}/health`, null]);
});

test("it asks whether to push in an opened inbox, and not again after a no", async (t) => {
  const { shown, inbox, bell } = await opened(t, { count: 0 });
  assert.equal(await shown.getByText("when this page is closed").count(), 0);
  await bell.click();
  await inbox.getByText("when this page is closed").waitFor();
  await inbox.getByRole("button", { name: "Not now" }).click();
  await shown.keyboard.press("Escape");
  await bell.click();
  await inbox.getByText("Nothing here yet").waitFor();
  assert.equal(await inbox.getByText("when this page is closed").count(), 0);
});

test("what is new stands in a corner for a moment, and for as long as one is there", async (t) => {
  const { server, backend, shown, badge } = await opened(t, { count: 1 });
  await badge.waitFor();
  await shown.evaluate(() => {
    const toasts = document.createElement("tidings-toasts");
    toasts.client = document.querySelector("tidings-bell").feed.client;
    toasts.duration = 60_000;
    document.querySelector("main").append(toasts);
  });
  const toast = shown.locator("tidings-toasts .tidings-toast");
  for (const title of ["One", "Two", "Three"]) await publish(server.base, backend, "alice", { title });
  await toast.nth(2).waitFor();
  await expectAccessible(shown, "with toasts");
  await toast.filter({ hasText: "Three" }).getByRole("button", { name: "Dismiss" }).click();
  await toast.filter({ hasText: "Three" }).waitFor({ state: "detached" });
  await toast.getByRole("button", { name: "Two" }).click();
  await toast.filter({ hasText: "Two" }).waitFor({ state: "detached" });
  await shown.getByRole("button", { name: "Notifications, 3 new" }).waitFor();
  // The time of the last one begins when nobody is there any more.
  await shown.evaluate(() => {
    document.querySelector("tidings-toasts").duration = 10;
  });
  await toast.getByRole("button", { name: "One" }).focus();
  await shown.mouse.move(0, 0);
  await shown.keyboard.press("Shift+Tab");
  await toast.waitFor({ state: "detached" });
});

test("it is moved about the page and keeps its connection, which ends with it", async (t) => {
  const { shown, badge } = await opened(t, { count: 1 });
  await badge.waitFor();
  const isSame = await shown.evaluate(async () => {
    const bell = document.querySelector("tidings-bell");
    const { client } = bell.feed;
    document.querySelector("main").append(document.createElement("p"), bell);
    await new Promise((done) => requestAnimationFrame(done));
    return Object.assign(globalThis, { client }).client === bell.feed?.client;
  });
  assert.equal(isSame, true);
  await badge.waitFor();
  await shown.evaluate(() => document.querySelector("tidings-bell").remove());
  await shown.waitForFunction(() => globalThis.client.getSnapshot().status === "closed");
});

test("a page gives it its own look by variables and parts", async (t) => {
  const { shown, badge, inbox, bell } = await opened(t, { count: 1 });
  await badge.waitFor();
  await shown.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("tidings-bell { --tidings-surface: rgb(1, 2, 3) } tidings-bell::part(badge), tidings-bell::part(title) { color: rgb(4, 5, 6) }");
    document.adoptedStyleSheets = [sheet];
  });
  const style = (locator, name) => locator.evaluate((element, name) => getComputedStyle(element)[name], name);
  assert.equal(await style(badge, "color"), "rgb(4, 5, 6)");
  await bell.click();
  assert.equal(await style(inbox.locator("strong").first(), "color"), "rgb(4, 5, 6)");
  assert.equal(await style(inbox.locator(".tidings-inbox"), "backgroundColor"), "rgb(1, 2, 3)");
});
