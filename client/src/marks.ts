/**
 * Marks: shown at once, said to the server one after the other, taken back where it refuses. They are idempotent, so
 * what is not known to have arrived is said again; and they alone wait while there is no network, up to a bound. What
 * waits is what is pending in the state; `actions.ts` says it.
 *
 * Marks of the same do not commute, and one that was given up may be late rather than lost: where a proxy holds a `read`
 * back until it was said again and an `unread` behind it, the late one has the last word. So what is on its way is said
 * anew only where the network has changed or a connection was lost, and was not answered.
 */

import type { Core } from "./core.js";
import { TidingsError } from "./errors.js";
import type { Made } from "./model/inbox.js";
import { INBOX, isUpTo } from "./model/position.js";
import type { State } from "./model/state.js";
import type { Target } from "./types.js";
import type { Counters, Which } from "./wire.js";

const WAITING_MAX = 64;
/** As many as the server marks at once. */
const IDS_MAX = 500;
/** When it is tried again to load what says them. */
const RETRY_MS = 2000;

export type Settle = (id: number, counters?: Counters, error?: TidingsError) => void;

export interface Marks {
  mark(as: Made["as"], target: Target): Promise<void>;
  /** Says what waits; and where the network is not the same (`isAnew`) what is on its way, too: it may never be answered. */
  flush(isAnew?: boolean): Promise<void>;
  /** There will be no connection any more. */
  fail(error: TidingsError): void;
}

/** What a mark is about. `all` is what is there now: what comes later was not meant. */
export function whichOf(target: Target, { cursors, top }: Pick<State, "cursors" | "top">): Which {
  if (typeof target === "object") return "upTo" in target ? { up_to: target.upTo } : { ids: target };
  if (target !== "all") return { ids: [target] };
  const seen = cursors[INBOX];
  return seen ? { up_to: isUpTo(seen, top) ? top : seen } : { all: true };
}

let ids = 0;

export function newMarks(core: Core): Marks {
  const { settings, state, take, act } = core;
  const waiting = new Map<number, [done: () => void, fail: (error: TidingsError) => void][]>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const settle: Settle = (id, counters, error) => {
    take({ type: "@settled", id, counters, isRefused: !!error });
    for (const [done, fail] of waiting.get(id) ?? []) error ? fail(error) : done();
    waiting.delete(id);
  };

  const flush = async (isAnew?: boolean) => {
    const ms = await act("sayMarks", settle, isAnew).catch(() => RETRY_MS);
    clearTimeout(timer);
    if (state().pending[0]) timer = setTimeout(flush, ms);
  };

  return {
    flush,
    mark: (as, target) =>
      new Promise((done, fail) => {
        const which = whichOf(target, state());
        // The first may be on its way. What waits behind it for the same has the new ones go along.
        const last = state().pending.slice(1).at(-1);
        const both = last?.as === as && as !== "deleted" && last.which.ids && which.ids?.concat(last.which.ids);
        const isAlike = both && both.length <= IDS_MAX;
        if (!isAlike && waiting.size >= (settings.queue?.max ?? WAITING_MAX))
          return fail(new TidingsError("queue_full"));
        const id = isAlike ? last.id : ++ids;
        waiting.set(id, [...(waiting.get(id) ?? []), [done, fail]]);
        take({ type: "@pending", pending: { id, as, which: isAlike ? { ids: both } : which } });
        flush();
      }),
    fail(error) {
      for (const { id } of state().pending) settle(id, undefined, error);
    },
  };
}
