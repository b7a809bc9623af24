/** What to do when a connection has ended, or could not be had. Decides, and does nothing. */

import type { Bounds } from "../core.js";
import type { TidingsError } from "../errors.js";

export interface Ended {
  readonly error: TidingsError;
  /** Attempts since a connection last held. */
  readonly failures: number;
  /** Whether the token was asked for because the one before had expired. */
  readonly isTokenNew: boolean;
}

/** When to come back, and whether with a new token; nothing where coming back would change nothing. */
export type Next = { readonly ms: number; readonly isExpired: boolean } | null;

/** Codes after which there is no coming back (PROTOCOL.md section 3), and a refusal that time does not mend. */
const isFinal = (code: number) => code >= 4500 || [403, 1002, 1003, 1007, 1008, 1009].includes(code);

/** Any moment up to a bound that doubles ("full jitter"), so that many clients do not come back at once. */
export const backoff = ({ min, max }: Bounds, failures: number, chance: number): number =>
  min + chance * (Math.min(max, min * 2 ** (failures + 1)) - min);

/** `chance` is in `0..1`. */
export function next({ error, failures, isTokenNew }: Ended, bounds: Bounds, chance: number): Next {
  const { code, status = 0, retryAfterMs } = error;
  const isExpired = status === 4001 || status === 401;
  // A token that was new a moment ago has been refused: the next one would be, too.
  if (isFinal(status) || code === "unauthenticated" || (isExpired && isTokenNew)) return null;
  return { isExpired, ms: retryAfterMs ?? (isExpired && !failures ? 0 : backoff(bounds, failures, chance)) };
}
