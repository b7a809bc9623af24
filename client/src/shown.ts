/** What the system shows of notifications outside of the page: those of the service worker, and the app's badge. */

import { isUpTo } from "./model/position.js";
import type { Marked } from "./wire.js";

/** As the service worker has stored it with what it shows. */
interface Shown {
  id?: string;
  position?: string;
}

/** Closes what was dealt with elsewhere; without a mark all of ours. */
export async function closeShown(mark?: Omit<Marked, "type" | "counters">): Promise<void> {
  if (mark && (mark.as === "seen" || mark.as === "unread")) return;
  const registration = await globalThis.navigator?.serviceWorker?.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? []) {
    const { id, position } = (shown.data ?? {}) as Shown;
    const { ids, up_to } = mark ?? {};
    const isMeant = ids ? ids.includes(id as string) : !up_to || (position && isUpTo(position, up_to));
    if (id && isMeant) shown.close();
  }
}

/** The badge of an installed app. */
export function setBadge(count: number): void {
  const { navigator } = globalThis;
  if (!navigator?.setAppBadge) return;
  (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
}
