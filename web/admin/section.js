import { nothing } from "../vendor/lit.js";

/** A part of the page: is started when it is shown, stopped when it is not, and renders what it knows. */
export class Section {
  /** What it is called. */
  title = "";
  /** What went wrong when something was done last, and when it was looked last. @type {Record<"done" | "looked", string | null>} */
  #failed = { done: null, looked: null };
  /** @type {AbortController | null} */
  #controller = null;

  /** @param {import("./main.js").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** What is to be said of it, once where both went wrong in the same way. */
  get errors() {
    return new Set(Object.values(this.#failed).filter((text) => text !== null));
  }

  /** Ends with the section, and has ended where it is not shown. */
  get signal() {
    return this.#controller?.signal ?? AbortSignal.abort();
  }

  /** @param {URLSearchParams} [_query] What stands behind its name in the address. */
  start(_query) {
    this.#controller = new AbortController();
    this.#failed = { done: null, looked: null };
  }

  stop() {
    this.#controller?.abort();
    this.#controller = null;
  }

  update() {
    this.page.update();
  }

  /** @returns {unknown} */
  view() {
    return nothing;
  }

  /**
   * Looks now and then again, for as long as the section is shown; not while nobody looks at the page.
   *
   * @param {number} interval
   * @param {(signal: AbortSignal) => Promise<void>} look
   */
  async every(interval, look) {
    const { signal } = this;
    while (!signal.aborted) {
      if (!document.hidden) await this.look(look);
      await pause(interval, signal);
    }
  }

  /** Looks how things are; what goes wrong is shown until it goes right. @param {(signal: AbortSignal) => Promise<void>} act */
  look(act) {
    return this.#try("looked", act);
  }

  /**
   * Does what somebody wants; what goes wrong is shown until something is done.
   *
   * @param {() => Promise<unknown>} act Answers false where it was not meant, and nothing was done.
   */
  attempt(act) {
    return this.#try("done", act);
  }

  /** @param {"done" | "looked"} kind @param {(signal: AbortSignal) => Promise<unknown>} act */
  async #try(kind, act) {
    try {
      if ((await act(this.signal)) !== false) this.#failed[kind] = null;
    } catch (/** @type {any} */ error) {
      if (error.name === "AbortError") return;
      if (error.status === 401) this.page.signOut("The token is not good, or no more.");
      this.#failed[kind] = error.message;
    } finally {
      this.update();
    }
  }
}

/**
 * @param {number} time
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
