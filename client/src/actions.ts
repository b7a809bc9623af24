/** What a user does, and what is asked for besides the list: marks, messages, mutes, preferences. */

import { backoff } from "./connection/next.js";
import type { Core } from "./core.js";
import { errorOf, TidingsError } from "./errors.js";
import type { Settle } from "./marks.js";
import { pause } from "./pause.js";
import type { Counters, Here, History, Mute, Ok, Position, Preferences } from "./wire.js";

/** How often a message is said again that is not known to have arrived; its nonce keeps it from being there twice. */
const TRIES = 6;
/** When a mark is said again. */
const RETRY_MS = 2000;
/** How long one may be on its way until it is given up for then: a network that swallows it must not hold up the others. */
const PATIENCE_MS = 15_000;
/** Why one that is on its way is ended, to be said again at once. */
const ANEW = "anew";

const pathOf = (kind: "rooms" | "mutes" | "notifications", name: string) => `${kind}/${encodeURIComponent(name)}`;

export function newActions({ http, state, take, send, emitter, settings }: Core) {
  /** What was said last in each room: what is published next follows it. */
  const lasts = new Map<string, Promise<unknown>>();
  /** Ends the mark that is on its way, if one is. */
  let over: AbortController | undefined;

  /** Sends a message and waits for its answer; nothing where there is no way for commands. */
  const call = (command: { ref: string }): Promise<Ok> | undefined => {
    if (!send({ type: "message", ...command })) return undefined;
    const over = new AbortController();
    return new Promise<Ok>((done, fail) => {
      emitter.on(
        "frame",
        (frame) => {
          if (!("ref" in frame) || frame.ref !== command.ref) return;
          if (frame.type === "ok") done(frame);
          if (frame.type !== "error") return;
          const { code, message, retryable, retry_after_ms: retryAfterMs } = frame;
          fail(new TidingsError(code, { message, retryable, retryAfterMs }));
        },
        over,
      );
      emitter.on("lost", () => fail(new TidingsError("network", { retryable: true })), over);
    }).finally(() => over.abort());
  };

  const persist = async (room: string, body: { nonce: string }) => {
    for (let tries = 1; ; tries += 1) {
      try {
        const command = { ref: body.nonce, room, ...body };
        const asked = call(command) ?? http<Ok>(messagesOf(room), { body });
        return { position: (await asked).position as Position };
      } catch (thrown) {
        const { retryable, retryAfterMs = backoff(settings.bounds, tries, Math.random()) } = errorOf(thrown);
        if (!retryable || tries === TRIES) throw thrown;
        await pause(retryAfterMs);
      }
    }
  };

  const messagesOf = (room: string) => `${pathOf("rooms", room)}/messages`;

  return {
    /**
     * Says the marks that are pending, one after the other, unless that is being done, and then with `isAnew` what is on
     * its way once more; answers after which time it is to be tried again, if anything is left.
     */
    async sayMarks(settle: Settle, isAnew?: boolean): Promise<number | undefined> {
      if (isAnew) over?.abort(ANEW);
      // By then it is answered, or has failed.
      if (over) return PATIENCE_MS;
      for (let made = state().pending[0]; made; made = state().pending[0]) {
        const { id, as, which } = made;
        const isDeleted = as === "deleted";
        const path = pathOf("notifications", isDeleted ? `${which.ids}` : "mark");
        const mine = new AbortController();
        const { signal } = mine;
        over = mine;
        const timer = setTimeout(() => mine.abort(), PATIENCE_MS);
        try {
          const request = isDeleted ? { method: "DELETE" } : { body: { as, ...which } };
          settle(id, await http<Counters | undefined>(path, { ...request, signal }));
        } catch (thrown) {
          const error = errorOf(thrown);
          // What is not there any more is as good as deleted.
          if (!error.retryable) settle(id, undefined, isDeleted && error.status === 404 ? undefined : error);
          else if (signal.reason !== ANEW) return error.retryAfterMs ?? RETRY_MS * (1 + Math.random());
        } finally {
          clearTimeout(timer);
          over = undefined;
        }
      }
      return undefined;
    },
    publish(room: string, data: unknown, { event }: { event?: string } = {}): Promise<{ position: Position }> {
      const body = { data, event, nonce: `${Math.random()}${Date.now()}` };
      const said = Promise.resolve(lasts.get(room)).then(() => persist(room, body));
      lasts.set(
        room,
        said.catch(() => {}),
      );
      return said;
    },
    async history(room: string, query?: object): Promise<History> {
      const found = await http<History>(messagesOf(room), { query: { ...query } });
      take({ type: "@history", room, history: found });
      return found;
    },
    presence: (room: string) => http<Here>(`${pathOf("rooms", room)}/presence`),
    listMutes: async (): Promise<readonly Mute[]> => (await http<{ mutes: Mute[] }>("mutes")).mutes,
    addMute: (pattern: string, body = {}) => http<Mute>(pathOf("mutes", pattern), { method: "PUT", body }),
    removeMute: (pattern: string) => http(pathOf("mutes", pattern), { method: "DELETE" }),
    getPreferences: () => http<Preferences>("preferences"),
    setPreferences: (body: Partial<Preferences>) => http<Preferences>("preferences", { method: "PUT", body }),
  };
}
