/** What the leading tab does besides: it is in the rooms that all want, acknowledges, and lets go while nobody looks. */

import { type Connection, newConnection } from "./connection/connection.js";
import type { Core } from "./core.js";
import { own } from "./model/position.js";
import type { Wants } from "./tabs.js";

/** How long a room is kept that nobody is in: who renders it twice joins it once. */
const PRUNE_MS = 1000;
/** A timer takes no more, and neither does anybody wait so long. */
const MOST_MS = 2e9;

export interface Leader extends Connection {
  /** A tab is there, or gone, in front or not, in other rooms. */
  changed(): void;
  /** Something may have been shown. */
  ack(): void;
}

export function newLeader(core: Core, wants: () => Wants): Leader {
  const { hear, state, settings } = core;
  const connection = newConnection(core);
  const { follow, start, stop, drop } = connection;
  let pruning: Timer;
  let resting: Timer;

  const prune = () => {
    for (const room of Object.keys(state().rooms)) {
      if (wants().rooms.includes(room)) continue;
      hear({ type: "@drop", room });
      follow(room, false);
    }
  };

  const changed = () => {
    const { rooms, isVisible } = wants();
    for (const room of rooms) {
      if (own(state().rooms, room)) continue;
      hear({ type: "@want", room });
      follow(room, true);
    }
    clearTimeout(pruning);
    pruning = setTimeout(prune, PRUNE_MS);
    clearTimeout(resting);
    if (!isVisible) resting = setTimeout(stop, Math.min(settings.hiddenGrace, MOST_MS), "idle");
    else {
      if (state().status === "idle") start();
      ack();
    }
  };

  const ack = () => core.act("acknowledge", wants).catch(() => {});

  changed();
  start();
  return {
    ...connection,
    ...{ changed, ack },
    drop() {
      clearTimeout(pruning);
      clearTimeout(resting);
      drop();
    },
  };
}

type Timer = ReturnType<typeof setTimeout> | undefined;
