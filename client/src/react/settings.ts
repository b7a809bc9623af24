/** What a user wants to be told, and how: mutes, preferences, push. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { inTurn, PREFERENCES } from "../turn.js";
import type { Mute, Preferences, PushSnapshot, Tidings, Timestamp } from "../types.js";
import { useSnapshot, useStable, useTidings } from "./context.js";

interface Asked<T> {
  readonly value: T | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
}

/** What the server holds, asked for once, and put anew by what changes it. */
function useAsked<T>(ask: (client: Tidings) => Promise<T>): [Asked<T>, (action: Promise<T>) => Promise<T>] {
  const client = useTidings();
  const [asked, set] = useState<Asked<T>>({ value: null, isLoading: true, error: null });
  const asker = useRef(ask).current;
  // The answers of a component that has gone, or to a question before the last, are nobody's.
  const turn = useRef(0);
  const take = useCallback(async (action: Promise<T>): Promise<T> => {
    const mine = ++turn.current;
    const settle = (part: Partial<Asked<T>>) => {
      if (mine === turn.current) set((before) => ({ ...before, isLoading: false, ...part }));
    };
    try {
      const value = await action;
      settle({ value, error: null });
      return value;
    } catch (error) {
      settle({ error: error instanceof Error ? error : new Error(String(error)) });
      throw error;
    }
  }, []);
  useEffect(() => {
    take(asker(client)).catch(() => {});
    return () => {
      turn.current += 1;
    };
  }, [asker, client, take]);
  return [asked, take];
}

export interface MutesHandle {
  readonly mutes: readonly Mute[];
  readonly isLoading: boolean;
  readonly error: Error | null;
  /** `pattern` is a type, or the start of one that ends in `*`. */
  readonly mute: (pattern: string, options?: { until?: Date | Timestamp }) => Promise<void>;
  readonly unmute: (pattern: string) => Promise<void>;
}

export function useMutes(): MutesHandle {
  const { mutes } = useTidings();
  const [{ value, ...rest }, take] = useAsked((client) => client.mutes.list());
  const actions = useMemo(() => {
    const then = async (done: Promise<unknown>) => {
      await take(done.then(() => mutes.list()));
    };
    return {
      mute: (pattern: string, options?: { until?: Date | Timestamp }) => then(mutes.add(pattern, options)),
      unmute: (pattern: string) => then(mutes.remove(pattern)),
    };
  }, [mutes, take]);
  return useStable({ mutes: value ?? NO_MUTES, ...rest, ...actions });
}

const NO_MUTES: readonly Mute[] = [];

/** What was changed last of the preferences of each client: its components take turns, also where tabs cannot. */
const lasts = new WeakMap<Tidings["preferences"], Promise<unknown>>();

export interface PreferencesHandle {
  /** `null` until known. */
  readonly preferences: Preferences | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
  /** Changes what it names and leaves the rest. */
  readonly update: (change: Partial<Preferences>) => Promise<Preferences>;
}

export function usePreferences(): PreferencesHandle {
  const { preferences } = useTidings();
  const [{ value, ...rest }, take] = useAsked((client) => client.preferences.get());
  const update = useCallback(
    (change: Partial<Preferences>) => {
      // All of it is set at once: what to leave is what there is when it is this one's turn.
      const turn = () => inTurn(PREFERENCES, async () => preferences.set({ ...(await preferences.get()), ...change }));
      const done = Promise.resolve(lasts.get(preferences)).then(turn, turn);
      lasts.set(preferences, done);
      return take(done);
    },
    [preferences, take],
  );
  return useStable({ preferences: value, ...rest, update });
}

export interface PushHandle extends PushSnapshot {
  /** From a click alone: browsers ask nobody else. */
  readonly enable: () => Promise<void>;
  readonly disable: () => Promise<void>;
}

export function usePush(): PushHandle {
  const { push } = useTidings();
  const { state, enabled } = useSnapshot((snapshot) => snapshot.push);
  const enable = useCallback(() => push.enable(), [push]);
  const disable = useCallback(() => push.disable(), [push]);
  return useStable({ state, enabled, enable, disable });
}
