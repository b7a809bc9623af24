/** A tab that shares its connection with nobody, as far as the client sees it: it leads from the start. */

import type { Tab, Tabs } from "./tabs.js";

export function leadAlone(tab: Tab): Tabs {
  let isStopped = false;
  // Not before whoever has called knows of it.
  queueMicrotask(() => isStopped || tab.lead());
  return {
    wants: tab.wants,
    relay() {},
    order: (...order) => tab.obey(order),
    update: tab.changed,
    stop() {
      isStopped = true;
      tab.resign();
    },
  };
}
