/** Long poll and poll (PROTOCOL.md section 5): ask behind the cursor, and ask again. */

import { TidingsError } from "../errors.js";
import type { Frame, Resume } from "../wire.js";
import { type Open, ROOMS_MAX, type Wire } from "./transport.js";

const WAIT_SECONDS = 25;
/** Says that it is time to look whether a better way is open again. */
export const CLIMB = "climb";

interface Answer {
  events: Frame[];
  cursor: string;
  resume: Record<string, Resume>;
}

const openPoll =
  (wait: number): Open =>
  (wire: Wire) => {
    const abort = new AbortController();
    const rooms = wire.rooms.slice(0, ROOMS_MAX);
    const begun = Date.now();
    // The first answer is to come at once: it shows that this way is open.
    let isFirst = true;
    const ask = async () => {
      const seconds = isFirst ? 0 : wait;
      const since = wire.cursor(["inbox", ...rooms]);
      const { version, marks_version } = wire.counters();
      const known = version < 0 ? {} : { version, marks_version };
      const url = wire.http.url("poll", { since, rooms: rooms.join(), wait: seconds || undefined, ...known });
      const asked = Date.now();
      const { events, cursor, resume } = await wire.http.json<Answer>(url, { signal: abort.signal });
      if (abort.signal.aborted) return;
      for (const event of events) wire.hear(event);
      wire.hear({ type: "@polled", cursor, resume });
      // An instance that is about to stop answers at once, with nothing.
      if (!events.length && Date.now() - asked < seconds * 500)
        throw new TidingsError("draining", "answered before its time", { retryable: true });
      if (Date.now() - begun > wire.lifetimeMs) throw new TidingsError(CLIMB);
      isFirst = false;
      if (!wait) await pause(wire.pollIntervalMs * (0.9 + Math.random() / 5), abort.signal);
    };
    const run = async () => {
      while (!abort.signal.aborted) await ask();
    };
    run().catch((error) => !abort.signal.aborted && wire.lost(error));
    return { close: () => abort.abort() };
  };

/** Until the time is over, or nobody waits any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}

export const openLongPoll = openPoll(WAIT_SECONDS);
export const openShortPoll = openPoll(0);
