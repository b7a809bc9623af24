/** Calls of the API with the administrator's token. */

/**
 * As `GET /v1/admin/sessions` lists it.
 *
 * @typedef {object} Session
 * @property {string} session
 * @property {string} user
 * @property {string} transport
 * @property {string} opened_at
 * @property {string[]} rooms
 * @property {number} room_count
 * @property {number} waiting_bytes
 * @property {string | null} position
 * @property {string} acked
 * @property {string} node
 */

export const base = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** For as long as the tab lives: a token of an administrator is kept nowhere else. */
const KEY = "tidings.admin.token";

/** A refusal, as the server words it. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{ detail?: string, errors?: { pointer: string, detail: string }[], code?: string }} [problem]
   */
  constructor(status, { detail, errors = [], code } = {}) {
    const faults = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ");
    super([detail ?? `the server answered ${status}`, faults].filter(Boolean).join(" – "));
    this.status = status;
    this.code = code;
  }
}

export function token() {
  return sessionStorage.getItem(KEY);
}

/** @param {string | null} text */
export function keepToken(text) {
  if (text === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, text);
}

/**
 * The JSON of an answer, or `null` where there is none.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, options = {}) {
  const response = await send(method, path, body, options);
  if (response.status === 204) return null;
  return response.json();
}

/**
 * The answer itself; 304 is one.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ headers?: Record<string, string>, signal?: AbortSignal }} [options]
 */
export async function send(method, path, body, { headers = {}, signal } = {}) {
  /** @type {RequestInit & { headers: Record<string, string> }} */
  const init = { method, signal, headers: { Authorization: `Bearer ${token() ?? ""}`, ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  const response = await fetch(base + path, init);
  if (response.ok || response.status === 304) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem);
}

/** What this listener answers, as its own document says: that for administrators alone has no publishing. */
export async function answered() {
  const { paths } = await call("GET", "/openapi.json");
  return new Set(Object.keys(paths));
}

/**
 * The numbers of this instance, by name and labels.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<Map<string, number>>}
 */
export async function metrics(signal) {
  const response = await send("GET", "/metrics", undefined, { signal });
  const lines = (await response.text()).split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
