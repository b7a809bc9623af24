/**
 * The one place that decides what something that happens means: `(state, input, now) → [state, effects]`, and nothing
 * else. Every tab runs it over the same inputs in the same order, so whichever of them has the connection next goes on
 * from where all of them are. It does not know what has carried an input.
 */

import type { EventMap, RoomSnapshot } from "../types.js";
import { type Counters, isNotification, type Message, type Position, type Timestamp } from "../wire.js";
import { isOld, isShort, type Made, mark, refreshed, without } from "./inbox.js";
import { INBOX, isUpTo, judge, offsetOf, own, parseCursor } from "./position.js";
import { NO_ROOM, said } from "./rooms.js";
import type { Effect, Input, State } from "./state.js";

/** Users of a room that are kept: as many as the server names. */
const USERS_MAX = 200;
/** Notifications that are kept; older ones are to be fetched again. */
const ITEMS_MAX = 1000;

const rest = <T>(all: Readonly<Record<string, T>>, name: string) => {
  const { [name]: _, ...others } = all;
  return others;
};

type Draft = { -readonly [K in keyof State]: State[K] };

export function step(known: State, input: Input, now: Timestamp, roomSize: number): [State, readonly Effect[]] {
  const state: Draft = { ...known };
  const effects: Effect[] = [];
  const tell = <K extends keyof EventMap>(event: K, data: EventMap[K]) => void effects.push([event, data] as Effect);
  const list = () => {
    state.owed = true;
    if (state.status === "connected") effects.push(["@list"]);
  };

  /** Changes a room, if somebody is in it. */
  const setRoom = (name: string, part: Partial<RoomSnapshot>) => {
    const room = own(state.rooms, name);
    if (room) state.rooms = { ...state.rooms, [name]: { ...room, ...part } };
  };
  const sendOut = (name: string, code: string, message: string) =>
    setRoom(name, { ...NO_ROOM, status: "left", error: { code, message, retryable: false } });
  const say = (name: string, more: readonly Message[]) =>
    setRoom(name, { messages: said(own(state.rooms, name)?.messages ?? [], more, roomSize) });
  /** The connection is away: who types is not known any more. */
  const unsettle = () => {
    for (const [name, { status }] of Object.entries(state.rooms))
      if (status !== "left") setRoom(name, { status: "joining", typing: [] });
  };

  const lose = (stream: string, reason: string) => {
    tell("reset", { stream, reason });
    if (stream === INBOX) list();
  };
  const advance = (stream: string, to: Position) => {
    state.cursors = { ...state.cursors, [stream]: to };
  };
  /** Goes on to what has not been heard yet. A hole that nobody has announced is a fault of the server, and is told. */
  const isNext = (stream: string, to: Position, from = offsetOf(to) - 1) => {
    const verdict = judge(own(state.cursors, stream), from, to);
    if (verdict === "jump") lose(stream, verdict);
    if (verdict !== "old") advance(stream, to);
    return verdict !== "old";
  };
  /** A stream begins, or what was missed up to now follows. */
  const resume = (stream: string, to: Position, result: string | undefined) => {
    const from = own(state.cursors, stream) ?? to;
    if (result === "fresh") return advance(stream, to);
    const count = Math.max(0, offsetOf(to) - offsetOf(from));
    const complete = result === "complete";
    if (count || !complete) tell("recovered", { stream, count, complete });
  };

  /** Takes newer counters; where they say of more marks than the `told` ones, what was marked has to be read. */
  const count = (counters: Counters, told = 0) => {
    const { version, marks_version: marks } = state.counters;
    const marks_version = Math.max(counters.marks_version, marks);
    if (state.loaded && marks_version > marks + told) list();
    if (counters.version > version || marks_version > marks)
      state.counters = { ...(counters.version > version ? counters : state.counters), marks_version };
  };
  /** Marks the items as the server has them. One that comes back from the archive is not here, and has to be read. */
  const apply = (made: Made) => {
    const { items } = state;
    const [left, counted] = mark(items, state.counters, made);
    state.items = left;
    if (made.as === "unread" && !made.which.ids?.every((id) => items.some((item) => item.id === id))) list();
    return counted;
  };

  const take = () => {
    if (isNotification(input)) {
      if (!isNext(INBOX, input.position)) return;
      // What the list has been read up to is in it, or not to be shown any more.
      if (!isUpTo(input.position, state.top)) {
        state.items = [input, ...state.items].slice(0, ITEMS_MAX);
        if (state.items.length <= known.items.length) state.before = state.items.at(-1)?.position ?? null;
      }
      return tell("notification", input);
    }
    // What is on its way when a room is left concerns nobody.
    if ("room" in input && input.room && input.type !== "@want" && !own(state.rooms, input.room)) return;
    switch (input.type) {
      case "welcome":
        state.user = input.user;
        unsettle();
        count(input.inbox.counters);
        resume(INBOX, input.inbox.position, input.resume);
        if (input.resume === "fresh") list();
        return;
      case "skip":
        isNext(input.stream, input.to, offsetOf(input.from));
        return;
      case "gap":
        // Another life of the inbox counts anew.
        if (input.stream === INBOX && /epoch|ahead/.test(input.reason))
          state.counters = { ...state.counters, version: -1, marks_version: -1 };
        lose(input.stream, input.reason);
        return advance(input.stream, input.to);
      case "unread":
        return count(input.counters);
      case "marked": {
        const { type, counters, ...which } = input;
        // Whoever has marked over HTTP is told as well, and knows it already.
        if (counters.marks_version > state.counters.marks_version) {
          apply({ as: input.as, which, at: now });
          tell("marked", { ...which, counters });
        }
        return count(counters, 1);
      }
      case "message":
        if (!isNext(input.room, input.position)) return;
        say(input.room, [input]);
        return tell("message", input);
      case "ok": {
        const { room, position, users = [], user_count: userCount = 0 } = input;
        if (input.command !== "join" || !room || !position) return;
        setRoom(room, { status: "joined", users, userCount, error: null });
        return resume(room, position, input.resume);
      }
      case "error": {
        const { room, code, message } = input;
        if (input.command === "join" && room && !input.retryable) sendOut(room, code, message);
        return;
      }
      case "left":
        return sendOut(input.room, input.reason, input.reason);
      case "user_joined":
      case "user_left": {
        const { room, user, user_count: userCount } = input;
        const kind = input.type.slice("user_".length) as "joined" | "left";
        const users = (own(state.rooms, room) ?? NO_ROOM).users.filter((one) => one !== user);
        if (kind === "joined") users.push(user);
        setRoom(room, { users: users.slice(0, USERS_MAX), userCount });
        return tell("presence", { room, user, kind, userCount });
      }
      case "typing": {
        const users = input.users.filter((user) => user !== state.user);
        setRoom(input.room, { typing: users });
        return tell("typing", { room: input.room, users });
      }
      case "@page": {
        const { page, isOlder, isBelieved } = input;
        const { counters } = state;
        const top = parseCursor(page.cursor)[INBOX] ?? "";
        // A follower may know of a mark that the leader did not when it read this, or show more than the leader does.
        if (!isOlder && !isBelieved && (isOld(page, state) || isShort(state.items, page, top))) return list();
        state.before = page.next_before;
        if (isOlder) state.items = [...state.items, ...without(page.notifications, state.items)];
        else {
          // At the same version it is the server that counts right: a deletion was counted here.
          state.counters =
            isBelieved || page.counters.version >= counters.version
              ? page.counters
              : { ...counters, marks_version: page.counters.marks_version };
          state.top = top;
          state.items = refreshed(state.items, page, top, state.cursors[INBOX] ?? top);
          state.loaded = true;
          state.owed = false;
        }
        return;
      }
      case "@polled":
        for (const [stream, position] of Object.entries(parseCursor(input.cursor))) {
          if (!own(state.cursors, stream)) advance(stream, position);
          // Who polls is in no room, and sees nobody there.
          if (own(state.rooms, stream)?.status !== "joined") setRoom(stream, { status: "joined", error: null });
        }
        return;
      case "@link": {
        const { type, ...link } = input;
        const { status, transport, error } = link;
        Object.assign(state, link);
        if (status !== "connected") unsettle();
        else if (known.status !== status && state.owed) list();
        if (status !== known.status || transport !== known.transport) tell("status", { status, transport });
        if (error && error !== known.error) tell("error", error);
        return;
      }
      case "@adopt":
        // The leader knows more than we do, but not what is pending here.
        Object.assign(state, input.state, { pending: known.pending });
        // What others were told meanwhile is in the list, and is not told here.
        if (known.cursors[INBOX] && known.cursors[INBOX] !== state.cursors[INBOX])
          tell("reset", { stream: INBOX, reason: "adopted" });
        return tell("status", { status: state.status, transport: state.transport });
      case "@want":
        state.rooms = { [input.room]: NO_ROOM, ...state.rooms };
        return;
      case "@drop":
        state.rooms = rest(state.rooms, input.room);
        state.cursors = rest(state.cursors, input.room);
        return;
      case "@history":
        return say(input.room, input.history.messages);
      case "@pending":
        state.pending = [...state.pending.filter(({ id }) => id !== input.pending.id), { ...input.pending, at: now }];
        return;
      case "@settled": {
        const made = state.pending.find(({ id }) => id === input.id);
        state.pending = state.pending.filter((one) => one !== made);
        if (!made || input.isRefused) return;
        // It was told already, and newer ones with it, which it must not undo.
        if (input.counters && input.counters.marks_version < state.counters.marks_version) return list();
        const counted = apply(made);
        // A deletion is answered without counters: what is left is counted here until they come.
        const counters = input.counters ?? { ...state.counters, ...counted };
        if (!input.counters) state.counters = counters;
        // It may have been told to this session before it was answered.
        if (!input.counters || counters.marks_version > state.counters.marks_version)
          tell("marked", { as: made.as, ...made.which, counters });
        return count(counters, 1);
      }
    }
  };
  take();
  return [state, effects];
}
