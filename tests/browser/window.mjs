// A window of Chromium as a user has it, over its debugging pipe: one tab is in front, and the others are not. The
// library of the other tests has every page believe that it is the one in front.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { FLAGS, PROGRAM } from "./browser.mjs";
import { atEnd, until } from "./server.mjs";

class Window {
  #asked = new Map();
  #asks = 0;
  /** What the browser has told, the newest last. */
  told = [];

  constructor(child) {
    [, , , this.ears, this.mouth] = child.stdio;
    let rest = "";
    this.mouth.setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      for (const message of messages) this.#hear(JSON.parse(message));
    });
  }

  #hear({ id, result, error, ...event }) {
    if (!id) return void this.told.push(event);
    const { done, fail } = this.#asked.get(id);
    this.#asked.delete(id);
    error ? fail(new Error(error.message)) : done(result);
  }

  ask(method, params = {}, sessionId = undefined) {
    this.#asks += 1;
    this.ears.write(`${JSON.stringify({ id: this.#asks, method, params, sessionId })}\0`);
    return new Promise((done, fail) => this.#asked.set(this.#asks, { done, fail }));
  }

  /** Opens a page, in front of the others. */
  async tab(url) {
    const { targetId } = await this.ask("Target.createTarget", { url });
    return this.attach(targetId);
  }

  /** The pages that are open. */
  async pages() {
    const { targetInfos } = await this.ask("Target.getTargets");
    return targetInfos.filter(({ type }) => type === "page");
  }

  async attach(targetId) {
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    return new Tab(this, targetId, sessionId);
  }
}

class Tab {
  constructor(window, targetId, sessionId) {
    Object.assign(this, { window, targetId, sessionId });
  }

  ask(method, params) {
    return this.window.ask(method, params, this.sessionId);
  }

  /** What this text is in the page. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async isInFront() {
    return this.evaluate("!document.hidden && document.hasFocus()");
  }

  close() {
    return this.window.ask("Target.closeTarget", { targetId: this.targetId });
  }

  /** Has its service worker hear a push, as the browser's push service would. */
  async deliver(origin, message) {
    await this.ask("ServiceWorker.enable");
    const registrations = () =>
      this.window.told.filter(({ method }) => method === "ServiceWorker.workerRegistrationUpdated").flatMap(({ params }) => params.registrations);
    const { registrationId } = await until("a worker is registered", () => registrations().at(-1));
    await this.ask("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify(message) });
  }
}

/** A window with one empty tab, on this desktop, where these pages may show notifications. */
export async function windowOn(t, desktop, origin) {
  const folder = await mkdtemp(path.join(tmpdir(), "tidings-window-"));
  const args = [...FLAGS, "--headless", "--remote-debugging-pipe", "--no-first-run", "--password-store=basic", `--user-data-dir=${folder}`];
  const child = spawn(PROGRAM, args, {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: desktop.address },
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  atEnd(t, async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  const window = new Window(child);
  await window.ask("Browser.grantPermissions", { origin, permissions: ["notifications"] });
  return window;
}
