/** What the browser tells of the page: seen or hidden, stored away and taken out again, a network, a click outside. */

export interface PageEvents {
  /** It has come to the front, or left it. */
  visible(): void;
  /** It may be kept for the way back, for which a connection must not be open. */
  hide(): void;
  show(): void;
  /** There is a network, or none, or another one. */
  network(): void;
  /** Somebody has clicked a system notification. */
  clicked(notification: { id: string; url: string }): void;
}

/** What the service worker appends to the URL that it opens, and says to a page that is open. */
export const CLICKED = "tidings";

/** Outside of a browser nobody looks away. */
export const isVisible = (): boolean => globalThis.document?.visibilityState !== "hidden";

/** Whether there is a page that somebody can look at. */
export const isPage = (): boolean => !!globalThis.document;

export function watchPage(events: PageEvents): () => void {
  const { document, navigator } = globalThis;
  const stopped = new AbortController();
  const { signal } = stopped;
  const on = (target: EventTarget | undefined, type: string, hear: (event: never) => void) =>
    target?.addEventListener?.(type, hear as EventListener, { signal });
  on(document, "visibilitychange", events.visible);
  on(globalThis, "online", events.network);
  on(globalThis, "offline", events.network);
  on(globalThis, "pagehide", events.hide);
  on(globalThis, "pageshow", (event: PageTransitionEvent) => event.persisted && events.show());
  on(navigator?.serviceWorker, "message", ({ data }: MessageEvent) => data?.[CLICKED] && events.clicked(data[CLICKED]));
  return () => stopped.abort();
}

/** The notification whose click has opened this page, once: its name is taken out of the URL. */
export function takeClicked(): string | null {
  const { location, history } = globalThis;
  if (!location?.search?.includes(CLICKED)) return null;
  const url = new URL(location.href);
  const id = url.searchParams.get(CLICKED);
  url.searchParams.delete(CLICKED);
  history.replaceState(history.state, "", url);
  return id;
}
