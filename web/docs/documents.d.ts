/** The two documents, as far as the page shows them, and what it makes of them. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  pattern?: string;
  const?: unknown;
  enum?: unknown[];
  example?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: [Schema, ...Schema[]];
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
}

/** By media type. */
export type Content = Record<string, { schema: Schema; example?: unknown }>;
export type Security = Record<string, string[]>[];

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}

export interface Body {
  content: Content;
  description?: string;
  required?: boolean;
}

export interface Answer {
  description: string;
  headers?: Record<string, unknown>;
  content?: Content;
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: Body;
  /** By status. */
  responses: Record<string, Answer>;
  security?: Security;
}

interface Info {
  version: string;
  description: string;
}

/** `/openapi.json`: paths have their operations by method. */
export interface Http {
  info: Info;
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  security: Security;
}

export interface Ref {
  $ref: string;
}

export interface Message {
  name: string;
  summary: string;
  payload: Schema;
  examples?: { name?: string; payload: Frame }[];
}

export type Frame = { type?: string; ref?: string } & Record<string, unknown>;

export interface Exchange {
  action: "send" | "receive";
  messages: [Ref, ...Ref[]];
  reply?: { messages: Ref[] };
}

/** `/asyncapi.json`. */
export interface Socket {
  info: Info;
  operations: Record<string, Exchange>;
  components: { messages: Record<string, Message> };
  channels: { session: { "x-close-codes": CloseCode[] } };
}

export interface CloseCode {
  code: number;
  reason: string;
  description: string;
  // biome-ignore lint/suspicious/noThenProperty: the document's word
  then: string;
}

/** What can be shown, named by an address, and searched. */
interface Entry {
  id: string;
  /** The method of a call. */
  badge: string;
  name: string;
  summary: string;
  /** All that it is found by. */
  words: string;
}

export interface CallEntry extends Entry {
  about: string;
  document: Http;
  operation: Operation;
  method: string;
  path: string;
}

export interface FrameEntry extends Entry {
  document: Socket;
  message: Message;
  answers?: FrameEntry[];
}

export interface Group {
  id: string;
  name: string;
  about: string;
  entries: (CallEntry | FrameEntry)[];
  hasCodes?: boolean;
}

/** What views take besides: where the server is, and what copies a block. */
export interface Means {
  base: string;
  copy: (event: Event) => void;
}
