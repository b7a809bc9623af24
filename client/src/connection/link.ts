/**
 * When to connect, over what, and when to give up: `(link, input) → [link, effects]`. It holds no socket and no timer;
 * `connection.ts` does what the effects say.
 *
 * It goes down the ladder of transports only where the server has answered otherwise meanwhile (`isBlocked`): a server
 * that is away is away on every rung.
 */

import type { TidingsError } from "../errors.js";
import type { Status, Transport } from "../types.js";

export interface Policy {
  readonly ladder: readonly Transport[];
  readonly minMs: number;
  readonly maxMs: number;
  /** A connection that lasts so long was a good one. */
  readonly minUptimeMs: number;
  /** How long a lower rung is kept before the upper ones are tried again. */
  readonly rememberMs: number;
}

export interface Link {
  readonly phase: "idle" | "waiting" | "opening" | "open" | "closed";
  readonly rung: number;
  /** When the rung was chosen. */
  readonly rungAt: number;
  /** Whether the application has chosen it. */
  readonly isPinned: boolean;
  /** Attempts since a connection last held. */
  readonly failures: number;
  readonly openedAt: number;
  /** Whether there has been a connection: then it is a reconnect. */
  readonly hasBeenOpen: boolean;
  /** Whether the server has said how long to wait: nobody hurries it then. */
  readonly isTold: boolean;
  /** Whether the token of this attempt was asked for because the one before had expired. */
  readonly isTokenNew: boolean;
  readonly error: TidingsError | null;
}

/** Why there is no connection (any more). */
export interface Loss {
  readonly error: TidingsError;
  /** The server can be reached, but not on this way. */
  readonly isBlocked?: boolean;
  /** The client has ended it: come back at once. */
  readonly isOurs?: boolean;
}

export type LinkInput =
  /** `swap`: the way is as good as it was, and is to be opened anew: other rooms, or another network. */
  | { type: "start" | "stop" | "close" | "opened" | "due" | "hurry" | "swap" }
  | { type: "lost"; loss: Loss }
  | { type: "choose"; transport: Transport | undefined };

export type LinkEffect =
  | { do: "open"; transport: Transport; why: "connect" | "expired" }
  | { do: "drop" }
  /** Calls back with `due`, unless something else happens before. */
  | { do: "wait"; ms: number };

export type Clock = { readonly now: number; readonly chance: number };

export const IDLE: Link = {
  phase: "idle",
  rung: 0,
  rungAt: Number.NEGATIVE_INFINITY,
  isPinned: false,
  failures: 0,
  openedAt: 0,
  hasBeenOpen: false,
  isTold: false,
  isTokenNew: false,
  error: null,
};

/** Codes that say that coming back would change nothing (PROTOCOL.md section 3). */
const isFinal = (code: number) => (code >= 4500 && code < 5000) || [1002, 1003, 1007, 1008, 1009].includes(code);

/** Any moment up to a bound that doubles ("full jitter"), so that many clients do not come back at once. */
export function backoff({ minMs, maxMs }: Policy, failures: number, chance: number): number {
  return minMs + chance * (Math.min(maxMs, minMs * 2 ** (failures + 1)) - minMs);
}

export function stepLink(link: Link, input: LinkInput, clock: Clock, policy: Policy): [Link, readonly LinkEffect[]] {
  switch (input.type) {
    case "start":
      return link.phase === "idle" || link.phase === "closed"
        ? open({ ...link, failures: 0 }, clock, policy)
        : [link, []];
    case "stop":
      return [{ ...link, phase: "idle", hasBeenOpen: false, error: null }, [{ do: "drop" }]];
    case "close":
      return [{ ...link, phase: "closed", hasBeenOpen: false, error: null }, [{ do: "drop" }]];
    case "opened":
      return [{ ...link, phase: "open", openedAt: clock.now, hasBeenOpen: true, isTokenNew: false, error: null }, []];
    case "choose": {
      const rung = input.transport ? policy.ladder.indexOf(input.transport) : link.rung;
      if (rung < 0 || link.phase === "closed" || link.phase === "idle") return [link, []];
      const chosen = input.transport ? { ...link, rung, isPinned: true } : link;
      return open({ ...chosen, failures: 0 }, clock, policy, [{ do: "drop" }]);
    }
    case "due":
      return link.phase === "waiting" ? open(link, clock, policy) : [link, []];
    case "hurry":
      // The network is back, or somebody looks: no need to wait, but not all in the same moment.
      if (link.phase !== "waiting" || link.isTold) return [link, []];
      return [link, [{ do: "wait", ms: clock.chance * policy.minMs }]];
    case "swap":
      return link.phase === "open" ? [link, [openEffect(link, policy)]] : [link, []];
    case "lost":
      return link.phase === "opening" || link.phase === "open" ? lose(link, input.loss, clock, policy) : [link, []];
  }
}

function open(link: Link, { now }: Clock, policy: Policy, first: LinkEffect[] = []): [Link, LinkEffect[]] {
  const isOld = !link.isPinned && now - link.rungAt > policy.rememberMs;
  const rung = isOld ? 0 : link.rung;
  const next: Link = { ...link, phase: "opening", rung, rungAt: isOld ? now : link.rungAt };
  return [next, [...first, openEffect(next, policy)]];
}

function openEffect({ rung, isTokenNew }: Link, { ladder }: Policy): LinkEffect {
  return { do: "open", transport: ladder[rung] as Transport, why: isTokenNew ? "expired" : "connect" };
}

function lose(link: Link, { error, isBlocked, isOurs }: Loss, clock: Clock, policy: Policy): [Link, LinkEffect[]] {
  const wasGood = link.phase === "open" && clock.now - link.openedAt >= policy.minUptimeMs;
  const failures = wasGood ? 0 : link.failures;
  const code = error.status ?? 0;
  if (isOurs) return open({ ...link, failures: 0 }, clock, policy);
  if (code === 4001 || code === 401) {
    // A token that was new a moment ago has been refused: the next one would be, too.
    if (link.isTokenNew) return end(link, error);
    const renewing: Link = { ...link, failures, isTokenNew: true, error };
    if (link.phase === "opening" || wasGood) return open(renewing, clock, policy);
    return wait({ ...renewing, failures: failures + 1 }, backoff(policy, failures, clock.chance));
  }
  if (isFinal(code) || code === 403 || error.code === "unauthenticated") return end(link, error);
  const below = isBlocked && !link.isPinned ? (link.rung + 1) % policy.ladder.length : link.rung;
  const rungAt = below === link.rung ? link.rungAt : clock.now;
  const hint = error.retryAfterMs;
  const isTold = hint !== undefined;
  const lost: Link = { ...link, rung: below, rungAt, failures: failures + 1, isTold, isTokenNew: false, error };
  return wait(lost, hint ?? backoff(policy, failures, clock.chance));
}

const wait = (link: Link, ms: number): [Link, LinkEffect[]] => [{ ...link, phase: "waiting" }, [{ do: "wait", ms }]];

function end(link: Link, error: TidingsError): [Link, LinkEffect[]] {
  return [{ ...link, phase: "closed", hasBeenOpen: false, isTokenNew: false, error }, [{ do: "drop" }]];
}

export function statusOf({ phase, hasBeenOpen }: Link, isOnline: boolean): Status {
  if (phase === "open") return "connected";
  if (phase === "idle" || phase === "closed") return phase;
  if (!isOnline) return "offline";
  return hasBeenOpen ? "reconnecting" : "connecting";
}
