import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  backoff,
  IDLE,
  type Link,
  type LinkEffect,
  type LinkInput,
  type Policy,
  statusOf,
  stepLink,
} from "../src/connection/link.js";
import { AuthError, TidingsError } from "../src/errors.js";

const POLICY: Policy = {
  ladder: ["ws", "sse", "longpoll", "poll"],
  ...{ minMs: 500, maxMs: 20_000, minUptimeMs: 5000, rememberMs: 3_600_000 },
};

/** A link that is told one thing after the other. */
class Played {
  link: Link = IDLE;
  last: readonly LinkEffect[] = [];
  now = 1_000_000;
  chance = 0.5;

  take(...inputs: LinkInput[]): this {
    for (const input of inputs) [this.link, this.last] = stepLink(this.link, input, this, POLICY);
    return this;
  }

  lose(status?: number, more: Partial<TidingsError> & { isBlocked?: boolean } = {}): this {
    const { isBlocked, ...rest } = more;
    return this.take({
      type: "lost",
      loss: { error: new TidingsError("lost", "lost", { status, ...rest }), isBlocked },
    });
  }

  get waits() {
    const [effect] = this.last;
    return effect?.do === "wait" ? effect.ms : undefined;
  }

  get opens() {
    const effect = this.last.find((one) => one.do === "open");
    return effect?.do === "open" ? `${effect.transport} ${effect.why}` : undefined;
  }
}

const opened = () => new Played().take({ type: "start" }, { type: "opened" });

/** The table of close codes as the paper has it: code and what to do then. */
const paper = readFileSync(new URL("../../PROTOCOL.md", import.meta.url), "utf8");
const codes = [...paper.matchAll(/^\| (\d{4}) \| `\w+` \|.*\| (reconnect|stop|–) \| \w+ \|$/gm)].map(
  ([, code, then]) => [Number(code), then] as const,
);

describe("close codes", () => {
  it("are found in PROTOCOL.md", () => expect(codes.length).toBeGreaterThan(15));

  it.each(codes)("%i: %s", (code, then) => {
    const { phase } = opened().lose(code).link;
    expect(phase === "closed" ? "stop" : "reconnect").toBe(then === "–" ? "reconnect" : then);
  });
});

describe("the back-off", () => {
  it("is any moment up to a bound that doubles from 1 s to 20 s, and never below 0.5 s", () => {
    const bounds = Array.from({ length: 7 }, (_, failures) => backoff(POLICY, failures, 1));
    expect(bounds).toEqual([1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(backoff(POLICY, 3, 0)).toBe(500);
  });

  it("grows from failure to failure, and is forgotten by a connection that has lasted", () => {
    const played = opened().lose(1006);
    const first = played.waits as number;
    played.take({ type: "due" }).lose(1006);
    expect(played.waits).toBeGreaterThan(first);
    played.take({ type: "due" }, { type: "opened" });
    played.now += 4999;
    expect(played.lose(1006).waits, "too short to count").toBeGreaterThan(first);
    played.take({ type: "due" }, { type: "opened" });
    played.now += 5000;
    expect(played.lose(1006).waits).toBe(first);
  });

  it("obeys the server, and nobody hurries it", () => {
    const played = opened().lose(1012, { retryAfterMs: 7777 });
    expect(played.waits).toBe(7777);
    expect(played.take({ type: "hurry" }).last).toEqual([]);
    expect(opened().lose(1006).take({ type: "hurry" }).waits).toBe(250);
  });
});

describe("a token", () => {
  it("that has expired is renewed at once, and that once", () => {
    const played = opened();
    played.now += 60_000;
    expect(played.lose(4001).opens).toBe("ws expired");
    expect(played.lose(401).link.phase).toBe("closed");
  });

  it("that is over as soon as it is there is renewed with the back-off", () => {
    expect(opened().lose(4001).waits).toBeGreaterThanOrEqual(500);
  });

  it("that nobody has any more ends it", () => {
    const played = new Played().take({ type: "start" }, { type: "lost", loss: { error: new AuthError() } });
    expect(played.link).toMatchObject({ phase: "closed", error: { code: "unauthenticated" } });
  });
});

describe("the ladder", () => {
  it("is gone down only where the server answers otherwise", () => {
    const played = new Played().take({ type: "start" });
    expect(played.lose().take({ type: "due" }).opens).toBe("ws connect");
    expect(played.lose(undefined, { isBlocked: true }).take({ type: "due" }).opens).toBe("sse connect");
    expect(played.lose(undefined, { isBlocked: true }).take({ type: "due" }).opens).toBe("longpoll connect");
    played.take({ type: "opened" });
    expect(played.lose(1006).take({ type: "due" }).opens, "what has worked is tried first").toBe("longpoll connect");
  });

  it("is gone up again after an hour", () => {
    const played = new Played().take({ type: "start" }).lose(undefined, { isBlocked: true });
    played.take({ type: "due" }, { type: "opened" });
    played.now += 3_600_001;
    expect(played.lose(1006).take({ type: "due" }).opens).toBe("ws connect");
  });

  it("stays where the application has put it", () => {
    const played = opened().take({ type: "choose", transport: "longpoll" });
    expect(played.opens).toBe("longpoll connect");
    played.now += 3_600_001;
    expect(played.lose(undefined, { isBlocked: true }).take({ type: "due" }).opens).toBe("longpoll connect");
  });
});

describe("a status", () => {
  it("says what there is", () => {
    const played = new Played();
    const status = (isOnline = true) => statusOf(played.link, isOnline);
    expect(status()).toBe("idle");
    expect((played.take({ type: "start" }), status())).toBe("connecting");
    expect((played.take({ type: "opened" }), status())).toBe("connected");
    expect((played.lose(1006), status())).toBe("reconnecting");
    expect(status(false)).toBe("offline");
    expect((played.take({ type: "due" }).lose(4503), status())).toBe("closed");
    expect((played.take({ type: "start" }), status())).toBe("connecting");
  });
});
