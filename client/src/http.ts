/** Calls of the HTTP API (PROTOCOL.md section 6): the token, a renewal of it, and problems as errors. */

import { TidingsError } from "./errors.js";
import type { Tokens } from "./tokens.js";
import type { Problem } from "./types.js";

export interface Request {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** With the token that there is, and no other. */
  isOnce?: boolean;
}

export interface Http {
  /** The URL of a path, with those of the fields that have a value. */
  url(path: string, query?: Record<string, string | number | undefined>): string;
  /** An answer of 2xx; anything else is thrown as a `TidingsError`. */
  send(path: string, request?: Request): Promise<Response>;
  /** The JSON of the answer. */
  json<T>(path: string, request?: Request): Promise<T>;
}

export function newHttp(base: string, tokens: Tokens, fetcher: typeof fetch): Http {
  const url: Http["url"] = (path, query = {}) => {
    const fields = Object.entries(query).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, String(value)]],
    );
    return `${base}/v1/${path}${fields.length ? `?${new URLSearchParams(fields)}` : ""}`;
  };
  const attempt = async (path: string, { method, body, headers, signal }: Request, why: "connect" | "expired") => {
    const token = await tokens.get(why);
    const init: RequestInit = {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      credentials: token ? "omit" : "include",
      signal,
    };
    if (body !== undefined) init.body = JSON.stringify(body);
    try {
      return await fetcher(path.includes("://") ? path : url(path), init);
    } catch (cause) {
      throw new TidingsError("network", String(cause), { retryable: true });
    }
  };
  const send: Http["send"] = async (path, request = {}) => {
    let answer = await attempt(path, request, "connect");
    if (answer.status === 401 && tokens.isRenewable && !request.isOnce)
      answer = await attempt(path, request, "expired");
    if (!answer.ok) throw await refusal(answer);
    return answer;
  };
  return { url, send, json: async (path, request) => (await send(path, request)).json() };
}

/** The problem that an answer brings; whatever stands between us and the server answers without one. */
async function refusal(answer: Response): Promise<TidingsError> {
  const { status } = answer;
  const problem: Problem = await answer.json().catch(() => ({}));
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  return new TidingsError(problem.code ?? "http", problem.detail ?? `the server answered ${status}`, {
    status,
    problem,
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
  });
}
