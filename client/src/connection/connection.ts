/**
 * The connection of a leading tab: does what `link.ts` decides, with real transports, timers and tokens. It hands on
 * what it hears, and finds out why a connection could not be had.
 */

import { errorOf, faultOf, TidingsError } from "../errors.js";
import type { Memory } from "../memory.js";
import type { Input } from "../model/state.js";
import type { Tokens } from "../tokens.js";
import { CLIMB, openLongPoll, openShortPoll } from "../transports/poll.js";
import { openEventStream } from "../transports/sse.js";
import type { Carrier, Open, Wire } from "../transports/transport.js";
import { openWebSocket } from "../transports/websocket.js";
import type { Transport } from "../types.js";
import type { Ok, Refusal, Welcome } from "../wire.js";
import { IDLE, type Link, type LinkInput, type Loss, type Policy, statusOf, stepLink } from "./link.js";

const TRANSPORTS: Record<Transport, Open> = {
  ws: openWebSocket,
  sse: openEventStream,
  longpoll: openLongPoll,
  poll: openShortPoll,
};

/** How long a welcome may take, and an answer to the question why there was none. */
const OPEN_MS = 10_000;
/** How much later than expected something may come, until silence means that nobody is there. */
const SILENCE_MS = 15_000;
/** How long rooms that change wait for others. */
const SWAP_MS = 50;
/** How long before its end a token is renewed, at most. */
const RENEW_MS = 30_000;

/** What it is for, and what it asks of the client. */
export interface Host extends Pick<Wire, "http" | "WebSocket" | "cursor" | "counters" | "pollIntervalMs"> {
  readonly tokens: Tokens;
  readonly policy: Policy;
  /** Where the way that has worked is remembered. */
  readonly memory: Memory;
  /** Rooms to be in, now. */
  rooms(): readonly string[];
  hear(input: Input): void;
}

export interface Connection {
  act(input: LinkInput): void;
  /** Joins or leaves, however this is done on the way in use. */
  follow(room: string, isWanted: boolean): void;
  /** Sends a command, if there is a way for commands. */
  send(command: object): boolean;
  /** Sends a command and gives its answer; `null` where there is no way for commands. */
  call(command: object): Promise<Ok> | null;
  /** Whether something should have come since. */
  check(): void;
  /** The network is there, or not, or another one. */
  network(): void;
  /** Ends without a word: another tab goes on. */
  end(): void;
}

export function newConnection(host: Host): Connection {
  const { http, policy, tokens } = host;
  let link: Link = { ...IDLE, ...host.memory.read() };
  let carrier: Carrier | undefined;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let swapping: ReturnType<typeof setTimeout> | undefined;
  let heardAt = 0;
  let silenceMs = 0;
  let refs = 0;
  const calls = new Map<number, { done(answer: Ok): void; fail(error: TidingsError): void }>();

  const act = (input: LinkInput) => {
    const [next, effects] = stepLink(link, input, { now: Date.now(), chance: Math.random() }, policy);
    link = next;
    for (const effect of effects) {
      drop();
      if (effect.do === "open") open(effect.transport, effect.why);
      else if (effect.do === "wait") timer = setTimeout(() => act({ type: "due" }), effect.ms);
    }
    tell();
  };

  const isOnline = () => globalThis.navigator?.onLine !== false;

  const tell = () => {
    const error = link.error && faultOf(link.error);
    const transport = policy.ladder[link.rung] as Transport;
    host.hear({ type: "@link", status: statusOf(link, isOnline()), transport, error });
  };

  const drop = () => {
    attempt += 1;
    clearTimeout(timer);
    clearTimeout(renewal);
    carrier?.close();
    carrier = undefined;
    for (const { fail } of calls.values())
      fail(new TidingsError("network", "the connection was lost", { retryable: true }));
    calls.clear();
  };

  const open = async (transport: Transport, why: "connect" | "expired") => {
    const mine = attempt;
    const isMine = () => mine === attempt;
    const lost = async (thrown: unknown) => {
      if (!isMine()) return;
      const error = errorOf(thrown);
      const isOpening = link.phase === "opening";
      drop();
      const still = attempt;
      const loss = await explain(error, isOpening);
      if (still === attempt) act({ type: "lost", loss });
    };
    heardAt = Date.now();
    silenceMs = OPEN_MS;
    watch(lost);
    try {
      const token = await tokens.get(why);
      if (!isMine()) return;
      const { cursor, counters, pollIntervalMs, WebSocket } = host;
      const lifetimeMs = link.isPinned || link.rung === 0 ? Number.POSITIVE_INFINITY : policy.rememberMs;
      carrier = TRANSPORTS[transport]({
        ...{ http, token, WebSocket, cursor, counters, pollIntervalMs, lifetimeMs },
        rooms: host.rooms(),
        hear: (input) => isMine() && hear(input, transport),
        alive: () => (heardAt = Date.now()),
        lost,
      });
    } catch (error) {
      lost(error);
    }
  };

  const hear = (input: Input, transport: Transport) => {
    heardAt = Date.now();
    if (input.type === "welcome") silenceMs = (input as Welcome).ping_interval_ms + SILENCE_MS;
    if (input.type === "@polled") silenceMs = (transport === "poll" ? host.pollIntervalMs * 2 : 25_000) + SILENCE_MS;
    host.hear(input);
    if (input.type === "welcome" || (input.type === "@polled" && link.phase === "opening")) opened(input as Welcome);
    if (input.type === "ok" || input.type === "error") answered(input as Ok | Refusal);
  };

  const opened = ({ expires_at }: Partial<Welcome>) => {
    act({ type: "opened" });
    host.memory.write(link);
    if (!carrier?.send) return;
    for (const room of host.rooms()) follow(room, true);
    renewBefore(expires_at);
  };

  const answered = (frame: Ok | Refusal) => {
    const call = calls.get(frame.ref as number);
    calls.delete(frame.ref as number);
    if (frame.type === "ok") {
      call?.done(frame);
      if (frame.command === "auth") renewBefore(frame.expires_at);
      return;
    }
    const { code, message, retryable, retry_after_ms: retryAfterMs, command, room } = frame;
    call?.fail(new TidingsError(code, message, { retryable, retryAfterMs }));
    if (command === "join" && room && retryable) setTimeout(() => rejoin(room), retryAfterMs ?? 1000);
  };

  const rejoin = (room: string) => host.rooms().includes(room) && carrier?.send && follow(room, true);

  /** A new token in time is one reconnect less. If there is none, the server closes with 4001. */
  const renewBefore = (end: string | undefined) => {
    clearTimeout(renewal);
    if (!end || !tokens.isRenewable) return;
    const left = Date.parse(end) - Date.now();
    const mine = attempt;
    const renew = async () => {
      const token = await tokens.get("expired").catch(() => null);
      if (token && mine === attempt) carrier?.send?.({ type: "auth", token });
    };
    if (left > 0) renewal = setTimeout(renew, Math.min(left - Math.min(left / 10, RENEW_MS), 2 ** 31 - 1));
  };

  /** Looks each time when something should have come, whether it has. */
  const watch = (lost: (error: TidingsError) => void) => {
    const over = heardAt + silenceMs - Date.now();
    if (over <= 0) return void lost(new TidingsError("timeout", "the server is silent", { retryable: true }));
    timer = setTimeout(() => watch(lost), over);
    overdue = () => heardAt + silenceMs < Date.now() && lost(new TidingsError("timeout", "the server was silent"));
  };
  let overdue: () => void = () => {};

  /** A browser does not say why a connection could not be had, so the server is asked over HTTP. */
  const explain = async (error: TidingsError, isOpening: boolean): Promise<Loss> => {
    if (error.code === CLIMB) return { error, isOurs: true };
    const { status = 1006, problem } = error;
    if (status === 403 && error.code === "forbidden" && (await refuseRooms())) return { error, isOurs: true };
    // Something between us and the server has answered in its place.
    const isForeign = status < 1000 && !problem?.code && ![401, 429, 502, 503, 504].includes(status);
    if (!isOpening || error.code === "unauthenticated" || status !== 1006) return { error, isBlocked: isForeign };
    try {
      await http.send("me", { isOnce: true, signal: AbortSignal.timeout(OPEN_MS) });
      return { error, isBlocked: true };
    } catch (reason) {
      return { error: reason as TidingsError };
    }
  };

  /** One room that the token does not allow must not keep us from the others: finds out which. */
  const refuseRooms = async (): Promise<boolean> => {
    const { scopes } = await http.json<Pick<Welcome, "scopes">>("me").catch(() => ({ scopes: null }));
    if (!scopes) return false;
    const allowed = scopes.flatMap((scope) => (scope.startsWith("join:") ? [scope.slice(5)] : []));
    const isAllowed = (room: string) =>
      allowed.some((pattern) => (pattern.endsWith("*") ? room.startsWith(pattern.slice(0, -1)) : room === pattern));
    const refused = host.rooms().filter((room) => !isAllowed(room));
    const what = { type: "error", command: "join", code: "forbidden", retryable: false } as const;
    for (const room of refused) host.hear({ ...what, room, message: "the token does not allow to join this room" });
    return refused.length > 0;
  };

  const follow = (room: string, isWanted: boolean) => {
    // Where rooms are named when it is opened it is opened anew, once for all that change together.
    if (!carrier?.send) return void (swapping ??= setTimeout(swap, SWAP_MS));
    const since = host.cursor([room]).split("@")[1];
    // Only a command with a reference is answered.
    call(isWanted ? { type: "join", room, ...(since && { since }) } : { type: "leave", room })?.catch(() => {});
  };

  const swap = () => {
    swapping = undefined;
    act({ type: "swap" });
  };

  const send = (command: object) => {
    if (link.phase !== "open" || !carrier?.send) return false;
    carrier.send(command);
    return true;
  };

  const call = (command: object) => {
    if (link.phase !== "open" || !carrier?.send) return null;
    refs += 1;
    const ref = refs;
    const answer = new Promise<Ok>((done, fail) => calls.set(ref, { done, fail }));
    carrier.send({ ...command, ref });
    return answer;
  };

  return {
    act,
    follow: (room, isWanted) => void (link.phase === "open" && follow(room, isWanted)),
    send,
    call,
    check: () => void (link.phase === "open" && overdue()),
    network: () => {
      if (isOnline()) act({ type: link.phase === "open" ? "swap" : "hurry" });
      else tell();
    },
    end: drop,
  };
}
