/** What the parts of a client share. */

import type { Beside } from "./beside.js";
import type { Emitter } from "./emitter.js";
import type { Http } from "./http.js";
import type { Input, State } from "./model/state.js";
import type { Tokens } from "./tokens.js";
import type { Options, Store, Transport } from "./types.js";

/** The bounds of the back-off, in ms. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly minUptime: number;
}

type Filled = "hiddenGrace" | "pageSize" | "roomSize" | "WebSocket";

/** The options, with what is the default where they say nothing. */
export type Settings = Options &
  Required<Pick<Options, Filled>> & {
    readonly transports: readonly Transport[];
    readonly url: string;
    readonly bounds: Bounds;
    /** Where it is kept which way has worked, over page loads: who can have no WebSocket need not find out each time. */
    readonly memory: string;
  };

export interface Core extends Pick<Store, "getSnapshot" | "subscribe"> {
  readonly settings: Settings;
  readonly http: Http;
  readonly tokens: Tokens;
  readonly emitter: Emitter;
  state(): State;
  /** Takes an input in this tab. */
  take(input: Input): void;
  /** Takes an input in all tabs; only the leader has any for all. */
  hear(input: Input): void;
  /** In all tabs if this one leads, and else in this one. */
  share(input: Input): void;
  /** Sends a command, and says whether this tab has a way for it. */
  send(command: object): boolean;
  /** Has the leader send a command. */
  order(command: object): void;
  /** What is loaded beside the first connection. */
  beside(): Promise<Beside>;
  /** Has a function of it do something. */
  act<K extends keyof Beside>(name: K, ...how: Parameters<Beside[K]>): Promise<Awaited<ReturnType<Beside[K]>>>;
}
