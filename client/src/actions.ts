/** What a user does, and what is asked for: marks, messages, older pages, mutes; and what goes along with a connection. */

import { backoff } from "./connection/next.js";
import type { Core } from "./core.js";
import { errorOf, TidingsError } from "./errors.js";
import type { Settle } from "./marks.js";
import { isOld } from "./model/inbox.js";
import { INBOX, offsetOf } from "./model/position.js";
import { pause } from "./pause.js";
import type { Wants } from "./tabs.js";
import type { Counters, Here, History, Mute, Ok, Page, Position, Preferences } from "./wire.js";

/** How often a message is said again that is not known to have arrived; its nonce keeps it from being there twice. */
const TRIES = 6;
/** When a mark is said again, and the list read again. */
const RETRY_MS = 2000;
/** Between two readings, however fast things change; doubled with each. */
const RELIST_MS = 500;
/** After so many readings that were older than what is known here, the server is believed: it may be a restored one. */
const ROUNDS = 6;
/** As many notifications as the server gives at once. */
const LIMIT_MAX = 200;

/** What has been shown meanwhile is acknowledged together. */
const ACK_MS = 300;

/** How long before its end a token is renewed, at most. */
const RENEW_MS = 30_000;
const kept = new WeakSet<Core>();

/**
 * Goes along with a client, from its first connection on. A new token in time is one reconnect less; if there is none,
 * the server closes with 4001.
 */
export function accompany(core: Core): void {
  if (kept.has(core)) return;
  kept.add(core);
  const { emitter, settings, tokens, send, getSnapshot, subscribe } = core;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const renew = async () => {
    const token = await tokens("expired").catch(() => null);
    if (token) send({ type: "auth", token, ref: "auth" });
  };
  let shown: number | undefined;
  const badge = () => {
    const { leader, loaded, unseen, status } = getSnapshot();
    // Whoever is closed has nothing to show, and takes back what it has shown.
    const count = leader && loaded ? unseen : status === "closed" && shown ? 0 : shown;
    if (count === shown) return;
    shown = count;
    globalThis.navigator?.setAppBadge?.(count).catch(() => {});
  };
  if (settings.badge ?? true) {
    subscribe(badge);
    badge();
  }
  emitter.on("lost", () => {
    clearTimeout(timer);
    // What was said last may not have arrived.
    acked.delete(core);
  });
  emitter.on("frame", (frame) => {
    const { leader, transport } = getSnapshot();
    const isTold = frame.type === "welcome" || (frame.type === "ok" && frame.command === "auth");
    const left = isTold ? Date.parse(frame.expires_at ?? "") - Date.now() : 0;
    if (!leader || transport !== "ws" || !settings.getToken || !(left > 0)) return;
    clearTimeout(timer);
    timer = setTimeout(renew, Math.min(left - Math.min(left / 10, RENEW_MS), 2 ** 31 - 1));
  });
}

/** Up to where each client has acknowledged. */
const acked = new WeakMap<Core, Position>();
const acking = new WeakSet<Core>();

/** What a page in front has shown need not be pushed. */
export async function acknowledge(core: Core, wants: () => Wants): Promise<void> {
  if (acking.has(core)) return;
  acking.add(core);
  await pause(ACK_MS);
  acking.delete(core);
  if (!core.getSnapshot().leader || !wants().isVisible) return;
  const { cursors, status } = core.state();
  const up_to = cursors[INBOX];
  // Where there is no document nothing is shown.
  if (!globalThis.document || status !== "connected" || !up_to || up_to === acked.get(core) || !offsetOf(up_to)) return;
  acked.set(core, up_to);
  const body = { up_to, visible: true };
  if (!core.send({ type: "ack", ...body }))
    await core.http("notifications/ack", { body }).catch(() => acked.delete(core));
}

const pathOf = (room: string) => `rooms/${encodeURIComponent(room)}/`;
const muteOf = (pattern: string) => `mutes/${encodeURIComponent(pattern)}`;

/** Says the marks that are pending, one after the other, until it is to be tried again; answers after which time. */
export async function sayMarks({ http, state }: Core, settle: Settle): Promise<number | undefined> {
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
}

/** The reading that goes on, by client, and whether something has changed since it began. */
const readings = new WeakMap<Core, { reading: Promise<void>; isStale: boolean }>();

/** Reads the first page, as long as what is shown: one request at a time, and once more where something has changed. */
export function list(core: Core): Promise<void> {
  const known = readings.get(core);
  if (known) {
    known.isStale = true;
    return known.reading;
  }
  const reading = { isStale: false, reading: Promise.resolve() };
  readings.set(core, reading);
  reading.reading = read(core, reading).finally(() => readings.delete(core));
  return reading.reading;
}

/** What is needed is asked for until it is there, or nobody is connected any more. */
async function read(core: Core, reading: { isStale: boolean }): Promise<void> {
  const { settings, state, share } = core;
  for (let round = 1; ; round += 1) {
    reading.isStale = false;
    let ms = Math.min(RELIST_MS * 2 ** (round - 1), settings.bounds.max);
    try {
      const page = await readAll(core, Math.max(settings.pageSize, state().items.length));
      // A page that was read before something that is known here would take it back.
      const isBelieved = isOld(page, state()) && round >= ROUNDS;
      if (!reading.isStale && (isBelieved || !isOld(page, state()))) return share({ type: "@page", page, isBelieved });
    } catch (thrown) {
      const { retryable, retryAfterMs = RETRY_MS } = errorOf(thrown);
      if (!retryable || ["closed", "idle"].includes(state().status)) throw thrown;
      ms = retryAfterMs;
    }
    await pause(ms);
  }
}

/** As many as are shown, however many requests that takes. What it is older than is heard: it is as old as its first. */
async function readAll({ http }: Core, count: number): Promise<Page> {
  const ask = (limit: number, before?: Position) =>
    http<Page>("notifications", { query: { limit: Math.min(LIMIT_MAX, limit), before } });
  let whole = await ask(count);
  for (;;) {
    const { notifications, next_before: before } = whole;
    const left = count - notifications.length;
    if (!before || left <= 0) return whole;
    const { notifications: older, next_before } = await ask(left, before);
    whole = { ...whole, notifications: [...notifications, ...older], next_before };
  }
}

export async function fetchMore({ http, settings, state, take }: Core): Promise<void> {
  const { before } = state();
  if (!before) return;
  for (let round = 1; ; round += 1) {
    const page = await http<Page>("notifications", { query: { limit: settings.pageSize, before } });
    // Where the list was read again meanwhile, this page would leave a hole.
    if (state().before !== before) return;
    if (!isOld(page, state()) || round >= ROUNDS) return take({ type: "@page", page, isOlder: true });
    await pause(RELIST_MS);
  }
}

export const listMutes = async ({ http }: Core): Promise<readonly Mute[]> =>
  (await http<{ mutes: Mute[] }>("mutes")).mutes;
export const addMute = ({ http }: Core, pattern: string, body = {}): Promise<Mute> =>
  http(muteOf(pattern), { method: "PUT", body });
export const removeMute = ({ http }: Core, pattern: string): Promise<void> =>
  http(muteOf(pattern), { method: "DELETE" });

export const getPreferences = ({ http }: Core): Promise<Preferences> => http("preferences");
export const setPreferences = ({ http }: Core, body: Partial<Preferences>): Promise<Preferences> =>
  http("preferences", { method: "PUT", body });

/** What was said last in each room of a client: what is published next follows it. */
const lasts = new WeakMap<Core, Record<string, Promise<unknown>>>();
let refs = 0;

export async function publish(
  core: Core,
  room: string,
  data: unknown,
  { event }: { event?: string } = {},
): Promise<{ position: Position }> {
  const body = { data, event, nonce: `${Math.random()}${Date.now()}` };
  const last = lasts.get(core) ?? {};
  lasts.set(core, last);
  const mine = Promise.resolve(last[room]).then(() => persist(core, room, body));
  last[room] = mine.catch(() => {});
  return mine;
}

async function persist(core: Core, room: string, body: object): Promise<{ position: Position }> {
  for (let tries = 1; ; tries += 1) {
    try {
      const command = { type: "message", room, ...body };
      const asked = call(core, command) ?? core.http<Ok>(`${pathOf(room)}messages`, { body });
      return { position: (await asked).position as Position };
    } catch (thrown) {
      const { bounds } = core.settings;
      const { retryable, retryAfterMs = backoff(bounds, tries, Math.random()) } = errorOf(thrown);
      if (!retryable || tries === TRIES) throw thrown;
      await pause(retryAfterMs);
    }
  }
}

/** Sends a command and waits for its answer; nothing where there is no way for commands. */
function call({ emitter, send }: Core, command: object): Promise<Ok> | undefined {
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
        fail(new TidingsError(code, { message, retryable, ...(retryAfterMs && { retryAfterMs }) }));
      },
      over,
    );
    emitter.on("lost", () => fail(new TidingsError("network", { retryable: true })), over);
  }).finally(() => over.abort());
}

export async function history({ http, take }: Core, room: string, query?: object): Promise<History> {
  const found = await http<History>(`${pathOf(room)}messages`, { query: { ...query } });
  take({ type: "@history", room, history: found });
  return found;
}

export const presence = ({ http }: Core, room: string): Promise<Here> => http(`${pathOf(room)}presence`);
