/** Long poll and poll (PROTOCOL.md section 5): ask behind the cursor, and ask again. */

import { TidingsError } from "../errors.js";
import { pause } from "../pause.js";
import type { Frame } from "../wire.js";
import type { Other } from "./way.js";

/** `most` is how many seconds the server may wait for something to tell; without it, it is asked now and then. */
export const poll =
  (most: number): Other =>
  async ({ core, isOld, reopen, hear }, query, signal) => {
    const { http, settings, state } = core;
    const { pollInterval = 30_000 } = settings;
    // The first answer is to come at once: it shows that this way is open.
    for (let wait = 0; !signal.aborted; wait = most) {
      const { version, marks_version } = state().counters;
      const known = version < 0 ? {} : { version: `${version}`, marks_version: `${marks_version}` };
      const asked = Date.now();
      const { events, cursor } = await http<{ events: Frame[]; cursor: string }>("poll", {
        query: { ...query(), wait, ...known },
        signal,
      });
      for (const event of events) hear(event);
      hear({ type: "@polled", cursor, ping_interval_ms: (most || pollInterval / 500) * 1000 });
      // An instance that is about to stop answers at once, with nothing.
      if (!events[0] && Date.now() - asked < wait * 500) throw new TidingsError("draining", { retryable: true });
      if (isOld()) return reopen();
      if (!most) await pause(pollInterval * (0.9 + Math.random() / 5));
    }
  };
