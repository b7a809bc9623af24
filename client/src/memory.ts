/** Which way has worked, over page loads: who is behind a proxy that cuts WebSockets need not find out each time. */

import type { Link } from "./connection/link.js";
import type { Transport } from "./types.js";

const KEY = "tidings:transport";

export interface Memory {
  read(): Partial<Link>;
  write(link: Link): void;
}

export function memoryOf(ladder: readonly Transport[]): Memory {
  const storage = () => {
    try {
      return globalThis.localStorage;
    } catch {
      // A page may be refused its storage, and works without.
      return undefined;
    }
  };
  return {
    read() {
      const [transport, at] = (storage()?.getItem(KEY) ?? "").split(" ");
      const rung = ladder.indexOf(transport as Transport);
      return rung > 0 ? { rung, rungAt: Number(at) } : {};
    },
    write({ rung, rungAt, isPinned }) {
      if (!isPinned) storage()?.setItem(KEY, `${ladder[rung]} ${rungAt}`);
    },
  };
}
