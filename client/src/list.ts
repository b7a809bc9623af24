/** Reads the list: the first page as often as it must be, and older ones. */

import type { Core } from "./core.js";
import { errorOf } from "./errors.js";
import { isOld } from "./model/inbox.js";
import { pause } from "./pause.js";
import type { Page, Position } from "./wire.js";

/** When it is read again that could not be. */
const RETRY_MS = 2000;
/** Between two readings, however fast things change; doubled with each. */
const RELIST_MS = 500;
/** After so many readings that were older than what is known here, the server is believed: it may be a restored one. */
const ROUNDS = 6;
/** As many notifications as the server gives at once. */
const LIMIT_MAX = 200;

export function newList({ http, settings, state, share, take }: Core) {
  let reading: Promise<void> | undefined;
  /** Whether something has changed since it was read. */
  let isStale = false;

  const ask = (limit: number, before?: Position) =>
    http<Page>("notifications", { query: { limit: Math.min(LIMIT_MAX, limit), before } });

  /** As many as are shown, however many requests that takes. What it is older than is heard: it is as old as its first. */
  const askAll = async (count: number) => {
    let whole = await ask(count);
    while (whole.next_before && whole.notifications.length < count) {
      const { notifications, next_before } = await ask(count - whole.notifications.length, whole.next_before);
      whole = { ...whole, notifications: [...whole.notifications, ...notifications], next_before };
    }
    return whole;
  };

  /** What is needed is asked for until it is there, or nobody is connected any more. */
  const read = async () => {
    for (let round = 1; ; round += 1) {
      isStale = false;
      let ms = Math.min(RELIST_MS * 2 ** (round - 1), settings.bounds.max);
      try {
        const page = await askAll(Math.max(settings.pageSize, state().items.length));
        // A page that was read before something that is known here would take it back.
        const isBehind = isOld(page, state());
        const isBelieved = isBehind && round >= ROUNDS;
        if (!isStale && (isBelieved || !isBehind)) return share({ type: "@page", page, isBelieved });
      } catch (thrown) {
        const { retryable, retryAfterMs = RETRY_MS } = errorOf(thrown);
        if (!retryable || ["closed", "idle"].includes(state().status)) throw thrown;
        ms = retryAfterMs;
      }
      await pause(ms);
    }
  };

  return {
    /** The first page, as long as what is shown: one request at a time, and once more where something has changed. */
    list(): Promise<void> {
      isStale = true;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    async fetchMore(): Promise<void> {
      const { before } = state();
      for (let round = 1; before; round += 1) {
        const page = await ask(settings.pageSize, before);
        // Where the list was read again meanwhile, this page would leave a hole.
        if (state().before !== before) return;
        if (!isOld(page, state()) || round >= ROUNDS) return take({ type: "@page", page, isOlder: true });
        await pause(RELIST_MS);
      }
    },
  };
}
