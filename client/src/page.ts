/** What the browser tells of the page: seen or hidden, stored away and taken out again, with a network or without. */

import type { Status } from "./types.js";

export interface PageEvents {
  /** It has come to the front, or left it. */
  visible(): void;
  /** It may be kept for the way back, for which a connection must not be open. */
  hide(): void;
  show(): void;
  /** There is a network, or none, or another one. */
  network(): void;
}

/** Outside of a browser nobody looks away. */
export const isVisible = (): boolean => !globalThis.document?.hidden;

/** A browser knows for sure only where there is no network. */
export const isOnline = (): boolean => globalThis.navigator?.onLine !== false;

/** How it stands where nobody is connected. */
export const away = (status: Status): Status => (isOnline() ? status : "offline");

export function watchPage({ visible, hide, show, network }: PageEvents): () => void {
  const { document, window } = globalThis;
  const stopped = new AbortController();
  document?.addEventListener("visibilitychange", visible, stopped);
  window?.addEventListener("online", network, stopped);
  window?.addEventListener("offline", network, stopped);
  window?.addEventListener("pagehide", hide, stopped);
  window?.addEventListener("pageshow", show, stopped);
  return () => stopped.abort();
}
