/** What the leading tab does besides: it is in the rooms that all want, acknowledges, and lets go while nobody looks. */

import { type Connection, newConnection } from "./connection/connection.js";
import type { Core } from "./core.js";
import type { Wants } from "./tabs.js";

/** How long a room is kept that nobody is in: who renders it twice joins it once. */
const PRUNE_MS = 1000;
/** What has been shown meanwhile is acknowledged together. */
const ACK_MS = 300;

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
  let acking: Timer;

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
      if (state().rooms[room]) continue;
      hear({ type: "@want", room });
      follow(room, true);
    }
    clearTimeout(pruning);
    pruning = setTimeout(prune, PRUNE_MS);
    clearTimeout(resting);
    // A timer takes no more, and neither does anybody wait so long.
    if (!isVisible) resting = setTimeout(stop, Math.min(settings.hiddenGrace, 2 ** 31 - 1), "idle");
    else {
      if (state().status === "idle") start();
      ack();
    }
  };

  const ack = () => {
    acking ??= setTimeout(() => {
      acking = undefined;
      if (wants().isVisible)
        core.load().then(
          ({ acknowledge }) => acknowledge(core),
          () => {},
        );
    }, ACK_MS);
  };

  changed();
  start();
  return {
    ...connection,
    ...{ changed, ack },
    drop() {
      for (const timer of [pruning, resting, acking]) clearTimeout(timer);
      drop();
    },
  };
}

type Timer = ReturnType<typeof setTimeout> | undefined;
