/** One being in a room: what an application holds. The state is the model's, and the way there is the connection's. */

import type { Emitter } from "./emitter.js";
import { errorOf } from "./errors.js";
import type { Http } from "./http.js";
import { NO_ROOM } from "./model/rooms.js";
import type { Input } from "./model/state.js";
import type { Order } from "./tabs.js";
import type { EventMap, Room, RoomSnapshot, Store } from "./types.js";
import type { History, Message, Ok } from "./wire.js";

/** How often it is said that somebody types, however fast that is. */
const TYPING_MS = 300;
/** How often a message is said again that is not known to have arrived; its nonce keeps it from being there twice. */
const PUBLISH_TRIES = 6;
const RETRY_MS = 1000;

export interface Around {
  readonly http: Http;
  readonly emitter: Emitter;
  readonly store: Store;
  hear(input: Input): void;
  /** Sends a command where this tab has a way for it, and gives its answer. */
  call(command: object): Promise<Ok> | null;
  order(order: Order): void;
  /** The last words of each room: what is published next follows them. */
  readonly tails: Map<string, Promise<unknown>>;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export function newRoom<D>(name: string, around: Around, onLeave: () => void): Room<D> {
  const { http, emitter, store, tails } = around;
  const left = new AbortController();
  const { signal } = left;
  const path = `rooms/${encodeURIComponent(name)}/`;
  let typedAt = 0;
  const getSnapshot = () => store.getSnapshot().rooms[name] ?? NO_ROOM;

  const on = <K extends "message" | "presence" | "typing">(event: K, hear: (data: EventMap[K]) => void) => {
    emitter.on(event, (data) => data.room === name && hear(data), { signal });
    return room;
  };

  const say = async (body: { data: D; event?: string | undefined; nonce: string }) => {
    for (let tries = 1; ; tries += 1) {
      try {
        const asked =
          around.call({ type: "message", room: name, ...body }) ?? http.json<Ok>(`${path}messages`, { body });
        return { position: (await asked).position as string };
      } catch (thrown) {
        const error = errorOf(thrown);
        if (!error.retryable || tries === PUBLISH_TRIES) throw error;
        await pause(error.retryAfterMs ?? RETRY_MS * tries * Math.random());
      }
    }
  };

  const room: Room<D> = {
    name,
    getSnapshot,
    here(listener) {
      let last: RoomSnapshot = NO_ROOM;
      const look = () => {
        const now = getSnapshot();
        const isTold = now.users === last.users && now.userCount === last.userCount;
        last = now;
        if (!isTold) listener(now.users, now.userCount);
      };
      signal.addEventListener("abort", store.subscribe(look));
      look();
      return room;
    },
    joining: (listener) => on("presence", ({ kind, user }) => kind === "joined" && listener(user)),
    leaving: (listener) => on("presence", ({ kind, user }) => kind === "left" && listener(user)),
    onMessage: (listener) => on("message", (message) => listener(message as Message<D>)),
    onTyping: (listener) => on("typing", ({ users }) => listener(users)),
    publish(data, { event } = {}) {
      const nonce = Math.random().toString(36).slice(2) + Date.now().toString(36);
      const body = { data, ...(event && { event }), nonce };
      const said = (tails.get(name) ?? Promise.resolve()).then(() => say(body));
      tails.set(
        name,
        said.catch(() => {}),
      );
      return said;
    },
    typing(active = true) {
      const now = Date.now();
      if (active && now - typedAt < TYPING_MS) return;
      typedAt = active ? now : 0;
      around.order({ do: "command", command: { type: "typing", room: name, active } });
    },
    async history({ since, limit } = {}) {
      const history = await http.json<History<D>>(http.url(`${path}messages`, { since, limit }));
      around.hear({ type: "@history", room: name, history });
      return history;
    },
    presence: () => http.json(`${path}presence`),
    leave() {
      if (signal.aborted) return;
      left.abort();
      onLeave();
    },
  };
  return room;
}
