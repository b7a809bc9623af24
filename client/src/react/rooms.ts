/** Rooms as hooks. Whoever asks for a room is in it for as long as the component is there. */

import { useCallback, useEffect, useMemo, useRef } from "react";
import { own } from "../model/position.js";
import { NO_ROOM } from "../model/rooms.js";
import type { History, Message, Position, Room, RoomSnapshot, Snapshot } from "../types.js";
import { useSnapshot, useStable, useTidings } from "./context.js";

/** A room may have any name, such as `constructor`. */
const placeOf = (rooms: Snapshot["rooms"], name: string): RoomSnapshot => own(rooms, name) ?? NO_ROOM;

export interface RoomHandle<D = unknown> extends Omit<RoomSnapshot, "messages" | "typing"> {
  /** The oldest first. */
  readonly messages: readonly Message<D>[];
  /** Who types now, oneself left out. */
  readonly typing: readonly string[];
  /** Answers when the room has numbered it; said once, also over a lost connection. */
  readonly publish: (data: D, options?: { event?: string }) => Promise<{ position: Position }>;
  /** At each key stroke. */
  readonly setTyping: (active?: boolean) => void;
  /** What the room still holds, merged into `messages`. */
  readonly history: (query?: { since?: Position; limit?: number }) => Promise<History<D>>;
}

export function useRoom<D = unknown>(name: string): RoomHandle<D> {
  const room = useBeing<D>(name);
  const snapshot = useSnapshot(({ rooms }) => placeOf(rooms, name));
  const publish = useCallback<RoomHandle<D>["publish"]>((data, options) => room().publish(data, options), [room]);
  const setTyping = useCallback<RoomHandle<D>["setTyping"]>((active) => room().typing(active), [room]);
  const history = useCallback<RoomHandle<D>["history"]>((query) => room().history(query), [room]);
  return useMemo(
    () => ({ ...snapshot, messages: snapshot.messages as readonly Message<D>[], publish, setTyping, history }),
    [snapshot, publish, setTyping, history],
  );
}

/** Who is in a room; being there oneself. */
export function usePresence(name: string): Pick<RoomSnapshot, "users" | "userCount"> {
  useBeing(name);
  const users = useSnapshot(({ rooms }) => placeOf(rooms, name).users);
  const userCount = useSnapshot(({ rooms }) => placeOf(rooms, name).userCount);
  return useStable({ users, userCount });
}

/** Who types in a room, and saying that one does. */
export function useTyping(name: string): { typing: readonly string[]; setTyping: (active?: boolean) => void } {
  const room = useBeing(name);
  const typing = useSnapshot(({ rooms }) => placeOf(rooms, name).typing);
  const setTyping = useCallback((active?: boolean) => room().typing(active), [room]);
  return useStable({ typing, setTyping });
}

/** Is in the room while the component is there; gives a way to it that is good from its first effect on. */
function useBeing<D = unknown>(name: string): () => Room<D> {
  const client = useTidings();
  const current = useRef<Room<D> | null>(null);
  useEffect(() => {
    const room = client.room<D>(name);
    current.current = room;
    return () => {
      current.current = null;
      room.leave();
    };
  }, [client, name]);
  return useCallback(() => {
    if (!current.current) throw new Error(`the component is not in the room ${name} any more`);
    return current.current;
  }, [name]);
}
