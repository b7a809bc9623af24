/** Reads the list: one request at a time, and once more where something has changed meanwhile. */

import { errorOf } from "./errors.js";
import type { Http } from "./http.js";
import type { Input, State } from "./model/state.js";
import type { Page } from "./wire.js";

/** As much as the server gives at once. */
const LIMIT_MAX = 200;
/** Between two readings, however fast things change. */
const PAUSE_MS = 500;
const RETRY_MS = 2000;

export interface Lister {
  /** The first page, as long as what is shown. */
  list(): Promise<void>;
  more(): Promise<void>;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export function newLister(http: Http, pageSize: number, state: () => State, hear: (input: Input) => void): Lister {
  let listing: Promise<void> | undefined;
  let isWanted = false;

  const list = async () => {
    while (isWanted) {
      isWanted = false;
      const limit = Math.min(LIMIT_MAX, Math.max(pageSize, state().items.length));
      hear({ type: "@page", page: await http.json<Page>(http.url("notifications", { limit })) });
      if (isWanted) await pause(PAUSE_MS);
    }
  };

  /** What is needed is asked for until it is there, or nobody is connected any more. */
  const persist = async () => {
    for (;;) {
      try {
        return await list();
      } catch (thrown) {
        const error = errorOf(thrown);
        if (!error.retryable || state().status === "closed" || state().status === "idle") throw error;
        await pause(error.retryAfterMs ?? RETRY_MS * (1 + Math.random()));
        isWanted = true;
      }
    }
  };

  const lister: Lister = {
    list() {
      isWanted = true;
      listing ??= persist().finally(() => {
        listing = undefined;
        // Somebody may have asked between the last look and now.
        if (isWanted) lister.list().catch(() => {});
      });
      return listing;
    },
    async more() {
      const { before } = state();
      if (!before) return;
      const page = await http.json<Page>(http.url("notifications", { limit: pageSize, before }));
      // Where the list was read again meanwhile, this page would leave a hole.
      if (state().before === before) hear({ type: "@page", page, isOlder: true });
    },
  };
  return lister;
}
