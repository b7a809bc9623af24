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

const pathOf = (room: string) => `rooms/${encodeURIComponent(room)}/`;
const muteOf = (pattern: string) => `mutes/${encodeURIComponent(pattern)}`;

export function newActions({ http, state, take, send, emitter, settings }: Core) {
  /** What was said last in each room: what is published next follows it. */
  const lasts = new Map<string, Promise<unknown>>();
  let refs = 0;

  /** Sends a command and waits for its answer; nothing where there is no way for commands. */
  const call = (command: object): Promise<Ok> | undefined => {
    refs += 1;
    const ref = `publish ${refs}`;
    if (!send({ ...command, ref })) return undefined;
    const over = new AbortController();
    return new Promise<Ok>((done, fail) => {
      emitter.on(
        "frame",
        (frame) => {
          if (!("ref" in frame) || frame.ref !== ref) return;
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

  const persist = async (room: string, body: object) => {
    for (let tries = 1; ; tries += 1) {
      try {
        const asked = call({ type: "message", room, ...body }) ?? http<Ok>(`${pathOf(room)}messages`, { body });
        return { position: (await asked).position as Position };
      } catch (thrown) {
        const { retryable, retryAfterMs = backoff(settings.bounds, tries, Math.random()) } = errorOf(thrown);
        if (!retryable || tries === TRIES) throw thrown;
        await pause(retryAfterMs);
      }
    }
  };

  return {
    /** Says the marks that are pending, one after the other, until it is to be tried again; answers after which time. */
    async sayMarks(settle: Settle): Promise<number | undefined> {
      for (let made = state().pending[0]; made; made = state().pending[0]) {
        const { id, as, which } = made;
        const isDeleted = as === "deleted";
        const path = isDeleted ? encodeURIComponent(`${which.ids}`) : "mark";
        try {
          const request = isDeleted ? { method: "DELETE" } : { body: { as, ...which } };
          settle(id, await http<Counters | undefined>(`notifications/${path}`, request));
        } catch (thrown) {
          const error = errorOf(thrown);
          if (error.retryable) return error.retryAfterMs ?? RETRY_MS * (1 + Math.random());
          // What is not there any more is as good as deleted.
          settle(id, undefined, isDeleted && error.status === 404 ? undefined : error);
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
      const found = await http<History>(`${pathOf(room)}messages`, { query: { ...query } });
      take({ type: "@history", room, history: found });
      return found;
    },
    presence: (room: string) => http<Here>(`${pathOf(room)}presence`),
    listMutes: async (): Promise<readonly Mute[]> => (await http<{ mutes: Mute[] }>("mutes")).mutes,
    addMute: (pattern: string, body = {}) => http<Mute>(muteOf(pattern), { method: "PUT", body }),
    removeMute: (pattern: string) => http(muteOf(pattern), { method: "DELETE" }),
    getPreferences: () => http<Preferences>("preferences"),
    setPreferences: (body: Partial<Preferences>) => http<Preferences>("preferences", { method: "PUT", body }),
  };
}
