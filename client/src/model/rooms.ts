/** What is known of a room. */

import type { RoomSnapshot } from "../types.js";
import type { Message } from "../wire.js";
import { epochOf, offsetOf } from "./position.js";

export const NO_ROOM: RoomSnapshot = {
  status: "joining",
  users: [],
  userCount: 0,
  typing: [],
  messages: [],
  error: null,
};

/** Those of one life of the numbering are in its order, each once, and behind those of lives before. */
export function said(messages: readonly Message[], more: readonly Message[], most: number): readonly Message[] {
  const all = [...new Map([...messages, ...more].map((message) => [message.position, message])).values()];
  const newest = more.at(-1);
  const isNow = ({ position }: Message) => !!newest && epochOf(position) === epochOf(newest.position);
  const now = all.filter(isNow).sort((a, b) => offsetOf(a.position) - offsetOf(b.position));
  return [...all.filter((message) => !isNow(message)), ...now].slice(-most);
}
