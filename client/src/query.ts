/**
 * `tidings/query`: what comes makes queries of TanStack Query stale, whatever framework it renders with, so that a page
 * fetches again what has changed, and nothing else.
 */

import type { Notification, Tidings } from "./types.js";

export type QueryKey = readonly unknown[];

/** Keys for queries of one's own that go stale by what tidings tells of. */
export const tidingsKeys = {
  /** By each notification and each mark. */
  inbox: ["tidings", "inbox"],
  /** By each notification of this type. */
  type: (type: string): QueryKey => ["tidings", "type", type],
  /** By each message to this room. */
  room: (room: string): QueryKey => ["tidings", "room", room],
} as const;

/** As much of a `QueryClient` as is needed. */
export interface Invalidates {
  invalidateQueries(filters?: { queryKey: QueryKey }): unknown;
}

export interface BindOptions {
  /** Which queries of the application a notification makes stale, besides those of `tidingsKeys`. */
  readonly keysOf?: (notification: Notification) => readonly QueryKey[];
}

/** What comes at once, as after a reconnect, has each query fetched once. */
const GATHER_MS = 50;

/** Until what it answers is called. Where something was lost, nobody knows what has changed: then every query is stale. */
export function bindQueryClient(
  client: Pick<Tidings, "on">,
  queryClient: Invalidates,
  { keysOf }: BindOptions = {},
): () => void {
  const over = new AbortController();
  const stale = new Map<string, QueryKey>();
  let isAll = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = () => {
    timer = undefined;
    const keys = [...stale.values()];
    stale.clear();
    if (isAll) queryClient.invalidateQueries();
    else for (const queryKey of keys) queryClient.invalidateQueries({ queryKey });
    isAll = false;
  };
  const soon = (...keys: readonly QueryKey[]) => {
    for (const key of keys) stale.set(JSON.stringify(key), key);
    timer ??= setTimeout(flush, GATHER_MS);
  };

  client.on(
    "notification",
    (item) => soon(tidingsKeys.inbox, tidingsKeys.type(item.type), ...(keysOf?.(item) ?? [])),
    over,
  );
  client.on("marked", () => soon(tidingsKeys.inbox), over);
  client.on("message", ({ room }) => soon(tidingsKeys.room(room)), over);
  client.on(
    "reset",
    ({ stream }) => {
      isAll ||= stream === "inbox";
      soon(tidingsKeys.room(stream));
    },
    over,
  );
  return () => {
    over.abort();
    clearTimeout(timer);
  };
}
