/**
 * What goes along with a connection: a new token in time, the badge of an installed app, rooms that could not be joined, and
 * what was shown is acknowledged.
 */

import type { Core } from "./core.js";
import type { Leader } from "./leader.js";
import { INBOX, offsetOf } from "./model/position.js";
import { isWaiting } from "./model/rooms.js";
import type { Input } from "./model/state.js";
import { pause } from "./pause.js";
import type { Wants } from "./tabs.js";
import type { Position } from "./wire.js";

/** What the leading tab gives for it. */
type Following = Pick<Leader, "follow"> & { wants(): Wants };

/** What has been shown meanwhile is acknowledged together. */
const ACK_MS = 300;
/** How long before its end a token is renewed, at most. */
const RENEW_MS = 30_000;
/** When a room is asked for again that could not be had. */
const REJOIN_MS = 1000;
/** A timer takes no more. */
const MOST_MS = 2e9;

export function goAlong({ emitter, settings, tokens, http, send, state, getSnapshot, subscribe }: Core) {
  let renewing: ReturnType<typeof setTimeout> | undefined;
  /** What the badge shows. */
  let shown: number | undefined;
  /** Up to where it was acknowledged. */
  let acked: Position | undefined;
  let isAcking = false;
  /** Counts connections that have ended: over the next one all rooms are asked for anyway. */
  let ended = 0;

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
    ended += 1;
    // What was said last may not have arrived.
    acked = undefined;
  });
  // A new token in time is one reconnect less; if there is none, the server closes with 4001.
  emitter.on("frame", (frame) => {
    const { leader, transport } = getSnapshot();
    // What a token allows is said with how long: by `welcome`, and when one was renewed.
    const left = "scopes" in frame ? Date.parse(frame.expires_at ?? "") - Date.now() : 0;
    if (!leader || transport !== "ws" || !settings.getToken || !(left > 0)) return;
    clearTimeout(renewing);
    renewing = setTimeout(renew, Math.min(left - Math.min(left / 10, RENEW_MS), MOST_MS));
  });

  return {
    /** What follows from what was heard: rooms are asked for again, and what a page in front has shown need not be pushed. */
    async heard({ wants, follow }: Following, input?: Input): Promise<void> {
      const mine = ended;
      if (input?.type === "error" && input.command === "join" && input.retryable) {
        const { room = "", retry_after_ms: ms = REJOIN_MS } = input;
        setTimeout(() => mine === ended && wants().rooms.includes(room) && follow(room, true), ms);
      }
      // The place of one that was left is the first's that was one too many.
      if (input?.type === "ok" && input.command === "leave")
        for (const [room, known] of Object.entries(state().rooms)) if (isWaiting(known)) return follow(room, true);
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
