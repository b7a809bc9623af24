/** The two documents as groups of entries that can be shown, named by an address, and searched. */

/** @import { CallEntry, Exchange, FrameEntry, Group, Http, Operation, Ref, Socket } from "./documents.js" */

const METHODS = ["get", "post", "put", "delete", "patch"];

/** @typedef {ReturnType<typeof bookOf>} Book */

/** @param {Http} http @param {Socket | null} socket `null` where there is no WebSocket. */
export function bookOf(http, socket) {
  const groups = [...groupsOfCalls(http), ...(socket ? groupsOfFrames(socket) : [])];
  const byId = new Map(groups.flatMap(({ entries }) => entries.map((entry) => [entry.id, entry])));
  return { version: http.info.version, about: http.info.description, groups, byId, socket, hasSocket: socket !== null };
}

/** @param {Http} http @returns {Group[]} */
function groupsOfCalls(http) {
  const calls = Object.entries(http.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => callOf(http, path, method, item[method])),
  );
  return http.tags.map(({ name, description }) => ({
    id: `calls-${name.toLowerCase()}`,
    name,
    about: description,
    entries: calls.filter(({ operation }) => operation.tags.includes(name)),
  }));
}

/**
 * @param {Http} http
 * @param {string} path
 * @param {string} method
 * @param {Operation} operation
 * @returns {CallEntry}
 */
function callOf(http, path, method, operation) {
  const { operationId, summary, description = "", parameters = [] } = operation;
  // Every call can be refused in the same words: they would find all of them.
  const answers = Object.entries(operation.responses).filter(([status]) => status < "400");
  const parts = [parameters, operation.requestBody, ...answers.map(([, answer]) => answer)];
  const searched = [method, path, operationId, summary, description, ...parameters.map(({ name }) => name), ...wordsOf(parts, http)];
  return {
    id: operationId,
    badge: method.toUpperCase(),
    name: path,
    summary,
    about: description,
    words: searched.join(" ").toLowerCase(),
    document: http,
    operation,
    method,
    path,
  };
}

/** @param {Socket} socket @returns {Group[]} */
function groupsOfFrames(socket) {
  const said = Object.values(socket.operations).map((operation) => ({ operation, ...frameOf(socket, operation.messages[0]) }));
  /** @param {Exchange["action"]} action */
  const frames = (action) => said.filter(({ operation }) => operation.action === action).map((frame) => ({ ...frame, answers: answersOf(socket, frame.operation) }));
  const about = socket.info.description;
  const answers = Object.entries(socket.components.messages).filter(([id]) => /Ok$|^Error$|^Pong$/.test(id));
  return [
    { id: "websocket-commands", name: "WebSocket: commands", about, entries: frames("receive") },
    { id: "websocket-events", name: "WebSocket: events", about: "What the server says by itself.", entries: frames("send") },
    {
      id: "websocket-answers",
      name: "WebSocket: answers",
      about: "What a command is answered with, where it carries a `ref`; an error always.",
      entries: answers.map(([id]) => frameOf(socket, { $ref: `#/components/messages/${id}` })),
      hasCodes: true,
    },
  ];
}

/** @param {Socket} socket @param {Ref} ref @returns {FrameEntry} */
function frameOf(socket, { $ref }) {
  const id = $ref.slice($ref.lastIndexOf("/") + 1);
  const message = socket.components.messages[id];
  const name = id.endsWith("Ok") ? `ok (${message.payload.properties?.command?.const})` : message.name;
  const searched = [id, name, message.summary, ...wordsOf(message.payload, socket)];
  return { id: `frame-${id}`, badge: "", name, summary: message.summary, words: searched.join(" ").toLowerCase(), document: socket, message };
}

/** @param {Socket} socket @param {Exchange} exchange */
function answersOf(socket, { reply }) {
  return (reply?.messages ?? []).map((message) => frameOf(socket, message));
}

/**
 * The names of fields, and what they may be, all the way down.
 *
 * @param {any} value
 * @param {object} document
 * @param {Set<string>} [seen] References that were followed.
 * @returns {string[]}
 */
function wordsOf(value, document, seen = new Set()) {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value.enum) ? value.enum.map(String) : [];
  const { $ref } = value;
  if (typeof $ref === "string" && !seen.has($ref)) {
    seen.add($ref);
    own.push(...wordsOf(resolve(document, $ref), document, seen));
  }
  for (const [key, part] of Object.entries(value)) {
    if (key === "properties") own.push(...Object.keys(part));
    if (key !== "examples" && key !== "example") own.push(...wordsOf(part, document, seen));
  }
  return own;
}

/**
 * What a reference of the document names.
 *
 * @param {object} document
 * @param {string} $ref
 * @returns {any}
 */
export function resolve(document, $ref) {
  const keys = $ref.slice(2).split("/");
  return keys.reduce((/** @type {any} */ value, key) => value?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}
