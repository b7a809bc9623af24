/** The clients that elements make of their attributes: one for all that ask for the same. */

import type { Options, Tidings } from "../types.js";

interface Shared {
  client: Promise<Tidings>;
  users: number;
}

const clients = new Map<string, Shared>();

/** Gives the client as soon as it is there; the answer lets go of it. The core is loaded when somebody needs it. */
export function share(options: Pick<Options, "url" | "token">, give: (client: Tidings) => void): () => void {
  const key = JSON.stringify([options.url, options.token]);
  const shared = clients.get(key) ?? { client: make(options), users: 0 };
  clients.set(key, shared);
  shared.users += 1;
  let isWanted = true;
  void shared.client.then((client) => isWanted && give(client));
  return () => {
    isWanted = false;
    shared.users -= 1;
    // An element that is moved about the page is there again at once.
    queueMicrotask(() => {
      if (shared.users > 0 || clients.get(key) !== shared) return;
      clients.delete(key);
      void shared.client.then((client) => client.close());
    });
  };
}

async function make(options: Pick<Options, "url" | "token">): Promise<Tidings> {
  const { createTidings } = await import("../index.js");
  const client = createTidings(options);
  client.connect();
  return client;
}
