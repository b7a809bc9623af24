/** What is needed where no WebSocket can be had: the other ways, and why it was that none was to be had, which a browser does not say. */

import type { Core } from "../core.js";
import { errorOf, TidingsError } from "../errors.js";
import type { Transport } from "../types.js";
import type { Welcome } from "../wire.js";
import { openLongPoll, openShortPoll } from "./poll.js";
import { openEventStream } from "./sse.js";
import type { Open } from "./way.js";

const OTHERS = { sse: openEventStream, longpoll: openLongPoll, poll: openShortPoll };

/** Opens another way, and keeps it in mind with the time when it was chosen. */
export const openOther =
  ({ settings }: Core, transport: Exclude<Transport, "ws">, chosenAt: () => number): Open =>
  (wire) => {
    try {
      localStorage.setItem(settings.memory, `${transport} ${chosenAt()}`);
    } catch {
      // A page may be refused its storage, and works without.
    }
    // The newest come first, and do not push out those that we are in.
    const rooms = wire.rooms().slice(-ROOMS_MAX);
    for (const room of wire.rooms().slice(0, -ROOMS_MAX)) refuse(wire.hear, room, "room_limit");
    return OTHERS[transport]({ ...wire, rooms: () => rooms });
  };

const refuse = (hear: Core["hear"], room: string, code: string) =>
  hear({ type: "error", command: "join", room, code, message: code, retryable: false });

/** Most rooms that an event stream or a poll may name. */
const ROOMS_MAX = 10;

const blocked = () => new TidingsError("blocked", { retryable: true });

/** What was in the way; `blocked` where the server can be reached, and this way cannot. */
export async function explain(core: Core, reason: TidingsError, rooms: readonly string[]): Promise<TidingsError> {
  const { code, status = 1006, problem } = reason;
  if (code === "forbidden") {
    const refused = await refuseRooms(core, rooms).catch(errorOf);
    if (refused) return refused === true ? new TidingsError(code, { retryAfterMs: 0 }) : refused;
  }
  // Something between us and the server has answered in its place, or the server does not serve this way.
  if ([404, 405, 406].includes(status) || (status < 500 && !problem?.code && status !== 401 && status !== 429))
    return blocked();
  if (status !== 1006 || code === "unauthenticated") return reason;
  return core.http("me", { isOnce: true }).then(blocked, errorOf);
}

/** One room that the token does not allow must not keep us from the others: finds out which. */
async function refuseRooms({ http, hear }: Core, rooms: readonly string[]): Promise<boolean> {
  const { scopes } = await http<Pick<Welcome, "scopes">>("me");
  const isAllowed = (name: string) =>
    scopes.some((scope) => name === scope || (scope.endsWith("*") && name.startsWith(scope.slice(0, -1))));
  const refused = rooms.filter((room) => !isAllowed(`join:${room}`));
  for (const room of refused) refuse(hear, room, "forbidden");
  return refused.length > 0;
}
