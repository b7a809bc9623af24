// Servers for the tests: the program itself, in a folder of its own, on a port that it picks.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.TIDINGS_BIN ?? new URL("../../target/debug/tidings", import.meta.url).pathname;
const DEADLINE = 60_000;
export const SECRET = "a secret for tests, of 32 bytes and more";

/** A process that ends with the test. */
class Running {
  constructor(command, args, { folder, env = {} }) {
    this.folder = folder;
    this.child = spawn(command, args, { cwd: folder, env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.log = [];
    this.child.stderr.on("data", (text) => this.log.push(String(text)));
  }

  /** The lines of its standard output up to one of which this holds. */
  async lines(isLast) {
    const lines = [];
    const timer = setTimeout(() => this.child.kill("SIGKILL"), DEADLINE);
    const reader = createInterface({ input: this.child.stdout });
    for await (const line of reader) {
      lines.push(line);
      if (isLast(line)) {
        clearTimeout(timer);
        return lines;
      }
    }
    throw new Error(`it does not say what it should: ${lines.join("\n")}\n${this.log.join("")}`);
  }

  async stop(signal = "SIGKILL") {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await once(this.child, "exit");
    }
  }
}

const endings = new WeakMap();

/** Does this at the end of a test, the last first, whatever goes wrong with another. */
export function atEnd(t, act) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      const wrong = [];
      for (const act of endings.get(t).reverse()) await Promise.resolve().then(act).catch((error) => wrong.push(error));
      if (wrong.length > 0) throw wrong[0];
    });
  }
  endings.get(t).push(act);
}

async function temporary() {
  return mkdtemp(path.join(tmpdir(), "tidings-browser-"));
}

/** `tidings dev`, and what it has said to open and to type. */
export async function dev(t, settings = [], { folder, port = 0 } = {}) {
  const home = folder ?? (await temporary());
  const set = [`http.listen=127.0.0.1:${port}`, ...settings].flatMap((setting) => ["--set", setting]);
  const server = new Running(PROGRAM, ["dev", ...set], { folder: home });
  atEnd(t, async () => {
    await server.stop();
    if (!folder) await rm(home, { recursive: true, force: true });
  });
  const lines = await server.lines((line) => line.includes("  health"));
  const said = (name) => lines.map((line) => line.trim()).find((line) => line.startsWith(`${name} `))?.slice(name.length).trim();
  const demo = said("demo");
  return { server, folder: home, demo, admin: said("admin"), base: demo.replace(/\/demo$/, ""), said };
}

/** `tidings serve` with these settings. */
export async function serve(t, settings = []) {
  const folder = await temporary();
  const all = ["http.listen=127.0.0.1:0", `auth.secret=${SECRET}`, "auth.default_scopes=join:*,publish:*", ...settings];
  const server = new Running(PROGRAM, ["serve", ...all.flatMap((setting) => ["--set", setting])], { folder });
  atEnd(t, async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const base = await addressOf(server, "listening");
  await until(`${base} is ready`, async () => (await fetch(`${base}/ready`)).ok);
  return { server, base };
}

/** Where a server listens, by the line of its log that says so. */
export function addressOf(server, message) {
  return until(message, async () => {
    const line = server.log.join("").split("\n").find((line) => line.includes(`"message":"${message}"`));
    return `http://${JSON.parse(line).address}`;
  });
}

/** A Redis of its own. */
export async function redis(t) {
  const folder = await temporary();
  const socket = path.join(folder, "redis");
  const args = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder];
  const server = new Running("redis-server", args, { folder });
  atEnd(t, async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await server.lines((line) => line.includes("ready to accept connections"));
  return `redis+unix://${socket}`;
}

/** nginx before an instance, as `deploy/nginx` sets it up; gives its address. */
export async function nginx(t, base) {
  const folder = await temporary();
  const port = await freePort();
  const at = (name) => path.join(folder, name);
  await Promise.all([mkdir(at("log")), mkdir(at("tls"))]);
  const kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((what) => `${what}_temp_path ${at(what)};`).join(" ");
  const here = [
    [/^user .*$/m, process.getuid() === 0 ? "user root;" : ""],
    [/^http \{/m, `http { ${kept}`],
    ["/etc/nginx/tidings.conf", at("tidings.conf")],
    ["/etc/nginx/tls", at("tls")],
    ["/run/nginx.pid", at("nginx.pid")],
    [/\/var\/log\/nginx/g, at("log")],
    ["listen 80;", `listen 127.0.0.1:${port};`],
    [/tidings-[12]:8080/g, new URL(base).host],
  ];
  for (const name of ["nginx.conf", "tidings.conf"]) {
    const text = await readFile(new URL(`../../deploy/nginx/${name}`, import.meta.url), "utf8");
    await writeFile(at(name), here.reduce((so, [what, by]) => so.replace(what, by), text));
  }
  const args = ["-p", folder, "-c", at("nginx.conf"), "-e", at("log/error.log"), "-g", "daemon off;"];
  const server = new Running("nginx", args, { folder, env: { PATH: `${process.env.PATH}:/usr/sbin` } });
  atEnd(t, async () => {
    await server.stop("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });
  const front = `http://127.0.0.1:${port}`;
  await until(`${front} leads to ${base}: ${server.log.join("")}`, async () => (await fetch(`${front}/health`)).ok);
  return front;
}

/** A token, made by the program in the folder of a trial, or with the secret of the tests. */
export async function token({ folder } = {}, user, ...more) {
  const args = folder ? ["token", "dev", "--user", user] : ["token", "mint", user, "--quiet", ...more];
  const env = folder ? {} : { TIDINGS_AUTH_SECRET: SECRET };
  const child = new Running(PROGRAM, args, { folder: folder ?? tmpdir(), env });
  return (await child.lines(() => true))[0];
}

/** A call of the API; its JSON. */
export async function call(base, bearer, method, path, body) {
  const headers = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
  const response = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}

/** Publishes to one user, as a back-end would. */
export async function publish(base, bearer, to, payload, type = "note.text") {
  return (await call(base, bearer, "POST", "/v1/notifications", { to, type, payload })).notifications[0];
}

/** Looks again and again until it holds. */
export async function until(what, holds) {
  const deadline = Date.now() + DEADLINE;
  for (;;) {
    const found = await Promise.resolve(holds()).catch(() => false);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
