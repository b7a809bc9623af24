/** The token in use. Asked for once, however many need it at the same time. */

import { TidingsError } from "./errors.js";
import type { Options } from "./types.js";

export type Why = "connect" | "expired";

/** `null` where the cookie says who it is. */
export type Tokens = (why?: Why) => Promise<string | null>;

export function newTokens({ token, getToken }: Pick<Options, "token" | "getToken">): Tokens {
  let known: string | null = token ?? null;
  let asking: Promise<string> | undefined;
  return async (why = "connect") => {
    if (!getToken || (known !== null && why === "connect")) return known;
    asking ??= (async () => getToken(why))().finally(() => {
      asking = undefined;
    });
    const token = await asking;
    // The page of an error, say, that was taken for a token: what is kept would be refused for ever.
    if (!/^\S+\.\S+\.\S+$/.test(token)) throw new TidingsError("bad_token", { retryable: true });
    known = token;
    return token;
  };
}

/** What a token says of its user, unjudged: only the server judges it. */
export function subjectOf(token: string | null): string | null {
  try {
    return JSON.parse(atob((token as string).split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") as string)).sub;
  } catch {
    return null;
  }
}
