/** The client of a tree of components, and its snapshot as React takes it. */

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { createTidings } from "../index.js";
import type { Options, Registry, Snapshot, Tidings } from "../types.js";

const Context = createContext<Tidings | null>(null);

export type ProviderProps = (Options | { readonly client: Tidings }) & { readonly children?: ReactNode };

/**
 * Makes a client out of its props, which it reads once, connects it, and closes it when it goes; or hands on the one
 * that it is given, which it leaves alone. `getToken` may change: the newest is called.
 */
export function TidingsProvider({ children, ...props }: ProviderProps): ReactElement {
  const given = "client" in props ? props.client : null;
  const [made] = useState(() => (given ? null : new Kept(props as Options)));
  if (made && !given) made.options = props as Options;
  useEffect(() => made?.hold(), [made]);
  return createElement(Context.Provider, { value: given ?? made?.client ?? null }, children);
}

/** A client that is closed when nobody has held it for a moment: StrictMode lets go and takes it again at once. */
class Kept {
  options: Options;
  readonly client: Tidings;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.options = options;
    const { getToken } = options;
    this.client = createTidings(
      getToken ? { ...options, getToken: (why) => (this.options.getToken ?? getToken)(why) } : options,
    );
  }

  hold(): () => void {
    clearTimeout(this.#timer);
    this.client.connect();
    return () => {
      this.#timer = setTimeout(() => this.client.close());
    };
  }
}

export function useTidings<R extends Registry = Registry>(): Tidings<R> {
  const client = useContext(Context);
  if (!client) throw new Error("this needs a <TidingsProvider> around it");
  return client as Tidings<R>;
}

/** A part of the snapshot; renders when that part is another object. */
export function useSnapshot<T>(select: (snapshot: Snapshot) => T): T {
  const client = useTidings();
  return useSyncExternalStore(
    client.subscribe,
    () => select(client.getSnapshot()),
    () => select(client.getServerSnapshot()),
  );
}

/** An object that is the same for as long as its members are. */
export function useStable<T extends object>(value: T): T {
  // What a hook returns has always the same members in the same order.
  return useMemo(() => value, Object.values(value));
}
