/** One step of the model while it is being decided: what the state becomes, and what is to be done. */

import type { EventMap, RoomSnapshot } from "../types.js";
import type { Counters, Position, Timestamp } from "../wire.js";
import { mark, type Pending } from "./inbox.js";
import { isUpTo, judge } from "./position.js";
import type { Effect, State } from "./state.js";

export const INBOX = "inbox";

export class Change {
  readonly effects: Effect[] = [];
  state: State;
  readonly now: Timestamp;

  constructor(state: State, now: Timestamp) {
    this.state = state;
    this.now = now;
  }

  set(part: Partial<State>): void {
    this.state = { ...this.state, ...part };
  }

  tell<K extends keyof EventMap>(event: K, data: EventMap[K]): void {
    this.effects.push({ do: "emit", event, data } as Effect);
  }

  list(): void {
    this.effects.push({ do: "list" });
  }

  /** Changes a room, if somebody is in it. */
  room(name: string, become: (room: RoomSnapshot) => RoomSnapshot): void {
    const known = this.state.rooms[name];
    const next = known && become(known);
    if (next && next !== known) this.set({ rooms: { ...this.state.rooms, [name]: next } });
  }

  rooms(become: (room: RoomSnapshot) => RoomSnapshot): void {
    for (const name of Object.keys(this.state.rooms)) this.room(name, become);
  }

  /** Whether it has not been heard yet. A hole that nobody has announced is a fault of the server, and is told. */
  isNext(stream: string, from: number, to: Position): boolean {
    const verdict = judge(this.state.cursors[stream], from, to);
    if (verdict === "jump") this.lose(stream, "jump");
    return verdict !== "old";
  }

  lose(stream: string, reason: string): void {
    const owed = this.state.owed[stream];
    if (owed) this.set({ owed: { ...this.state.owed, [stream]: { ...owed, isComplete: false } } });
    this.tell("reset", { stream, reason });
    if (stream === INBOX) this.list();
  }

  /** Moves a stream's position, and tells when all that was owed of it has come. */
  advance(stream: string, to: Position, heard = 0): void {
    this.set({ cursors: { ...this.state.cursors, [stream]: to } });
    const owed = this.state.owed[stream];
    if (!owed) return;
    const count = owed.count + heard;
    const { [stream]: _, ...others } = this.state.owed;
    if (!isUpTo(owed.to, to)) return this.set({ owed: { ...others, [stream]: { ...owed, count } } });
    this.set({ owed: others });
    if (count > 0 || !owed.isComplete) this.tell("recovered", { stream, count, complete: owed.isComplete });
  }

  /** A stream was resumed, and reaches to `to` now. */
  owe(stream: string, to: Position, isComplete: boolean): void {
    const known = this.state.cursors[stream];
    if (isComplete && known && isUpTo(to, known)) return;
    this.set({ owed: { ...this.state.owed, [stream]: { to, count: 0, isComplete } } });
  }

  /** Takes newer counters; what they say of more marks than the `told` ones has to be read from the list. */
  count(counters: Counters, told: number): void {
    const known = this.state.counters;
    if (this.state.isLoaded && counters.marks_version > known.marks_version + told) this.list();
    const marks_version = Math.max(counters.marks_version, known.marks_version);
    if (counters.version > known.version) this.set({ counters: { ...counters, marks_version } });
    else if (marks_version > known.marks_version) this.set({ counters: { ...known, marks_version } });
  }

  /** Marks the items as the server has them, and answers what is left. An item that comes back has to be read. */
  apply(made: Omit<Pending, "id">): Pick<Counters, "unread" | "unseen"> {
    const { items, counters, before } = this.state;
    const { as, which } = made;
    const left = mark(items, counters, made, before === null);
    this.set({ items: left.items });
    const isHere = (id: string) => items.some((item) => item.id === id);
    if (as === "unread" && !(which.ids ?? [""]).every(isHere)) this.list();
    return left.counted;
  }
}
