/**
 * Puts the parts together: the model that every tab runs, the connection that one of them has, and what an application
 * calls. Nothing is decided here that a part decides.
 */

import { leadAlone } from "./alone.js";
import type { Beside } from "./beside.js";
import { next } from "./connection/next.js";
import type { Core } from "./core.js";
import { addTo, callAll, newEmitter } from "./emitter.js";
import { errorOf, faultOf, TidingsError } from "./errors.js";
import { newHttp } from "./http.js";
import { type Leader, newLeader } from "./leader.js";
import { newMarks } from "./marks.js";
import { type Input, NEW } from "./model/state.js";
import { step } from "./model/step.js";
import { viewer } from "./model/view.js";
import { away, isOnline, isVisible, watchPage } from "./page.js";
import { newPush } from "./push.js";
import { newRoom } from "./room.js";
import type { Order, Tab, Tabs } from "./tabs.js";
import { newTokens, subjectOf } from "./tokens.js";
import type { Fault, Options, Registry, Snapshot, Status, Tidings, Transport } from "./types.js";

/** Those of options that only a part has to do with are there. */
const DEFAULTS = {
  transports: ["ws", "sse", "longpoll", "poll"] as readonly Transport[],
  hiddenGrace: 300_000,
  pageSize: 50,
  roomSize: 200,
} satisfies Options;

/** Without what is `undefined`, which says nothing. */
const defined = <T extends object>(some: T): T =>
  Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as T;

export function createTidings<R extends Registry = Registry>(asked: Options = {}): Tidings<R> {
  const { fetch, WebSocket } = globalThis;
  const given = defined(asked);
  const options = { ...DEFAULTS, fetch, WebSocket, ...given };
  const url = (given.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
  const transports = options.transports.filter((transport) => transport !== "ws" || options.WebSocket);
  const bounds = { min: 500, max: 20_000, minUptime: 5000, ...defined(given.backoff ?? {}) };
  const settings = { ...options, url, transports, bounds, memory: `tidings:${url}` };

  const tokens = newTokens(given);
  const http = newHttp(url, tokens, !!given.getToken, options.fetch);
  const emitter = newEmitter();
  const listeners = new Set<() => void>();
  const held: string[] = [...(given.rooms ?? [])];
  const view = viewer();

  let state = NEW;
  let tabs: Tabs | undefined;
  let leader: Leader | undefined;
  let unwatch: (() => void) | undefined;
  /** Counts starts and ends, so that what was begun in one life does nothing in the next. */
  let life = 0;
  /** A start that waits for its turn. */
  let starting: ReturnType<typeof setTimeout> | undefined;
  let isTold = false;
  let told: Partial<Snapshot> = {};
  let beside: Beside | undefined;
  /** Before the last change. */
  let before: Status | undefined;

  const getSnapshot = () => view(state, !!leader, push.snapshot);

  /** Tells what has changed, once for all of the same turn. */
  const tell = () =>
    queueMicrotask(() => {
      const now = getSnapshot();
      if (now === told) return;
      told = now;
      callAll(listeners);
    });

  /** Takes an input in this tab. */
  const take = (input: Input) => {
    if (input.type[0] !== "@") emitter.emit("frame", input as never);
    const [next, effects] = step(state, input, new Date().toISOString(), settings.roomSize);
    state = next;
    for (const [event, data] of effects) {
      if (event !== "@list") emitter.emit(event, data as never);
      // A page that a follower cannot take it reads for itself.
      else if (leader || input.type === "@page") list().catch((error) => emitter.emit("error", errorOf(error)));
    }
    tell();
  };

  /** With the code of what has closed it, if anything has. */
  const closed = () => new TidingsError(state.error?.code ?? "closed", state.error ?? {});

  /** What waits goes on, or never will. */
  const settle = () => {
    if (state.status === "connected") marks.flush(before === "reconnecting");
    before = state.status;
    if (state.status !== "closed") return;
    marks.fail(closed());
    // It is so for all tabs: whoever connects anew does so with a token of their own.
    tabs?.stop(true);
    tabs = undefined;
  };

  /** Takes an input in all tabs; only the leader has any for all. */
  const hear = (input: Input) => {
    // Nobody must see what is another's.
    if (input.type === "welcome" && input.user !== (state.user ?? input.user))
      return leader?.stop("closed", faultOf(new TidingsError("other_user")));
    tabs?.relay(input);
    take(input);
    leader?.ack();
  };

  const core: Core = {
    ...{ settings, http, tokens, emitter, take, hear, getSnapshot },
    state: () => state,
    share: (input) => (leader ? hear : take)(input),
    send: (command) => !!leader?.send(command),
    order: (command) => tabs?.order("send", command),
    subscribe: (listener) => addTo(listeners, listener),
    beside: () => import("./beside.js").then(({ newBeside }) => (beside ??= newBeside(core))),
    act: async (name, ...how) => ((await core.beside())[name] as (...how: unknown[]) => never)(...how),
  };
  /** What an application calls of it. */
  const to =
    <K extends keyof Beside>(name: K) =>
    (...how: Parameters<Beside[K]>) =>
      core.act(name, ...how);
  const list = to("list");
  emitter.on("status", settle);
  const marks = newMarks(core);
  const push = newPush(core, marks, tell);

  const obey = ([what, ...how]: Order) => leader?.[what](...(how as [never]));

  const link = (status: Status, error: Fault | null = null) =>
    take({ type: "@link", status, transport: state.transport, error });

  /** Whose tabs these are. A cookie tells only the server. */
  const whoAmI = async () => subjectOf(await tokens()) ?? (await http<{ user: string }>("me")).user;

  const isShared = given.sharing !== "none" && globalThis.navigator?.locks && globalThis.BroadcastChannel;

  /** What was begun before does nothing any more. */
  const begin = () => {
    clearTimeout(starting);
    starting = undefined;
    return ++life;
  };

  /** Finds out who this is, which says whose tabs these are, and joins them. */
  const start = async (failures = 0) => {
    const mine = begin();
    if (!transports[0]) return link("closed", faultOf(new TidingsError("unsupported")));
    if (!failures) link("connecting");
    try {
      // What connects the tabs is there; where it cannot be had each is on its own.
      const loaded = isShared && core.beside().catch(() => null);
      const [part, user] = await Promise.all([loaded, whoAmI()]);
      if (mine !== life) return;
      if (state.user && state.user !== user) {
        marks.fail(new TidingsError("other_user"));
        state = NEW;
      }
      state = { ...state, status: "connecting", user };
      const tab: Tab = {
        ...{ take, obey, state: core.state },
        lead: () => {
          leader = newLeader(core, () => (tabs as Tabs).wants());
        },
        resign: () => {
          leader?.drop();
          leader = undefined;
          tell();
        },
        wants: () => ({ rooms: held, isVisible: isVisible() }),
        changed: () => leader?.changed(),
      };
      tabs = part ? part.joinTabs(`tidings:${url}:${user}`, tab) : leadAlone(tab);
      push.begin();
    } catch (thrown) {
      if (mine !== life) return;
      const error = errorOf(thrown);
      const then = next({ error, failures, isTokenNew: state.error?.status === 401 }, bounds, Math.random());
      isTold = !!error.retryAfterMs;
      link(then ? away("connecting") : "closed", faultOf(error));
      if (then) starting = setTimeout(start, then.ms, failures + 1);
    }
  };

  /** Somebody looks, or the network has changed: nobody waits any longer, unless the server has said how long. */
  const hurry = (isNetwork?: boolean) => {
    leader?.hurry(isNetwork);
    if (!starting) return;
    link(away("connecting"), state.error);
    if (isTold || !isOnline()) return;
    begin();
    starting = setTimeout(start, Math.random() * bounds.min, 1);
  };

  const leave = (status: Status) => {
    begin();
    tabs?.stop();
    tabs = undefined;
    link(status);
    // It may have been closed before, and something wait since.
    settle();
  };

  const connect = () => {
    if (tabs) return tabs.order("start");
    // It comes while the connection is being opened: when that has failed, there may be no network to load it over.
    core.beside().catch(() => {});
    if (state.status === "connecting") return;
    let isStored = false;
    unwatch ??= watchPage({
      visible() {
        tabs?.update();
        if (isVisible()) hurry();
      },
      hide() {
        isStored = !!tabs;
        if (isStored) leave("idle");
      },
      show() {
        if (isStored) start();
      },
      network() {
        marks.flush(true);
        hurry(true);
      },
    });
    start();
  };

  // What push can do is a matter of the browser, which must render the same first.
  const serverSnapshot = { ...getSnapshot(), push: { state: "unsupported", enabled: false } } as const;

  return {
    getSnapshot,
    subscribe: core.subscribe,
    getServerSnapshot: () => serverSnapshot,
    connect,
    close() {
      unwatch?.();
      unwatch = undefined;
      push.end();
      leave("closed");
    },
    ready: () =>
      new Promise((done, fail) => {
        const look = () => {
          if (state.status === "connected") done();
          else if (state.status === "closed") fail(closed());
          else return;
          off();
        };
        const off = emitter.on("status", look);
        look();
      }),
    reconnect: (transport) => tabs?.order("reconnect", transport),
    on: emitter.on,
    onType: (type, listener, listen) =>
      emitter.on("notification", (item) => item.type === type && listener(item as never), listen),
    fetchMore: to("fetchMore"),
    refresh: list,
    markRead: (target) => marks.mark("read", target),
    markUnread: (target) => marks.mark("unread", target),
    markSeen: (target = "all") => marks.mark("seen", target),
    archive: (target) => marks.mark("archived", target),
    delete: (id) => marks.mark("deleted", id),
    room(name) {
      held.push(name);
      tabs?.update();
      return newRoom(name, core, () => {
        held.splice(held.indexOf(name), 1);
        tabs?.update();
      });
    },
    mutes: { list: to("listMutes"), add: to("addMute"), remove: to("removeMute") },
    preferences: { get: to("getPreferences"), set: to("setPreferences") },
    push,
  };
}
