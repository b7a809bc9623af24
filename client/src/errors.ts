/** What the client throws and reports. */

import type { Fault, Problem } from "./types.js";

/**
 * What went wrong, by the words of PROTOCOL.md: an error code of commands, the `code` of a problem, the word of a
 * close code; and the client's own `network`, `timeout`, `closed`, `queue_full`, `unauthenticated`.
 */
export class TidingsError extends Error implements Fault {
  override readonly name: string = "TidingsError";
  readonly code: string;
  readonly retryable: boolean;
  /** Of HTTP, or the close code. */
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly problem?: Problem;

  constructor(code: string, message: string = code, more: Partial<Omit<TidingsError, keyof Error | "code">> = {}) {
    super(message);
    this.code = code;
    this.retryable = more.retryable ?? false;
    this.status = more.status;
    this.retryAfterMs = more.retryAfterMs;
    this.problem = more.problem;
  }
}

/** Thrown by `getToken` to say that there will be no token: the client stops. */
export class AuthError extends TidingsError {
  override readonly name: string = "AuthError";

  constructor(message: string = "not signed in") {
    super("unauthenticated", message);
  }
}

/** An error without its class, which is lost between tabs. */
export function faultOf({ code, message, retryable, status }: Fault): Fault {
  return { code, message, retryable, status };
}

/** Whatever was thrown, as one of ours. */
export function errorOf(thrown: unknown): TidingsError {
  return thrown instanceof TidingsError ? thrown : new TidingsError("network", String(thrown), { retryable: true });
}
