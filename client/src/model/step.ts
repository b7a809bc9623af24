/**
 * The one place that decides what something that happens means: `(state, input, now) → [state, effects]`, and nothing
 * else. Every tab runs it over the same inputs in the same order, so whichever of them has the connection next goes on
 * from where all of them are. It does not know what has carried an input.
 */

import { type Frame, isNotification, type Notification, type Page, type Timestamp } from "../wire.js";
import { Change, INBOX } from "./change.js";
import { extended, insert, pageTop, refreshed } from "./inbox.js";
import { epochOf, offsetOf, parseCursor } from "./position.js";
import { joined, NO_ROOM, present, refused, remembered, said, unsettled } from "./rooms.js";
import type { Effect, Input, OwnInput, State } from "./state.js";

export function step(state: State, input: Input, now: Timestamp): [State, readonly Effect[]] {
  const change = new Change(state, now);
  if (isOwn(input)) takeOwn(change, input);
  else if (isNotification(input)) takeNotification(change, input);
  // What is on its way when a room is left concerns nobody.
  else if (!("room" in input) || !input.room || state.rooms[input.room]) takeEvent(change, input);
  return [change.state, change.effects];
}

const isOwn = (input: Input): input is OwnInput => input.type[0] === "@";

function takeNotification(change: Change, item: Notification): void {
  if (!change.isNext(INBOX, offsetOf(item.position) - 1, item.position)) return;
  change.set({ items: insert(change.state.items, item) });
  change.tell("notification", item);
  change.advance(INBOX, item.position, 1);
}

function takeEvent(change: Change, event: Exclude<Frame, Notification>): void {
  const { state } = change;
  switch (event.type) {
    case "welcome": {
      const { position, counters } = event.inbox;
      change.set({ user: event.user });
      change.rooms(unsettled);
      change.count(counters, 0);
      if (event.resume !== "fresh") return change.owe(INBOX, position, event.resume === "complete");
      change.advance(INBOX, position);
      return change.list();
    }
    case "skip": {
      if (change.isNext(event.stream, offsetOf(event.from), event.to)) change.advance(event.stream, event.to);
      return;
    }
    case "gap": {
      const { stream, reason } = event;
      // Another life of the inbox counts anew.
      if (stream === INBOX && reason !== "pruned")
        change.set({ counters: { ...state.counters, version: -1, marks_version: -1 } });
      change.lose(stream, reason);
      return change.advance(stream, event.to);
    }
    case "unread":
      return change.count(event.counters, 0);
    case "marked": {
      const { type, counters, ...made } = event;
      // Whoever has marked over HTTP is told as well, and knows it already.
      if (counters.marks_version > state.counters.marks_version) {
        change.apply({ as: made.as, which: made, at: change.now });
        change.tell("marked", { ...made, counters });
      }
      return change.count(counters, 1);
    }
    case "message": {
      const { room, position } = event;
      if (!change.isNext(room, offsetOf(position) - 1, position)) return;
      change.room(room, (known) => ({ ...known, messages: said(known.messages, [event], state.roomSize) }));
      change.tell("message", event);
      return change.advance(room, position, 1);
    }
    case "ok": {
      const { room, position, resume } = event;
      if (event.command !== "join" || !room || !position) return;
      change.room(room, (known) => joined(known, event));
      if (resume === "fresh") return change.advance(room, position);
      return change.owe(room, position, resume === "complete");
    }
    case "error":
      if (event.command === "join" && event.room) change.room(event.room, (known) => refused(known, event));
      return;
    case "left":
      return change.room(event.room, (known) => refused(known, event));
    case "user_joined":
    case "user_left": {
      const { type, room, user, user_count: userCount } = event;
      change.room(room, (known) => present(known, event));
      return change.tell("presence", { room, user, kind: type === "user_left" ? "left" : "joined", userCount });
    }
    case "typing": {
      const { room } = event;
      const users = event.users.filter((user) => user !== state.user);
      change.room(room, (known) => ({ ...known, typing: users }));
      return change.tell("typing", { room, users });
    }
  }
}

function takeOwn(change: Change, input: OwnInput): void {
  const { state } = change;
  switch (input.type) {
    case "@page": {
      const { page, isOlder } = input;
      if (!isOlder) return takePage(change, page);
      return change.set({ items: extended(state.items, page), before: page.next_before });
    }
    case "@polled": {
      for (const [stream, position] of Object.entries(parseCursor(input.cursor))) {
        if (!state.cursors[stream]) change.advance(stream, position);
        // Who polls is in no room, and sees nobody there.
        change.room(stream, (known) => (known.status === "joined" ? known : joined(known, {})));
      }
      if (!state.isLoaded) change.list();
      return;
    }
    case "@link": {
      const { status, transport, error } = input;
      change.set({ status, transport, error });
      if (status !== "connected") change.rooms(unsettled);
      if (status !== state.status || transport !== state.transport) change.tell("status", { status, transport });
      if (error && error !== state.error) change.tell("error", error);
      return;
    }
    case "@want":
      return change.set({ rooms: { [input.room]: NO_ROOM, ...state.rooms } });
    case "@drop": {
      const without = <T>({ [input.room]: _, ...others }: Readonly<Record<string, T>>) => others;
      return change.set({
        rooms: without(state.rooms),
        cursors: without(state.cursors),
        owed: without(state.owed),
      });
    }
    case "@history":
      return change.room(input.room, (known) => remembered(known, input.history, state.roomSize));
    case "@pending":
      return change.set({ pending: [...state.pending, input.pending] });
    case "@settled": {
      const made = state.pending.find(({ id }) => id === input.id);
      change.set({ pending: state.pending.filter((one) => one !== made) });
      if (!made || input.isRefused) return;
      const known = state.counters;
      // A deletion is answered without counters: what is left is counted here until they come.
      const left = change.apply(made);
      const counters = input.counters ?? { ...known, ...left };
      if (!input.counters) change.set({ counters });
      // It may have been told to this session before it was answered.
      if (!input.counters || counters.marks_version > known.marks_version)
        change.tell("marked", { as: made.as, ...made.which, counters });
      return change.count(counters, 1);
    }
  }
}

/** A page that was read before something that is known here would take it back, so it is read again. */
function takePage(change: Change, page: Page): void {
  const { state } = change;
  const top = pageTop(page);
  const known = state.cursors[INBOX];
  const isOther = known && offsetOf(known) && offsetOf(top) && epochOf(known) !== epochOf(top);
  if (isOther || page.counters.marks_version < state.counters.marks_version) return change.list();
  if (!known) change.advance(INBOX, top);
  change.count(page.counters, Number.POSITIVE_INFINITY);
  change.set({ items: refreshed(change.state.items, page), before: page.next_before, isLoaded: true });
}
