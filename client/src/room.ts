/** One being in a room: what an application holds. The state is the model's, and the way there is the connection's. */

import type { Core } from "./core.js";
import { own } from "./model/position.js";
import { NO_ROOM } from "./model/rooms.js";
import type { EventMap, Room } from "./types.js";
import type { Message } from "./wire.js";

/** How often it is said that somebody types, however fast that is. */
const TYPING_MS = 300;

export function newRoom<D>(name: string, core: Core, onLeave: () => void): Room<D> {
  const { emitter } = core;
  const left = new AbortController();
  let typedAt = 0;
  const getSnapshot = () => own(core.getSnapshot().rooms, name) ?? NO_ROOM;

  const on = <K extends "message" | "presence" | "typing">(event: K, hear: (data: EventMap[K]) => void) => {
    emitter.on(event, (data) => data.room === name && hear(data), left);
    return room;
  };

  const room: Room<D> = {
    name,
    getSnapshot,
    here(listener) {
      if (left.signal.aborted) return room;
      let told = ",0";
      const look = () => {
        const { users, userCount } = getSnapshot();
        const now = `${users},${userCount}`;
        if (now !== told) listener(users, userCount);
        told = now;
      };
      left.signal.addEventListener("abort", core.subscribe(look));
      look();
      return room;
    },
    joining: (listener) => on("presence", ({ kind, user }) => kind === "joined" && listener(user)),
    leaving: (listener) => on("presence", ({ kind, user }) => kind === "left" && listener(user)),
    onMessage: (listener) => on("message", (message) => listener(message as Message<D>)),
    onTyping: (listener) => on("typing", ({ users }) => listener(users)),
    publish: (...said) => core.act("publish", name, ...said),
    typing(active = true) {
      const now = Date.now();
      if (active && now - typedAt < TYPING_MS) return;
      typedAt = active ? now : 0;
      core.order({ type: "typing", room: name, active });
    },
    history: (query) => core.act("history", name, query) as Promise<never>,
    presence: () => core.act("presence", name),
    leave() {
      if (left.signal.aborted) return;
      left.abort();
      onLeave();
    },
  };
  return room;
}
