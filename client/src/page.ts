/** What the browser tells of the page: seen or hidden, stored away and taken out again, with a network or without. */

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
export const isVisible = (): boolean => globalThis.document?.visibilityState !== "hidden";

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
