/** Who listens to what. One listener that throws keeps no other from hearing. */

import type { EventMap, ListenOptions } from "./types.js";

export interface Emitter {
  on<K extends keyof EventMap>(event: K, listener: (event: EventMap[K]) => void, options?: ListenOptions): () => void;
  /** Says whether somebody listens. */
  emit<K extends keyof EventMap>(event: K, data: EventMap[K]): boolean;
}

/** Calls all, and says whether there are any; an exception ends where uncaught ones do. */
export function callAll<T>(listeners: ReadonlySet<(data: T) => void>, data?: T): boolean {
  for (const listener of [...listeners]) {
    try {
      listener(data as T);
    } catch (thrown) {
      setTimeout(() => {
        throw thrown;
      });
    }
  }
  return listeners.size > 0;
}

export function addTo<T>(listeners: Set<(data: T) => void>, listener: (data: T) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function newEmitter(): Emitter {
  const all: Record<string, Set<(data: never) => void>> = {};
  const of = (event: string) => (all[event] ??= new Set());
  return {
    on(event, listener, { signal } = {}) {
      if (signal?.aborted) return () => {};
      const off = addTo(of(event) as never, listener);
      signal?.addEventListener("abort", off);
      return off;
    },
    emit: (event, data) => callAll(of(event), data as never),
  };
}
