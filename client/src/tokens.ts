/** The token in use. Asked for once, however many need it at the same time. */

import type { Options } from "./types.js";

export interface Tokens {
  /** `null` where the cookie says who it is. */
  get(why?: "connect" | "expired"): Promise<string | null>;
  /** Whether `get("expired")` would bring another one. */
  readonly isRenewable: boolean;
}

export function newTokens({ token, getToken }: Pick<Options, "token" | "getToken">): Tokens {
  let known: string | null = token ?? null;
  let asking: Promise<string> | undefined;
  const ask = (why: "connect" | "expired") => {
    asking ??= Promise.resolve(getToken?.(why) as string).then((fresh) => (known = fresh));
    return asking.finally(() => (asking = undefined));
  };
  return {
    isRenewable: !!getToken,
    get: async (why = "connect") => (getToken && (known === null || why === "expired") ? ask(why) : known),
  };
}

/** What a token says of its user, unjudged: only the server judges it. */
export function subjectOf(token: string): string | null {
  try {
    const claims = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(claims)).sub ?? null;
  } catch {
    return null;
  }
}
