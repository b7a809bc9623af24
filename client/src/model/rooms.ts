/** What is known of a room: who is here, who types, what was said. The same rules as for an inbox's items. */

import type { RoomSnapshot } from "../types.js";
import type { History, Left, Message, Ok, Presence, Refusal } from "../wire.js";
import { epochOf, offsetOf } from "./position.js";

/** As many as the server names. */
const USERS_MAX = 200;

export const NO_ROOM: RoomSnapshot = {
  status: "joining",
  users: [],
  userCount: 0,
  typing: [],
  messages: [],
  error: null,
};

export function joined(room: RoomSnapshot, { users = [], user_count = 0 }: Partial<Ok>): RoomSnapshot {
  return { ...room, status: "joined", users: [...users].sort(), userCount: user_count, error: null };
}

/** The connection is away: who types is not known any more. */
export function unsettled(room: RoomSnapshot): RoomSnapshot {
  return room.status === "left" ? room : { ...room, status: "joining", typing: [] };
}

/** Refused or sent out; what may pass is tried again, and the room waits. */
export function refused(room: RoomSnapshot, frame: Refusal | Left): RoomSnapshot {
  const { code, message, retryable } =
    frame.type === "error" ? frame : { code: frame.reason, message: `sent out of ${frame.room}`, retryable: false };
  const error = { code, message, retryable };
  if (retryable) return { ...room, error };
  return { ...room, status: "left", users: [], userCount: 0, typing: [], error };
}

export function present(room: RoomSnapshot, { type, user, user_count }: Presence): RoomSnapshot {
  const others = room.users.filter((one) => one !== user);
  const users = type === "user_left" || others.length >= USERS_MAX ? others : [...others, user].sort();
  return { ...room, users, userCount: user_count };
}

/** Messages of one life of the numbering are in its order, and behind those of lives before. */
export function said(messages: readonly Message[], more: readonly Message[], most: number): readonly Message[] {
  const last = more.at(-1);
  if (!last) return messages;
  const epoch = epochOf(last.position);
  const before = messages.filter(({ position }) => epochOf(position) !== epoch);
  const now = new Map([...messages, ...more].map((message) => [message.position, message]));
  const ordered = [...now.values()]
    .filter(({ position }) => epochOf(position) === epoch)
    .sort((a, b) => offsetOf(a.position) - offsetOf(b.position));
  return [...before, ...ordered].slice(-most);
}

export function remembered(room: RoomSnapshot, history: History, most: number): RoomSnapshot {
  return { ...room, messages: said(room.messages, history.messages, most) };
}
