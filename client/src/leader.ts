/** What the leading tab does besides: it is in the rooms that all want, acknowledges, and lets go while nobody looks. */

import { type Connection, type Host as ConnectionHost, newConnection } from "./connection/connection.js";
import { INBOX } from "./model/change.js";
import { cursorOf, offsetOf } from "./model/position.js";
import type { State } from "./model/state.js";
import { isPage } from "./page.js";
import type { Tabs } from "./tabs.js";

/** How long a room is kept that nobody is in: who renders it twice joins it once. */
const PRUNE_MS = 1000;
/** What has been shown meanwhile is acknowledged together. */
const ACK_MS = 300;

export interface Host extends Omit<ConnectionHost, "cursor" | "counters" | "rooms"> {
  readonly tabs: Tabs;
  readonly hiddenGrace: number;
  state(): State;
}

export interface Leader {
  readonly connection: Connection;
  start(): void;
  /** A tab is there, or gone, in front or not, in other rooms. */
  changed(): void;
  /** Something may have been shown. */
  ack(): void;
  end(): void;
}

export function newLeader(host: Host): Leader {
  const { http, tabs, hear, state, hiddenGrace } = host;
  const connection = newConnection({
    ...host,
    cursor: (streams) => cursorOf(state().cursors, streams),
    counters: () => state().counters,
    rooms: () => Object.keys(state().rooms).filter((room) => state().rooms[room]?.status !== "left"),
  });
  let pruning: ReturnType<typeof setTimeout> | undefined;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let acking: ReturnType<typeof setTimeout> | undefined;
  let isResting = false;
  let acked: string | undefined;

  const changed = () => {
    for (const room of tabs.rooms()) {
      if (state().rooms[room]) continue;
      hear({ type: "@want", room });
      connection.follow(room, true);
    }
    clearTimeout(pruning);
    pruning = setTimeout(prune, PRUNE_MS);
    if (!tabs.isVisible()) {
      if (Number.isFinite(hiddenGrace)) resting ??= setTimeout(rest, hiddenGrace);
      return;
    }
    clearTimeout(resting);
    resting = undefined;
    if (isResting) connection.act({ type: "start" });
    else connection.check();
    isResting = false;
    ack();
  };

  const prune = () => {
    const wanted = tabs.rooms();
    for (const [room, { status }] of Object.entries(state().rooms)) {
      if (wanted.has(room)) continue;
      hear({ type: "@drop", room });
      if (status !== "left") connection.follow(room, false);
    }
  };

  const rest = () => {
    isResting = true;
    connection.act({ type: "stop" });
  };

  /** What a page in front has shown need not be pushed. */
  const ack = () => {
    acking ??= setTimeout(() => {
      acking = undefined;
      const upTo = state().cursors[INBOX];
      const isShown = isPage() && state().status === "connected" && tabs.isVisible();
      if (!isShown || !upTo || upTo === acked || offsetOf(upTo) === 0) return;
      acked = upTo;
      const body = { up_to: upTo, visible: true };
      if (connection.send({ type: "ack", ...body })) return;
      http.send("notifications/ack", { body }).catch(() => {
        acked = undefined;
      });
    }, ACK_MS);
  };

  return {
    connection,
    start() {
      changed();
      connection.act({ type: "start" });
    },
    changed,
    ack,
    end() {
      for (const timer of [pruning, resting, acking]) clearTimeout(timer);
      connection.end();
    },
  };
}
