/**
 * All that a page uses of the client beside the first connection: what a user does, the other tabs, the ways but the
 * WebSocket, and why there was none. One part, loaded while the token is asked for, so that it is there when the network is
 * not.
 */

import { newActions } from "./actions.js";
import { goAlong } from "./along.js";
import type { Core } from "./core.js";
import { newList } from "./list.js";
import { joinTabs } from "./tabs.js";
import { newOthers } from "./transports/others.js";

export type Beside = ReturnType<typeof newBeside>;

export const newBeside = (core: Core) => ({
  ...newActions(core),
  ...goAlong(core),
  ...newList(core),
  ...newOthers(core),
  joinTabs,
});
