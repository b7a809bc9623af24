/** What the client throws and reports. */

import type { Fault, Problem } from "./types.js";

/** As long as anybody is made to wait: what is said by whatever stands before the server need not be believed. */
const WAIT_MAX_MS = 3_600_000;

/**
 * What went wrong, by the words of PROTOCOL.md: an error code of commands, the `code` of a problem, the word of a
 * close code; and the client's own `network`, `timeout`, `closed`, `queue_full`, `unauthenticated`, `bad_token`,
 * `other_user`, `unsupported`.
 */
export class TidingsError extends Error implements Fault {
  override readonly name: string = "TidingsError";
  declare readonly code: string;
  readonly retryable: boolean = false;
  /** Of HTTP, or the close code. */
  declare readonly status?: number;
  declare readonly retryAfterMs?: number;
  declare readonly problem?: Problem;

  constructor(code: string, more: Partial<Omit<TidingsError, "name" | "code">> = {}) {
    super(more.message ?? code);
    const { retryAfterMs } = more;
    Object.assign(this, more, { code, retryAfterMs: retryAfterMs && Math.min(retryAfterMs, WAIT_MAX_MS) });
  }
}

/** Thrown by `getToken` to say that there will be no token: the client stops. */
export class AuthError extends TidingsError {
  constructor(message: string = "unauthenticated") {
    super("unauthenticated", { message });
  }
}

/** An error without its class, which is lost between tabs. */
export const faultOf = ({ code, message, retryable, status }: Fault): Fault => ({ code, message, retryable, status });

/** Whatever was thrown, as one of ours; what is not is the network's. */
export const errorOf = (thrown: unknown): TidingsError =>
  thrown instanceof TidingsError
    ? thrown
    : new TidingsError((thrown as Error)?.name === "TimeoutError" ? "timeout" : "network", {
        message: `${thrown}`,
        retryable: true,
      });
