/** What is needed where no WebSocket can be had: the other ways, and why it was that none was to be had, which a browser does not say. */

import type { Core } from "../core.js";
import { errorOf, TidingsError } from "../errors.js";
import type { Transport } from "../types.js";
import type { Welcome } from "../wire.js";
import { poll } from "./poll.js";
import { readEvents } from "./sse.js";
import type { Open, Other } from "./way.js";

const OTHERS: Record<Exclude<Transport, "ws">, Other> = { sse: readEvents, longpoll: poll(25), poll: poll(0) };

/** Most rooms that an event stream or a poll may name. */
const ROOMS_MAX = 10;

const blocked = () => new TidingsError("blocked", { retryable: true });

export function newOthers({ http, hear, settings }: Core) {
  const refuse = (rooms: readonly string[], code: string) => {
    for (const room of rooms) hear({ type: "error", command: "join", room, code, message: code, retryable: false });
    return rooms.length > 0;
  };

  /** One room that the token does not allow must not keep us from the others: finds out which. */
  const refuseRooms = async (rooms: readonly string[]) => {
    const { scopes } = await http<Pick<Welcome, "scopes">>("me");
    const isAllowed = (name: string) =>
      scopes.some((scope) => name === scope || (scope.endsWith("*") && name.startsWith(scope.slice(0, -1))));
    return refuse(
      rooms.filter((room) => !isAllowed(`join:${room}`)),
      "forbidden",
    );
  };

  return {
    /** Opens another way, and keeps it in mind with the time when it was chosen. */
    openOther:
      (transport: Exclude<Transport, "ws">, chosenAt: () => number): Open =>
      (wire) => {
        try {
          localStorage.setItem(settings.memory, `${transport} ${chosenAt()}`);
        } catch {
          // A page may be refused its storage, and works without.
        }
        // The newest come first, where they are not named by numbers, and do not push out those that we are in.
        const rooms = wire.rooms().slice(-ROOMS_MAX);
        refuse(wire.rooms().slice(0, -ROOMS_MAX), "room_limit");
        const over = new AbortController();
        const query = () => ({ rooms: rooms.join(), since: wire.cursor(rooms) });
        OTHERS[transport](wire, query, over.signal).then(() => wire.ended({}), wire.lost);
        return { close: () => over.abort() };
      },

    /** What was in the way; `blocked` where the server can be reached, and this way cannot. */
    async explain(reason: TidingsError, rooms: readonly string[]): Promise<TidingsError> {
      const { code, status = 1006, problem } = reason;
      if (code === "forbidden") {
        const refused = await refuseRooms(rooms).catch(errorOf);
        if (refused) return refused === true ? new TidingsError(code, { retryAfterMs: 0 }) : refused;
      }
      // Something between us and the server has answered in its place, or the server does not serve this way.
      if ([404, 405, 406].includes(status) || (status < 500 && !problem?.code && status !== 401 && status !== 429))
        return blocked();
      if (status !== 1006 || code === "unauthenticated") return reason;
      return http("me", { isOnce: true }).then(blocked, errorOf);
    },
  };
}
