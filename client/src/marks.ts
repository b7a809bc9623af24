/**
 * Marks: shown at once, said to the server one after the other, taken back where it refuses. They are idempotent, so
 * what is not known to have arrived is said again; and they alone wait while there is no network, up to a bound.
 */

import { errorOf, TidingsError } from "./errors.js";
import type { Http } from "./http.js";
import { INBOX } from "./model/change.js";
import type { Pending } from "./model/inbox.js";
import { isUpTo } from "./model/position.js";
import type { OwnInput, State } from "./model/state.js";
import type { Target } from "./types.js";
import type { Counters, Which } from "./wire.js";

/** Most ids that one mark may name. */
const IDS_MAX = 500;
const RETRY_MS = 2000;

interface Waiting {
  id: number;
  done(): void;
  fail(error: TidingsError): void;
}

/** One request: marks of the same kind that wait behind each other travel together. */
interface Batch {
  as: Pending["as"];
  which: Which;
  marks: Waiting[];
  isSent: boolean;
}

export interface Marks {
  mark(as: Pending["as"], which: Which): Promise<void>;
  /** The network is back. */
  flush(): void;
  /** There will be no connection any more. */
  fail(error: TidingsError): void;
}

let ids = 0;

/** Two marks of the same kind as one, where they can be. */
function together(one: Which, other: Which): Which | undefined {
  if (one.ids && other.ids) {
    const ids = [...new Set([...one.ids, ...other.ids])];
    return ids.length <= IDS_MAX ? { ids } : undefined;
  }
  return one.up_to && other.up_to && isUpTo(one.up_to, other.up_to) ? other : undefined;
}

export function newMarks(http: Http, most: number, hear: (input: OwnInput) => void): Marks {
  let batches: Batch[] = [];
  let isBusy = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const say = async ({ as, which }: Batch): Promise<Counters | undefined> => {
    if (as !== "deleted") return http.json("notifications/mark", { body: { as, ...which } });
    await http.send(`notifications/${which.ids?.[0]}`, { method: "DELETE" }).catch((error: TidingsError) => {
      // What is not there any more is as good as deleted.
      if (error.status !== 404) throw error;
    });
    return undefined;
  };

  const flush = async () => {
    clearTimeout(timer);
    if (isBusy) return;
    isBusy = true;
    for (let batch = batches[0]; batch; batch = batches[0]) {
      batch.isSent = true;
      try {
        const counters = await say(batch);
        batches = batches.filter((one) => one !== batch);
        for (const { id, done } of batch.marks) {
          hear({ type: "@settled", id, ...(counters && { counters }) });
          done();
        }
      } catch (thrown) {
        const error = errorOf(thrown);
        if (error.retryable && batches.includes(batch)) {
          batch.isSent = false;
          timer = setTimeout(flush, error.retryAfterMs ?? RETRY_MS * (1 + Math.random()));
          break;
        }
        refuse(batch, error);
      }
    }
    isBusy = false;
  };

  const refuse = (batch: Batch, error: TidingsError) => {
    batches = batches.filter((one) => one !== batch);
    for (const { id, fail } of batch.marks) {
      hear({ type: "@settled", id, isRefused: true });
      fail(error);
    }
  };

  return {
    mark: (as, which) =>
      new Promise((done, fail) => {
        const waiting = batches.reduce((sum, { marks }) => sum + marks.length, 0);
        if (waiting >= most) return fail(new TidingsError("queue_full", `${most} marks are waiting already`));
        ids += 1;
        const mark = { id: ids, done, fail };
        hear({ type: "@pending", pending: { id: mark.id, as, which, at: new Date().toISOString() } });
        const last = batches.at(-1);
        const both = last && !last.isSent && last.as === as && as !== "deleted" && together(last.which, which);
        if (both) {
          last.which = both;
          last.marks.push(mark);
        } else batches.push({ as, which, marks: [mark], isSent: false });
        // What is marked in the same turn travels together.
        queueMicrotask(flush);
      }),
    flush,
    fail: (error) => {
      clearTimeout(timer);
      for (const batch of batches) refuse(batch, error);
    },
  };
}

/** What a mark is about, in pieces that the server takes. `all` is what is there now: what comes later was not meant. */
export function whichOf(target: Target, { cursors, items }: Pick<State, "cursors" | "items">): Which[] {
  if (typeof target === "object" && "upTo" in target) return [{ up_to: target.upTo }];
  if (target !== "all") {
    const ids = typeof target === "string" ? [target] : target;
    const pieces = Math.ceil(ids.length / IDS_MAX);
    return Array.from({ length: pieces }, (_, at) => ({ ids: ids.slice(at * IDS_MAX, (at + 1) * IDS_MAX) }));
  }
  const seen = cursors[INBOX];
  const listed = items[0]?.position;
  const top = seen && listed && isUpTo(seen, listed) ? listed : seen;
  return [top ? { up_to: top } : { all: true }];
}
