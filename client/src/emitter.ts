/** Who listens to what. One listener that throws keeps no other from hearing. */

import type { EventMap, ListenOptions } from "./types.js";

/** Calls, and has an exception end where uncaught ones do. */
export function safely(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    setTimeout(() => {
      throw thrown;
    });
  }
}

export interface Emitter {
  on<K extends keyof EventMap>(event: K, listener: (event: EventMap[K]) => void, options?: ListenOptions): () => void;
  emit<K extends keyof EventMap>(event: K, data: EventMap[K]): void;
  has(event: keyof EventMap): boolean;
}

export function newEmitter(): Emitter {
  const all: { [K in keyof EventMap]?: Set<(event: EventMap[K]) => void> } = {};
  return {
    on(event, listener, { signal } = {}) {
      // A listener that is given twice is two.
      const own: typeof listener = (data) => listener(data);
      const listeners = (all[event] ??= new Set() as never);
      const off = () => void listeners.delete(own);
      if (!signal?.aborted) listeners.add(own);
      signal?.addEventListener("abort", off);
      return off;
    },
    emit(event, data) {
      for (const listener of [...(all[event] ?? [])]) safely(() => listener(data));
    },
    has: (event) => !!all[event]?.size,
  };
}
