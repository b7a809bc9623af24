/** Long poll and poll (PROTOCOL.md section 5): ask behind the cursor, and ask again. */

import { TidingsError } from "../errors.js";
import { pause } from "../pause.js";
import type { Frame } from "../wire.js";
import type { Open } from "./way.js";

const WAIT_SECONDS = 25;

const openPoll =
  (most: number): Open =>
  ({ core, rooms: wanted, cursor, isOld, reopen, hear, lost }) => {
    const { http, settings, state } = core;
    const { pollInterval = 30_000 } = settings;
    const rooms = wanted();
    const abort = new AbortController();
    const { signal } = abort;
    const run = async () => {
      // The first answer is to come at once: it shows that this way is open.
      for (let wait = 0; !signal.aborted; wait = most) {
        const { version, marks_version } = state().counters;
        const known = version < 0 ? {} : { version: `${version}`, marks_version: `${marks_version}` };
        const query = { rooms: rooms.join(), since: cursor(rooms), wait, ...known };
        const asked = Date.now();
        const { events, cursor: end } = await http<{ events: Frame[]; cursor: string }>("poll", { query, signal });
        for (const event of events) hear(event);
        hear({ type: "@polled", cursor: end, ping_interval_ms: (most || pollInterval / 500) * 1000 });
        // An instance that is about to stop answers at once, with nothing.
        if (!events[0] && Date.now() - asked < wait * 500) throw new TidingsError("draining", { retryable: true });
        if (isOld()) return reopen();
        if (!most) await pause(pollInterval * (0.9 + Math.random() / 5));
      }
    };
    run().catch(lost);
    return { close: () => abort.abort() };
  };

export const openLongPoll = openPoll(WAIT_SECONDS);
export const openShortPoll = openPoll(0);
