/** The inbox as hooks. */

import { useEffect, useMemo } from "react";
import type { Notification, Registry, Snapshot, Status, Tidings, Transport } from "../types.js";
import { useSnapshot, useStable, useTidings } from "./context.js";
import { useLatest } from "./latest.js";

/** How the connection stands. */
export function useStatus(): Pick<Snapshot, "status" | "transport" | "leader" | "error"> {
  const status: Status = useSnapshot((snapshot) => snapshot.status);
  const transport: Transport | null = useSnapshot((snapshot) => snapshot.transport);
  const leader = useSnapshot((snapshot) => snapshot.leader);
  const error = useSnapshot((snapshot) => snapshot.error);
  return useStable({ status, transport, leader, error });
}

/** How many are not yet read. */
export function useUnread(): number {
  return useSnapshot((snapshot) => snapshot.unread);
}

/** How many were not yet shown in an opened list: what a badge counts. */
export function useUnseen(): number {
  return useSnapshot((snapshot) => snapshot.unseen);
}

export interface NotificationFilter {
  /** A type, or the start of one that ends in `*`. */
  readonly type?: string;
  /** Only those that are not read. */
  readonly unread?: boolean;
}

export interface Notifications<P = unknown>
  extends Pick<Tidings, "fetchMore" | "refresh" | "markRead" | "markUnread" | "markSeen" | "archive" | "delete"> {
  /** The newest first. */
  readonly notifications: readonly Notification<P>[];
  readonly unread: number;
  readonly unseen: number;
  readonly hasMore: boolean;
  /** Until the first page of the list is there. */
  readonly isLoading: boolean;
}

/** The list, its numbers, and what can be done with it. */
export function useNotifications<P = unknown>({ type, unread }: NotificationFilter = {}): Notifications<P> {
  const client = useTidings();
  const items = useSnapshot((snapshot) => snapshot.items);
  const counts = {
    unread: useUnread(),
    unseen: useUnseen(),
    hasMore: useSnapshot((snapshot) => snapshot.hasMore),
    isLoading: useSnapshot((snapshot) => !snapshot.loaded),
  };
  const notifications = useMemo(() => {
    const isMeant = (item: Notification) => matches(type, item.type) && !(unread && item.read_at !== undefined);
    return (type === undefined && !unread ? items : items.filter(isMeant)) as readonly Notification<P>[];
  }, [items, type, unread]);
  // Functions of a client know it by themselves.
  const { fetchMore, refresh, markRead, markUnread, markSeen, archive, delete: remove } = client;
  const actions = { fetchMore, refresh, markRead, markUnread, markSeen, archive, delete: remove };
  return useStable({ notifications, ...counts, ...actions });
}

function matches(pattern: string | undefined, type: string): boolean {
  if (pattern === undefined) return true;
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** Calls for each new notification of a type, live or missed, once: for a toast or a sound. */
export function useNotification<R extends Registry, K extends keyof R & string>(
  type: K,
  listener: (notification: Notification<R[K], K>) => void,
): void {
  const client = useTidings<R>();
  const latest = useLatest(listener);
  useEffect(() => client.onType(type, (notification) => latest.current(notification)), [client, type, latest]);
}
