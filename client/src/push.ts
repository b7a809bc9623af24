/** Web Push in a page: the state, and the way to the part that does the rest, which is loaded where it is used. */

import type { Core } from "./core.js";
import type { Marks } from "./marks.js";
import type { PagePush } from "./push/page.js";
import type { Push, PushSnapshot, PushState } from "./types.js";

export function pushState(): PushState {
  const { isSecureContext, navigator, Notification, PushManager } = globalThis;
  if (isSecureContext === false) return "insecure";
  if (!navigator?.serviceWorker || !PushManager)
    // An iPhone has no push before the page is on its home screen.
    return (navigator as { standalone?: boolean })?.standalone === false ? "needs-install" : "unsupported";
  return Notification.permission === "default" ? "prompt" : Notification.permission;
}

export interface ClientPush extends Push {
  snapshot: PushSnapshot;
  /** Where there is a permission: finds out how it stands. */
  begin(): void;
  /** The page is another client's from here on. */
  end(): void;
}

export function newPush(core: Core, marks: Marks, changed: () => void): ClientPush {
  let page: Promise<PagePush> | undefined;
  const look = (enabled = false) => ({ state: pushState(), enabled });
  const load = () => {
    page ??= import("./push/page.js").then(({ newPagePush }) =>
      newPagePush(core, marks, (enabled) => {
        push.snapshot = look(enabled);
        changed();
      }),
    );
    return page;
  };
  const push: ClientPush = {
    snapshot: look(),
    begin() {
      if (pushState() === "granted")
        load()
          .then((part) => part.look())
          .catch(() => {});
    },
    end: () => void page?.then((part) => part.end()).catch(() => {}),
    async enable() {
      // First of all, while it is still the gesture that asks.
      if (pushState() === "prompt") await Notification.requestPermission();
      return (await load()).enable(pushState());
    },
    disable: async () => (await load()).disable(),
  };
  return push;
}
