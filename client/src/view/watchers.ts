/** Who renders a view. It follows its client for as long as there is somebody: without, it costs nothing. */
export class Watchers {
  readonly #all = new Set<() => void>();
  readonly #begin: () => readonly (() => void)[];
  #ends: readonly (() => void)[] = [];

  /** `begin` is called when the first one comes; what it answers, when the last one has gone. */
  constructor(begin: () => readonly (() => void)[]) {
    this.#begin = begin;
  }

  subscribe = (watcher: () => void): (() => void) => {
    if (this.#all.size === 0) this.#ends = this.#begin();
    this.#all.add(watcher);
    return () => {
      if (!this.#all.delete(watcher) || this.#all.size > 0) return;
      for (const end of this.#ends) end();
    };
  };

  tell(): void {
    for (const watcher of this.#all) watcher();
  }
}
