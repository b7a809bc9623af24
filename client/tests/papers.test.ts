/** The code of README.md and MIGRATING.md: all of it compiles, and what comes in the place of others' code does what that did. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Options } from "../src/index.js";
import { type Server, startServer, until } from "./support/server.js";

const CLIENT = fileURLToPath(new URL("..", import.meta.url));
const read = (name: string) => readFileSync(path.join(CLIENT, name), "utf8");

/** What the blocks take for granted. Those of JavaScript do not say what their notifications hold. */
const GIVEN = `
import type { QueryClient } from "@tanstack/query-core";
import type * as tidings from "tidings";
declare global {
  type Client = tidings.Tidings<Record<string, any>>;
  type Show = (...shown: unknown[]) => void;
  type Socket = { on(event: string, listener: (data: any) => void): void; emit(event: string, data: unknown): void };
  const AuthError: typeof tidings.AuthError;
  const createTidings: (options?: tidings.Options) => Client;
  const client: Client, room: tidings.Room<any>;
  const id: string, token: string, url: string, userId: string, data: unknown, fn: () => void;
  const getToken: () => Promise<string>;
  const queryClient: QueryClient, useQuery: QueryClient["fetchQuery"];
  const router: { go(url: string): void };
  const button: HTMLButtonElement, form: HTMLFormElement, input: HTMLInputElement;
  const badge: Show, show: Show, toast: Show, render: Show;
  const io: (url: string, options: object) => Socket;
}
`;

/** The blocks of a paper in a language, one after the other; `…` stands for anything. */
const blocks = (paper: string) =>
  [...read(paper).matchAll(/^```(js|ts|tsx)\n(.*?)^```/gms)].map(([, language, code = ""], n) => {
    const name = `${path.parse(paper).name}-${n + 1}.${language === "js" ? "ts" : language}`;
    return [name, `export {};\n${code.replaceAll("…", "(undefined as never)")}`] as const;
  });

/** What stands in the tables, in place of what somebody has. */
const inTables = (paper: string) =>
  [...read(paper).matchAll(/`((?:client|room|createTidings)[.(][^`]*)`/g)].map(([, code]) =>
    `${code};\n`.replaceAll("…", "fn"),
  );

/** What tsc says of these files, by the sources of what the package exports. */
function compile(files: readonly (readonly [name: string, code: string])[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tidings-papers-"));
  const modules = path.join(CLIENT, "node_modules");
  const { exports } = JSON.parse(read("package.json")) as { exports: Record<string, { types?: string }> };
  const ours = Object.entries(exports).flatMap(([name, { types }]) => {
    const source = types?.replace("/dist/", "/src/").replace(/\.d\.ts$/, "");
    return source ? [[`tidings${name.slice(1)}`, [path.join(CLIENT, source)]]] : [];
  });
  const paths = { ...Object.fromEntries(ours), "*": [`${modules}/@types/*`, `${modules}/*`] };
  const lenient = { noUnusedLocals: false, noUnusedParameters: false };
  const compilerOptions = {
    paths,
    ...lenient,
    noEmit: true,
    module: "ESNext",
    moduleResolution: "Bundler",
    rootDir: "/",
  };
  const config = { extends: path.join(CLIENT, "tsconfig.json"), compilerOptions, include: ["*"], exclude: [] };
  for (const [name, code] of [...files, ["tsconfig.json", JSON.stringify(config)] as const])
    writeFileSync(path.join(folder, name), code);
  const { stdout } = spawnSync(path.join(modules, ".bin/tsc"), ["-p", folder], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  return stdout;
}

it("every block compiles against the package, by the types that its users get", () => {
  const tables = inTables("MIGRATING.md");
  const all = [
    ["given.ts", GIVEN],
    ...blocks("README.md"),
    ...blocks("MIGRATING.md"),
    ["tables.ts", `export const event = "update";\n${tables.join("")}`],
    // What does not compile is complained about.
    ["wrong.ts", "export {};\nclient.markAsRead(id);\n"],
  ] as const;
  expect(tables.length).toBeGreaterThan(9);
  expect(all.length).toBeGreaterThan(12);
  const [complaint, ...others] = compile(all).trim().split("\n");
  expect(complaint).toMatch(/wrong\.ts.*'markAsRead' does not exist/);
  expect(others).toEqual([]);
});

describe("of what was written for something else", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ "auth.default_scopes": "join:*,publish:*" });
  });
  afterAll(() => server?.stop());

  /** Runs what stands behind "after" in the block that has this word, with what it takes for granted. */
  const run = (word: string, given: Record<string, unknown>) => {
    const code = [...read("MIGRATING.md").matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => code);
    const after = code.find((one) => one.includes(word))?.split("// after\n")[1];
    const createTidings = (options: Options) => server.client("alice", { ...options, url: server.url });
    const all = { createTidings, ...given };
    new Function(...Object.keys(all), String(after))(...Object.values(all));
  };

  it("Socket.IO's handlers hear, and what is said in a room is heard by all in it", async () => {
    const [badges, shown]: [unknown[], unknown[]] = [[], []];
    const form = { onsubmit: () => {} };
    run("socket.on", {
      token: server.token("alice"),
      badge: (post: unknown) => badges.push(post),
      show: (text: unknown) => shown.push(text),
      form,
      input: { value: "hello" },
    });
    await until("alice is in the room", async () => (await server.sessions("alice"))[0]?.rooms.includes("chat"));
    await server.publish("alice", "comment.created", { post: 7 });
    form.onsubmit();
    await until("both are heard", () => badges.length > 0 && shown.length > 0);
    expect([badges, shown]).toEqual([[7], ["hello"]]);
  });

  it("a page with a socket of its own shows what it is sent", async () => {
    const shown: unknown[] = [];
    const fetch = async () => new Response(server.token("bob"));
    run("new WebSocket", { fetch, show: (data: unknown) => shown.push(data) });
    await until("bob is connected", async () => (await server.sessions("bob")).length === 1);
    await server.publish("bob", "comment.created", { post: 7 });
    await until("it is shown", () => shown.length > 0);
    expect(shown).toEqual([{ post: 7 }]);
  });

  it("calls of a back-end are taken", async () => {
    const calls = [...read("MIGRATING.md").matchAll(/`(GET|POST) (\/v1\/[^` ]+)(?: (\{.*?\}))?`/g)];
    const made = calls.filter(([, method, , body]) => method === "GET" || body);
    expect(made.length).toBeGreaterThan(3);
    for (const [, method, at = "", body] of made) {
      const json = body?.replace(/: data\}/, ': {"post": 7}}');
      const answer = server.call(server.token("alice", "admin notify join:* publish:*"), at.replace("{room}", "chat"), {
        method: method as string,
        ...(json && { body: json }),
      });
      await expect(answer, at).resolves.toBeTruthy();
    }
  });
});
