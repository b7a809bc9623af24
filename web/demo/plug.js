/**
 * The wire between a client and the server, with a plug. Pulled, what is open is cut, and what is new fails as it does
 * without a network.
 */
export class Plug {
  isPulled = false;
  /** Ends what is open. @type {Set<() => void>} */
  #cuts = new Set();

  constructor() {
    const plug = this;
    /** What the client takes for the browser's own. */
    this.WebSocket = class extends WebSocket {
      /** @param {string | URL} url @param {string | string[]} [protocols] */
      constructor(url, protocols) {
        super(url, protocols);
        const cut = () => this.close();
        plug.#cuts.add(cut);
        this.addEventListener("close", () => plug.#cuts.delete(cut));
        if (plug.isPulled) cut();
      }
    };
  }

  /** @type {typeof fetch} */
  fetch = async (input, init = {}) => {
    if (this.isPulled) throw new TypeError("the plug is pulled");
    const controller = new AbortController();
    const cut = () => controller.abort(new TypeError("the plug was pulled"));
    this.#cuts.add(cut);
    const signal = init.signal ? AbortSignal.any([init.signal, controller.signal]) : controller.signal;
    try {
      const response = await fetch(input, { ...init, signal });
      // A stream is open for as long as it is read; a page forgets it when it has ended.
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) this.#cuts.delete(cut);
      return response;
    } catch (error) {
      this.#cuts.delete(cut);
      throw error;
    }
  };

  pull() {
    this.isPulled = true;
    for (const cut of [...this.#cuts]) cut();
    this.#cuts.clear();
  }

  plugIn() {
    this.isPulled = false;
  }
}
