/**
 * A real server: the program as a child process, on port 0, with a database of its own; and a proxy before it that cuts
 * every connection when the plug is pulled.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WebSocket } from "undici";
import { createTidings, type Options, type Registry, type Tidings } from "../../src/index.js";
import { DEADLINE_MS } from "./deadline.js";

const PROGRAM = process.env.TIDINGS_BIN ?? fileURLToPath(new URL("../../../target/debug/tidings", import.meta.url));
const SECRET = "a secret for tests, of 32 bytes and more";
const OURS = [
  ["http.listen", "127.0.0.1:0"],
  ["http.workers", "2"],
  ["auth.secret", SECRET],
  ["auth.leeway", "0s"],
  ["limits.requests_per_second", "0"],
  ["limits.handshakes_per_second", "0"],
];

export interface Server {
  readonly url: string;
  /** A token that expires so many seconds from now. */
  token(user: string, scope?: string, seconds?: number): string;
  publish(user: string, type: string, payload: object, more?: object): Promise<{ id: string; position: string }>;
  /** The JSON of a call as somebody. */
  call(token: string, path: string, init?: RequestInit): Promise<unknown>;
  sessions(user: string): Promise<{ transport: string; rooms: string[]; acked: string | null }[]>;
  /** A client of this server, closed at the end of the test. */
  client<R extends Registry = Registry>(user: string, options?: Options): Tidings<R>;
  stop(): Promise<void>;
}

export async function startServer(settings: Record<string, string> = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-client-"));
  const all = [...OURS, ...Object.entries(settings)].flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const child = spawn(PROGRAM, ["serve", ...all], {
    cwd: folder,
    // What else the environment says would be settings of the server.
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = `http://${await listening(child)}`;
  const clients: Tidings[] = [];
  const call: Server["call"] = async (token, path, init = {}) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const answer = await fetch(`${url}${path}`, { headers, ...init });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  };
  const token: Server["token"] = (user, scope = "", seconds = 3600) => mint(user, scope, seconds);
  return {
    url,
    token,
    call,
    async publish(to, type, payload, more = {}) {
      const body = JSON.stringify({ to, type, payload, ...more });
      const answer = await call(token("backend", "notify"), "/v1/notifications", { method: "POST", body });
      return (answer as { notifications: [{ id: string; position: string }] }).notifications[0];
    },
    async sessions(user) {
      const answer = await call(token("root", "admin"), `/v1/admin/sessions?user=${user}`);
      return (answer as { sessions: never[] }).sessions;
    },
    client(user, options = {}) {
      const scope = "join:* publish:*";
      const client = createTidings({
        ...{ url, sharing: "none", WebSocket: WebSocket as never },
        ...(options.getToken ? {} : { token: token(user, scope) }),
        backoff: { min: 5, max: 50, minUptime: 1000 },
        ...options,
      });
      clients.push(client);
      return client as never;
    },
    async stop() {
      for (const client of clients) client.close();
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** The address that the log names. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    const log: string[] = [];
    child.once("error", fail);
    child.once("exit", () => fail(new Error(`the server does not listen:\n${log.join("\n")}`)));
    createInterface({ input: child.stderr as never }).on("line", (line) => {
      log.push(line);
      if (line.includes('"listening"')) done(JSON.parse(line).address);
    });
  });
}

function mint(sub: string, scope: string, seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, scope, iat: now, exp: now + seconds })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

export interface Plug {
  readonly url: string;
  /** Cuts every connection, in the middle of whatever is on its way. */
  pull(): void;
  /** Refuses new ones, too, until the next call. */
  block(isBlocked: boolean): void;
  /** Keeps the connections that there are, and carries nothing on them. */
  freeze(): void;
  readonly opened: number;
  stop(): void;
}

export async function plugInto(target: string): Promise<Plug> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isBlocked = false;
  let opened = 0;
  const server = createServer((near) => {
    if (isBlocked) return near.destroy();
    opened += 1;
    const far = dial(Number(port), hostname);
    const both = [near, far];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        for (const one of both) one.destroy();
        sockets.delete(socket);
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const pull = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull,
    block(blocked) {
      isBlocked = blocked;
      if (blocked) pull();
    },
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    get opened() {
      return opened;
    },
    stop() {
      pull();
      server.close();
    },
  };
}

/** Waits until it holds: for changes of a client, and for what another one has to tell. */
export async function until<T>(what: string, holds: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await holds();
    if (found) return found as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
