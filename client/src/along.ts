/** What goes along with a connection: a new token in time, the badge of an installed app, and what was shown is acknowledged. */

import type { Core } from "./core.js";
import { INBOX, offsetOf } from "./model/position.js";
import { pause } from "./pause.js";
import type { Wants } from "./tabs.js";
import type { Position } from "./wire.js";

/** What has been shown meanwhile is acknowledged together. */
const ACK_MS = 300;
/** How long before its end a token is renewed, at most. */
const RENEW_MS = 30_000;
/** A timer takes no more. */
const MOST_MS = 2e9;

export function goAlong({ emitter, settings, tokens, http, send, state, getSnapshot, subscribe }: Core) {
  let renewing: ReturnType<typeof setTimeout> | undefined;
  /** What the badge shows. */
  let shown: number | undefined;
  /** Up to where it was acknowledged. */
  let acked: Position | undefined;
  let isAcking = false;

  const renew = async () => {
    const token = await tokens("expired").catch(() => null);
    if (token) send({ type: "auth", token, ref: "auth" });
  };

  const badge = () => {
    const { leader, loaded, unseen, status } = getSnapshot();
    // Whoever is closed has nothing to show, and takes back what it has shown.
    const count = leader && loaded ? unseen : status === "closed" && shown ? 0 : shown;
    if (count === shown) return;
    shown = count;
    globalThis.navigator?.setAppBadge?.(count).catch(() => {});
  };

  if (settings.badge ?? true) {
    subscribe(badge);
    badge();
  }
  emitter.on("lost", () => {
    clearTimeout(renewing);
    // What was said last may not have arrived.
    acked = undefined;
  });
  // A new token in time is one reconnect less; if there is none, the server closes with 4001.
  emitter.on("frame", (frame) => {
    const { leader, transport } = getSnapshot();
    const isTold = frame.type === "welcome" || (frame.type === "ok" && frame.command === "auth");
    const left = isTold ? Date.parse(frame.expires_at ?? "") - Date.now() : 0;
    if (!leader || transport !== "ws" || !settings.getToken || !(left > 0)) return;
    clearTimeout(renewing);
    renewing = setTimeout(renew, Math.min(left - Math.min(left / 10, RENEW_MS), MOST_MS));
  });

  return {
    /** What a page in front has shown need not be pushed. */
    async acknowledge(wants: () => Wants): Promise<void> {
      if (isAcking) return;
      isAcking = true;
      await pause(ACK_MS);
      isAcking = false;
      const { cursors, status } = state();
      const up_to = cursors[INBOX];
      if (!getSnapshot().leader || !wants().isVisible || status !== "connected") return;
      // Where there is no document nothing is shown.
      if (!globalThis.document || !up_to || up_to === acked || !offsetOf(up_to)) return;
      acked = up_to;
      const body = { up_to, visible: true };
      if (send({ type: "ack", ...body })) return;
      await http("notifications/ack", { body }).catch(() => {
        acked = undefined;
      });
    },
  };
}
