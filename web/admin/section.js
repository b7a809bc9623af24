import { nothing } from "../vendor/lit.js";

/** A part of the page: is started when it is shown, stopped when it is not, and renders what it knows. */
export class Section {
  /** What it is called. */
  title = "";
  /** What went wrong last. @type {string | null} */
  error = null;
  /** @type {AbortController | null} */
  #controller = null;

  /** @param {import("./main.js").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** Ends with the section, and has ended where it is not shown. */
  get signal() {
    return this.#controller?.signal ?? AbortSignal.abort();
  }

  /** @param {URLSearchParams} [_query] What stands behind its name in the address. */
  start(_query) {
    this.#controller = new AbortController();
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
   * Does this now and then again, for as long as the section is shown; not while nobody looks at the page.
   *
   * @param {number} interval
   * @param {(signal: AbortSignal) => Promise<void>} act
   */
  async every(interval, act) {
    const { signal } = this;
    while (!signal.aborted) {
      if (!document.hidden) await this.attempt(act);
      await pause(interval, signal);
    }
  }

  /**
   * What goes wrong is shown, until something goes right.
   *
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} act
   * @returns {Promise<T | undefined>}
   */
  async attempt(act) {
    try {
      const result = await act(this.signal);
      this.error = null;
      return result;
    } catch (/** @type {any} */ error) {
      if (error.name === "AbortError") return undefined;
      if (error.status === 401) this.page.signOut("The token is not good, or no more.");
      this.error = error.message;
      return undefined;
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
