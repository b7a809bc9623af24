// Chromium of the system, and what every page of ours must keep to.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { atEnd } from "./server.mjs";

const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url);
export const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const DEADLINE = 60_000;

/** Root is given no sandbox; and what a test puts in the place of a page counts as a page of the internet. */
export const FLAGS = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"];

const launch = () => chromium.launch({ executablePath: PROGRAM, args: FLAGS });

let shared;
after(async () => (await shared)?.close());

/** The browser of all tests of a file: what each does is in contexts of its own. */
export function open() {
  shared ??= launch();
  return shared;
}

/** A second browser, which shares nothing with the first. */
export async function another(t) {
  const browser = await launch();
  atEnd(t, () => browser.close());
  return browser;
}

/** A page of a context of its own. What it complains about fails the test, a breach of its policy above all. */
export async function page(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  atEnd(t, () => context.close());
  return watched(t, await context.newPage());
}

/** The same for a page that is there. `expected` are complaints that belong to the test. */
export function watched(t, opened) {
  const complaints = [];
  opened.expected = [];
  opened.setDefaultTimeout(DEADLINE);
  opened.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
  opened.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  atEnd(t, () => {
    const others = complaints.filter((text) => !opened.expected.some((known) => text.includes(known)));
    assert.deepEqual(others, [], "what the page complains about");
  });
  return opened;
}

/** Fails where axe finds something serious. Nothing moves from now on: what fades in has no contrast yet. */
export async function expectAccessible(opened, what) {
  await opened.emulateMedia({ reducedMotion: "reduce" });
  await opened.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await opened.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
  assert.deepEqual(found, [], what);
}

/** What a region says from now on: it says it for a moment, and nobody need look just then. */
export function listenTo(region) {
  return region.evaluateHandle((element) => {
    const said = [];
    const note = () => said.push(element.textContent.trim());
    new MutationObserver(note).observe(element, { childList: true, characterData: true, subtree: true });
    return said;
  });
}

/** An empty page of this server, under the policy of its pages, that has the client. */
export async function blank(opened, base, body = "") {
  const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";
  await opened.route(`${base}/blank`, (route) =>
    route.fulfill({
      contentType: "text/html; charset=utf-8",
      headers: { "Content-Security-Policy": policy },
      body: `<!doctype html><html lang="en"><title>blank</title><body><main>${body}</main></body></html>`,
    }),
  );
  await opened.goto(`${base}/blank`);
}
