/** Calls of the HTTP API (PROTOCOL.md section 6): the token, a renewal of it, and problems as errors. */

import { TidingsError } from "./errors.js";
import type { Tokens, Why } from "./tokens.js";
import type { Problem } from "./types.js";

export interface Request {
  method?: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal;
  /** The answer itself, while events are still coming. */
  isStream?: boolean;
  /** With the token that there is, and no other. */
  isOnce?: boolean;
}

/** The JSON of an answer of 2xx; anything else is thrown as a `TidingsError`. */
export type Http = <T = void>(path: string, request?: Request) => Promise<T>;

/** How long a call may take that nobody else watches: a network that swallows it must not hold up what waits for it. */
const PATIENCE_MS = 15_000;

export function newHttp(base: string, tokens: Tokens, isRenewable: boolean, fetcher: typeof fetch): Http {
  const call = async (path: string, request: Request = {}, why: Why = "connect"): Promise<unknown> => {
    const { query = {}, body, isStream, isOnce, ...rest } = request;
    const token = await tokens(why);
    const url = new URL(`${base}/v1/${path}`);
    for (const name in query) if (query[name]) url.searchParams.set(name, `${query[name]}`);
    const answer = await fetcher(url, {
      method: body ? "POST" : "GET",
      ...(!isStream && { signal: AbortSignal.timeout(PATIENCE_MS) }),
      ...rest,
      body: JSON.stringify(body),
      headers: {
        "Content-Type": "application/json",
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      credentials: token ? "omit" : "include",
    });
    const { ok, status } = answer;
    if (ok) return isStream ? answer : status === 204 ? undefined : answer.json();
    if (status === 401 && why === "connect" && isRenewable && !isOnce) return call(path, request, "expired");
    // Whatever stands between us and the server answers without a problem.
    const problem: Problem = await answer.json().catch(() => ({}));
    const seconds = Number(answer.headers.get("Retry-After"));
    throw new TidingsError(problem.code ?? "http", {
      message: problem.detail ?? `HTTP ${status}`,
      status,
      problem,
      retryable: /408|429|5../.test(`${status}`),
      // All who are told the same do not come back in the same moment.
      retryAfterMs: seconds > 0 ? (seconds + Math.random()) * 1000 : undefined,
    });
  };
  return call as Http;
}
