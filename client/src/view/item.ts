/** What a notification looks like: text and a link, out of whatever its payload is. Never markup. */

import type { Notification } from "../types.js";

export interface Item {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly text: string;
  /** Where it leads: only http and https, since a payload is not ours. */
  readonly url: string | null;
  readonly at: string;
  readonly isRead: boolean;
  readonly isSeen: boolean;
}

export function itemOf(notification: Notification): Item {
  const payload = (notification.payload ?? {}) as Readonly<Partial<Record<"title" | "text" | "body" | "url", unknown>>>;
  return {
    id: notification.id,
    type: notification.type,
    title: text(payload.title) ?? readable(notification.type),
    text: text(payload.text) ?? text(payload.body) ?? "",
    url: link(payload.url),
    at: notification.created_at,
    isRead: notification.read_at !== undefined,
    isSeen: notification.seen_at !== undefined,
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** `order.shipped` as people write it. */
function readable(type: string): string {
  const words = type.replace(/[._]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function link(value: unknown): string | null {
  const given = text(value);
  if (given === null) return null;
  try {
    const url = new URL(given, globalThis.location?.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
