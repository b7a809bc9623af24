/**
 * The connection of a leading tab: opens a way, watches it, and comes back as `next.ts` decides. It hands on what it
 * hears.
 */

import type { Core } from "../core.js";
import { errorOf, faultOf, TidingsError } from "../errors.js";
import { cursorOf, INBOX, own } from "../model/position.js";
import { away, isOnline } from "../page.js";
import type { Why } from "../tokens.js";
import type { Carrier, Wire } from "../transports/way.js";
import { openWebSocket } from "../transports/websocket.js";
import type { Fault, Transport } from "../types.js";
import type { Goodbye } from "../wire.js";
import { next } from "./next.js";

/** How long a welcome may take; and how much later than expected something may come, until it means that nobody is there. */
const PATIENCE_MS = 10_000;
/** How long a lower rung of the ladder is kept before the upper ones are tried again. */
const REMEMBER_MS = 3_600_000;
/** How long rooms that change wait for others. */
const SWAP_MS = 50;
/** How soon a server must answer that is asked whether it is still there. */
const PROBE_MS = 3000;

export interface Connection {
  /** Connects, unless it is or will be. */
  start(): void;
  /** Lets go; `closed` is for good. */
  stop(to: "idle" | "closed", error?: Fault): void;
  /** Drops the connection and comes back, on this transport if one is given. */
  reconnect(transport?: Transport): void;
  /** Joins or leaves, however this is done on the way in use. */
  follow(room: string, isWanted: boolean): void;
  /** Sends a command, and says whether there is a way for commands. */
  send(command: object): boolean;
  /** Somebody looks, or the network has changed: what should have come, or waits, is not waited for any longer. */
  hurry(isNetwork?: boolean): void;
  /** Ends without a word: another tab goes on. */
  drop(): void;
}

export function newConnection(core: Core): Connection {
  const { settings, hear, state, tokens, http, act } = core;
  const { bounds } = settings;
  /** Those to try; one alone where the application has chosen it. */
  let ladder = settings.transports;
  /** `away` is before, between and after attempts that have had no welcome. */
  let phase: "idle" | "closed" | "connected" | "away" = "idle";
  let error: Fault | null = null;
  let rung = 0;
  let chosenAt = 0;
  /** Of the last connection; 0 where this would be the first. */
  let openedAt = 0;
  let failures = 0;
  /** Whether the server has said how long to wait: nobody hurries it then. */
  let isTold = false;
  /** Counts attempts: what belongs to an older one does nothing any more. */
  let attempt = 0;
  let carrier: Carrier | undefined;
  /** Sends a command, once there is a welcome. */
  let speak: Carrier["send"];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let swapping: ReturnType<typeof setTimeout> | undefined;
  /** Gives up where nothing has been heard in time, and looks again when that is over: so many ms from now at most. */
  let check = (_ms?: number | false) => {};

  try {
    const [transport, at] = (localStorage.getItem(settings.memory) as string).split(" ");
    rung = Math.max(0, ladder.indexOf(transport as Transport));
    chosenAt = Number(at) || 0;
  } catch {
    // Nothing is known, or the page may not have it.
  }

  const rooms = () => Object.keys(state().rooms).filter((room) => state().rooms[room]?.status !== "left");

  const enter = (to = phase, why = error) => {
    phase = to;
    error = why;
    const status = to === "away" ? away(openedAt ? "reconnecting" : "connecting") : to;
    hear({ type: "@link", status, transport: ladder[rung] as Transport, error });
  };

  const drop = () => {
    attempt += 1;
    clearTimeout(timer);
    clearTimeout(swapping);
    carrier?.close();
    if (carrier) core.emitter.emit("lost", null);
    carrier = speak = undefined;
  };

  const reopen = (why?: Why) => {
    enter("away");
    open(why);
  };

  const open = async (why: Why = "connect") => {
    drop();
    const mine = attempt;
    const isOld = () => rung > 0 && Date.now() - chosenAt > REMEMBER_MS;
    if (isOld()) rung = 0;
    const transport = ladder[rung] as Transport;
    let isWelcome = false;
    let heardAt = Date.now();
    let silenceMs = PATIENCE_MS;
    let goodbye: Partial<Goodbye> = {};
    isTold = false;
    const lost = async (thrown: unknown) => {
      if (mine !== attempt) return;
      drop();
      let reason = errorOf(thrown);
      if (!isWelcome)
        reason = await act("explain", reason, rooms()).catch(
          // It cannot be loaded, and a browser may never try again. Without it there is the WebSocket, and the question
          // whether we may come in.
          () => {
            rung = 0;
            return http("me", { isOnce: true }).then(() => reason, errorOf);
          },
        );
      // Nothing else has begun meanwhile.
      if (mine + 1 === attempt) fall(reason, !isWelcome && why === "expired");
    };
    const ended: Wire["ended"] = ({ code, reason }) => {
      const { code: status = code, retry_after_ms: retryAfterMs } = goodbye;
      lost(new TidingsError(goodbye.reason || reason || "network", { status, retryable: true, retryAfterMs }));
    };
    check = (ms) => {
      clearTimeout(timer);
      heardAt = Math.min(heardAt, Date.now() + (ms || silenceMs) - silenceMs);
      const left = heardAt + silenceMs - Date.now();
      if (left > 0) timer = setTimeout(check, left);
      else lost(new TidingsError("timeout", { retryable: true }));
    };
    try {
      const token = await tokens(why);
      const openWay = transport === "ws" ? openWebSocket : await act("openOther", transport, () => chosenAt);
      if (mine !== attempt) return;
      // Whoever signs in first may take longer.
      heardAt = Date.now();
      check();
      carrier = openWay({
        ...{ core, token, isOld, reopen, ended, lost, rooms },
        cursor: (streams) => cursorOf(state().cursors, [INBOX, ...streams]),
        hear(input) {
          if (mine !== attempt) return;
          heardAt = Date.now();
          const { type } = input;
          if (type === "goodbye") goodbye = input;
          hear(input);
          if (type === "welcome" || type === "@polled") {
            silenceMs = PATIENCE_MS + input.ping_interval_ms;
            isWelcome = true;
            opened();
          } else if (type === "error" && input.retryable && input.command === "join") {
            const { room = "", retry_after_ms: ms = 1000 } = input;
            setTimeout(() => mine === attempt && rooms().includes(room) && follow(room, true), ms);
          }
        },
        alive() {
          heardAt = Date.now();
        },
      });
    } catch (thrown) {
      lost(thrown);
    }
  };

  const opened = () => {
    if (phase !== "connected") {
      openedAt = Date.now();
      enter("connected", null);
    }
    speak = carrier?.send;
    if (speak) for (const room of rooms()) follow(room, true);
  };

  /** Comes back, or does not. */
  const fall = (reason: TidingsError, isTokenNew: boolean) => {
    if (phase === "connected" && Date.now() - openedAt >= bounds.minUptime) failures = 0;
    // A server that is away is away on every rung: only where it answers otherwise is the next one tried.
    if (reason.code === "blocked") {
      rung = (rung + 1) % ladder.length;
      chosenAt = Date.now();
    }
    const then = next({ error: reason, failures, isTokenNew }, bounds, Math.random());
    if (!then) return stop("closed", faultOf(reason));
    enter("away", faultOf(reason));
    failures += 1;
    isTold = !!reason.retryAfterMs;
    timer = setTimeout(reopen, then.ms, then.isExpired ? "expired" : "connect");
  };

  const send = (command: object) => {
    speak?.(command);
    return !!speak;
  };

  const follow = (room: string, isWanted: boolean) => {
    // Only a command with a reference is answered.
    if (send({ type: isWanted ? "join" : "leave", room, since: own(state().cursors, room), ref: "join" })) return;
    // Where rooms are named when it is opened it is opened anew, once for all that change together.
    clearTimeout(swapping);
    if (phase === "connected" && !carrier?.send) swapping = setTimeout(open, SWAP_MS);
  };

  const stop = (to: "idle" | "closed", why: Fault | null = null) => {
    drop();
    openedAt = 0;
    enter(to, why);
  };

  return {
    ...{ follow, send, drop, stop },
    start() {
      if (phase !== "idle") return;
      failures = 0;
      reopen();
    },
    reconnect(transport) {
      if (transport) [ladder, rung] = [[transport], 0];
      failures = 0;
      reopen();
    },
    hurry(isNetwork) {
      if (isNetwork) enter();
      if (phase === "connected") {
        // Another network may have cut it without a word. A way that cannot ask is opened anew, unless it says something.
        if (isNetwork) send({ type: "ping" });
        check(isNetwork && PROBE_MS);
      } else if (phase === "away" && !isTold && isOnline()) {
        drop();
        // Whoever else is on this network comes at another moment.
        timer = setTimeout(reopen, Math.random() * bounds.min);
      }
    },
  };
}
