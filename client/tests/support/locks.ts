/**
 * Web Locks for Node, which has none before 24: as much of a `LockManager` as the client uses. The real one is tried in
 * a browser.
 */

type Run = (lock: object) => unknown;

interface Waiting {
  run: Run;
  done(value: unknown): void;
  fail(error: unknown): void;
}

export class Locks {
  private readonly held = new Map<string, Waiting>();
  private readonly queues = new Map<string, Waiting[]>();

  request(name: string, options: { signal?: AbortSignal; steal?: boolean } | Run, run?: Run): Promise<unknown> {
    const { signal, steal } = typeof options === "function" ? ({} as never) : options;
    return new Promise((done, fail) => {
      const waiting: Waiting = { run: run ?? (options as Run), done, fail };
      if (steal) {
        this.held.get(name)?.fail(new DOMException("stolen", "AbortError"));
        return this.grant(name, waiting);
      }
      const queue = this.queues.get(name) ?? [];
      this.queues.set(name, [...queue, waiting]);
      signal?.addEventListener("abort", () => {
        const left = this.queues.get(name) ?? [];
        if (!left.includes(waiting)) return;
        this.queues.set(
          name,
          left.filter((one) => one !== waiting),
        );
        fail(signal.reason);
      });
      queueMicrotask(() => this.next(name));
    });
  }

  private next(name: string): void {
    if (this.held.has(name)) return;
    const [first, ...rest] = this.queues.get(name) ?? [];
    if (!first) return;
    this.queues.set(name, rest);
    this.grant(name, first);
  }

  private grant(name: string, waiting: Waiting): void {
    this.held.set(name, waiting);
    const release = () => {
      if (this.held.get(name) !== waiting) return;
      this.held.delete(name);
      this.next(name);
    };
    Promise.resolve()
      .then(() => waiting.run({ name }))
      .then(waiting.done, waiting.fail)
      .finally(release);
  }
}
