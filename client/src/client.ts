/**
 * Puts the parts together: the model that every tab runs, the connection that one of them has, and what an application
 * calls. Nothing is decided here that a part decides.
 */

import { newMutes, newPreferences } from "./api.js";
import { backoff, type Policy } from "./connection/link.js";
import { newEmitter, safely } from "./emitter.js";
import { AuthError, errorOf, faultOf, TidingsError } from "./errors.js";
import { newHttp } from "./http.js";
import { type Leader, newLeader } from "./leader.js";
import { newLister } from "./lister.js";
import { newMarks, whichOf } from "./marks.js";
import { memoryOf } from "./memory.js";
import { INBOX } from "./model/change.js";
import { isUpTo } from "./model/position.js";
import { type Input, newState, type State } from "./model/state.js";
import { step } from "./model/step.js";
import { viewer } from "./model/view.js";
import { isVisible, takeClicked, watchPage } from "./page.js";
import { newPush } from "./push.js";
import { newRoom } from "./room.js";
import { closeShown, setBadge } from "./shown.js";
import { joinTabs, type Order, type Tab, type Tabs } from "./tabs.js";
import { newTokens, subjectOf } from "./tokens.js";
import type { Fault, Options, Registry, Snapshot, Status, Target, Tidings, Transport } from "./types.js";

const LADDER: readonly Transport[] = ["ws", "sse", "longpoll", "poll"];
const HOUR_MS = 3_600_000;

export function createTidings<R extends Registry = Registry>(options: Options = {}): Tidings<R> {
  const { sharing = "tabs", hiddenGrace = 300_000, pageSize = 50, roomSize = 200, pollInterval = 30_000 } = options;
  const { min: minMs = 500, max: maxMs = 20_000, minUptime: minUptimeMs = 5000 } = options.backoff ?? {};
  const base = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  const ladder = (options.transports ?? LADDER).filter((transport) => transport !== "ws" || Socket);
  const policy: Policy = { ladder, minMs, maxMs, minUptimeMs, rememberMs: HOUR_MS };

  const tokens = newTokens(options);
  const http = newHttp(base, tokens, options.fetch ?? ((...call) => globalThis.fetch(...call)));
  const emitter = newEmitter();
  const listeners = new Set<() => void>();
  const held = new Map<string, number>((options.rooms ?? []).map((room) => [room, 1]));
  const view = viewer();

  let state = newState(roomSize);
  let tabs: Tabs | undefined;
  let leader: Leader | undefined;
  let unwatch: (() => void) | undefined;
  /** Counts starts and ends, so that what was begun in one life does nothing in the next. */
  let life = 0;
  let isTelling = false;
  let badge: number | undefined;

  const isLeader = () => tabs?.isLeader ?? false;
  const push = newPush({
    http,
    base,
    serviceWorker: options.serviceWorker ?? "/sw.js",
    user: () => state.user,
    changed: tell,
  });
  const getSnapshot = (): Snapshot => view(state, isLeader(), push.snapshot());
  const serverSnapshot = viewer()(newState(roomSize), false, push.snapshot());

  function tell(): void {
    if (isTelling) return;
    isTelling = true;
    queueMicrotask(() => {
      isTelling = false;
      const { unseen, loaded } = getSnapshot();
      if (isLeader() && loaded && options.badge !== false && unseen !== badge) setBadge((badge = unseen));
      for (const listener of [...listeners]) safely(listener);
    });
  }

  /** Takes an input in this tab. */
  function take(input: Input): void {
    if (input.type[0] !== "@") emitter.emit("frame", input as never);
    const [next, effects] = step(state, input, new Date().toISOString());
    const isOther = next !== state;
    state = next;
    for (const effect of effects) {
      if (effect.do === "list") {
        if (isLeader()) lister.list().catch((error) => emitter.emit("error", faultOf(errorOf(error))));
        continue;
      }
      emitter.emit(effect.event, effect.data);
      if (effect.event === "marked" && isLeader()) closeShown(effect.data).catch(() => {});
    }
    if (input.type === "@link" && input.status === "connected") marks.flush();
    if (input.type === "@link" && input.status === "closed") marks.fail(closedBy(input.error));
    if (isOther) tell();
  }

  /** Takes an input in all tabs; only the leader has any for all. */
  function hear(input: Input): void {
    const user = input.type === "welcome" && "user" in input ? input.user : state.user;
    if (user !== state.user && state.user !== null) {
      const error = new AuthError(`the token is that of ${user}, and this client that of ${state.user}`);
      return leader?.connection.act({ type: "lost", loss: { error } });
    }
    tabs?.relay(input);
    take(input);
    leader?.ack();
  }

  function lead(): void {
    const host = { http, tokens, policy, pollIntervalMs: pollInterval, hiddenGrace, WebSocket: Socket };
    leader = newLeader({ ...host, memory: memoryOf(ladder), state: () => state, tabs: tabs as Tabs, hear });
    leader.start();
  }

  function resign(): void {
    leader?.end();
    leader = undefined;
  }

  const lister = newLister(
    http,
    pageSize,
    () => state,
    (input) => (isLeader() && input.type === "@page" && !("isOlder" in input) ? hear(input) : take(input)),
  );
  const marks = newMarks(http, options.queue?.max ?? 64, take);

  /** What the leader knows is more than we do, but not what is pending here. What we have missed is told. */
  function adopt(theirs: State): void {
    const known = state.cursors;
    state = { ...theirs, pending: state.pending };
    const isNew = (stream: string, position: string) => known[stream] && !isUpTo(position, known[stream]);
    for (const item of [...state.items].reverse()) {
      if (isNew(INBOX, item.position)) emitter.emit("notification", item);
    }
    for (const message of Object.values(state.rooms).flatMap(({ messages }) => messages)) {
      if (isNew(message.room, message.position)) emitter.emit("message", message);
    }
    const { status, transport } = state;
    emitter.emit("status", { status, transport });
    if (status === "connected") marks.flush();
    tell();
  }

  function obey(order: Order): void {
    const connection = leader?.connection;
    if (order.do === "command") return void connection?.send(order.command);
    if (state.status === "closed" || state.status === "idle") connection?.act({ type: "start" });
    else if (!order.isGentle) connection?.act({ type: "choose", transport: order.transport });
  }

  const tab: Tab = {
    ...{ lead, resign, adopt, obey, isVisible, hear: take },
    state: () => state,
    rooms: () => [...held.keys()],
    changed: () => leader?.changed(),
  };

  function link(status: Status, error: Fault | null = null): void {
    take({ type: "@link", status, transport: state.transport, error });
  }

  /** Finds out who this is, which says whose tabs these are, and joins them. */
  async function start(): Promise<void> {
    life += 1;
    const mine = life;
    link("connecting");
    for (let failures = 0; mine === life; failures += 1) {
      try {
        const token = await tokens.get();
        const user = (token && subjectOf(token)) || (await http.json<{ user: string }>("me")).user;
        if (mine !== life) return;
        state = { ...(state.user === user ? state : newState(roomSize)), status: "connecting", user };
        const name = sharing === "tabs" ? `tidings:${base}:${user}` : null;
        tabs = joinTabs(name, tab);
        const opened = takeClicked();
        if (opened) marks.mark("read", { ids: [opened] }).catch(() => {});
        push.look().catch(() => {});
        return;
      } catch (thrown) {
        const error = errorOf(thrown);
        if (mine !== life) return;
        link(error.retryable ? "connecting" : "closed", faultOf(error));
        if (!error.retryable) return;
        await new Promise((done) => setTimeout(done, error.retryAfterMs ?? backoff(policy, failures, Math.random())));
      }
    }
  }

  function leave(status: Status): void {
    life += 1;
    tabs?.stop();
    tabs = undefined;
    link(status);
  }

  function connect(): void {
    if (tabs) return order({ do: "reconnect", isGentle: true });
    if (state.status === "connecting") return;
    unwatch ??= watchPage({
      visible() {
        tabs?.update();
        if (isVisible()) leader?.connection.act({ type: "hurry" });
      },
      hide: () => tabs && leave("idle"),
      show: start,
      network: () => leader?.connection.network(),
      clicked({ id, url }) {
        if (id) marks.mark("read", { ids: [id] }).catch(() => {});
        if (emitter.has("open")) emitter.emit("open", { id, url });
        else if (url && url !== location.href) location.assign(url);
      },
    });
    start();
  }

  function close(): void {
    unwatch?.();
    unwatch = undefined;
    leave("closed");
  }

  const mark = async (as: Parameters<typeof marks.mark>[0], target: Target) => {
    await Promise.all(whichOf(target, state).map((which) => marks.mark(as, which)));
  };

  const store = {
    getSnapshot,
    getServerSnapshot: () => serverSnapshot,
    subscribe(listener: () => void) {
      const own = () => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
  const order = (what: Order) => tabs?.order(what);
  const around = {
    ...{ http, emitter, store, order, hear: take, tails: new Map() },
    call: (command: object) => leader?.connection.call(command) ?? null,
  };

  return {
    ...store,
    connect,
    close,
    ready: () =>
      new Promise((done, fail) => {
        const look = ({ status, error }: Pick<Snapshot, "status" | "error">) => {
          if (status === "connected") done();
          else if (status === "closed") fail(closedBy(error));
          else return;
          off();
        };
        const off = emitter.on("status", () => look(state));
        look(state);
      }),
    reconnect: (transport) => order({ do: "reconnect", transport }),
    on: emitter.on,
    onType: (type, listener, listen) =>
      emitter.on("notification", (item) => item.type === type && listener(item as never), listen),
    fetchMore: lister.more,
    refresh: lister.list,
    markRead: (target) => mark("read", target),
    markUnread: (target) => mark("unread", target),
    markSeen: (target = "all") => mark("seen", target),
    archive: (target) => mark("archived", target),
    delete: (id) => mark("deleted", id),
    room(name) {
      held.set(name, (held.get(name) ?? 0) + 1);
      tabs?.update();
      return newRoom(name, around, () => {
        const left = (held.get(name) ?? 1) - 1;
        if (left) held.set(name, left);
        else held.delete(name);
        tabs?.update();
      });
    },
    mutes: newMutes(http),
    preferences: newPreferences(http),
    push,
  };
}

const closedBy = (error: Fault | null) =>
  error ? new TidingsError(error.code, error.message, error) : new TidingsError("closed", "the client was closed");
