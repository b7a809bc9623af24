import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backoff, next } from "../src/connection/next.js";
import { AuthError, TidingsError } from "../src/errors.js";

const BOUNDS = { min: 500, max: 20_000, minUptime: 5000 };

const ended = (error: Partial<TidingsError>, more: { failures?: number; isTokenNew?: boolean } = {}) =>
  next({ error: new TidingsError("lost", error), failures: 0, isTokenNew: false, ...more }, BOUNDS, 0.5);

/** The table of close codes as the paper has it: code and what to do then. */
const paper = readFileSync(new URL("../../PROTOCOL.md", import.meta.url), "utf8");
const codes = [...paper.matchAll(/^\| (\d{4}) \| `\w+` \|.*\| (reconnect|stop|–) \| \w+ \|$/gm)].map(
  ([, code, then]) => [Number(code), then] as const,
);

describe("close codes", () => {
  it("are found in PROTOCOL.md", () => expect(codes.length).toBeGreaterThan(15));

  it.each(codes)("%i: %s", (status, then) => {
    expect(ended({ status }) ? "reconnect" : "stop").toBe(then === "–" ? "reconnect" : then);
  });
});

describe("the back-off", () => {
  it("is any moment up to a bound that doubles from 1 s to 20 s, and never below 0.5 s", () => {
    const bounds = Array.from({ length: 7 }, (_, failures) => backoff(BOUNDS, failures, 1));
    expect(bounds).toEqual([1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(backoff(BOUNDS, 3, 0)).toBe(500);
  });

  it("obeys the server", () => {
    expect(ended({ status: 1012, retryAfterMs: 7777 })).toEqual({ ms: 7777, isExpired: false });
    expect(ended({ status: 503, retryAfterMs: 3000 }, { failures: 9 })).toMatchObject({ ms: 3000 });
    expect(ended({ status: 1006 })).toEqual({ ms: 750, isExpired: false });
  });
});

describe("a token", () => {
  it.each([4001, 401])("that has expired (%i) is renewed at once, and that once", (status) => {
    expect(ended({ status })).toEqual({ ms: 0, isExpired: true });
    expect(ended({ status }, { isTokenNew: true })).toBeNull();
  });

  it("that is over as soon as it is there is renewed with the back-off", () => {
    expect(ended({ status: 4001 }, { failures: 1 })?.ms).toBeGreaterThanOrEqual(500);
  });

  it("that nobody has any more ends it, and so does what it does not allow", () => {
    expect(next({ error: new AuthError(), failures: 0, isTokenNew: false }, BOUNDS, 0)).toBeNull();
    expect(ended({ status: 403 })).toBeNull();
  });
});
