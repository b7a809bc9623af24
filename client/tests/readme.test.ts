/** The first page of the README does what it says, in as much of a document as it uses; the server is real. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTidings, type Tidings } from "../src/index.js";
import { fakeTidings } from "../src/testing.js";
import { type Server, startServer, until } from "./support/server.js";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const PAGE = /```html\n(.*?)```/s.exec(README)?.[1] ?? "";
const SCRIPT = /<script type="module">\n(.*?)<\/script>/s.exec(PAGE)?.[1] ?? "";
const IMPORT = 'import { createTidings } from "./node_modules/tidings/dist/index.js";';

let server: Server;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

class Element {
  textContent: unknown = "";
  readonly style: Record<string, string> = {};
  children: Element[] = [];
  onclick?: () => void;
  replaceChildren(...children: Element[]): void {
    this.children = children;
  }
}

it("shows what comes, and marks it as read", async () => {
  const elements = Object.fromEntries(
    [...PAGE.matchAll(/ id="(\w+)"/g)].map(([, id]) => [id, new Element()]),
  ) as Record<"unread" | "status" | "read" | "items", Element>;
  const document = {
    getElementById: (id: keyof typeof elements) => elements[id],
    createElement: () => new Element(),
  };
  expect(SCRIPT).toContain(IMPORT);
  const clients: Tidings[] = [];
  const create = (options: object) => {
    const client = createTidings({ ...options, url: server.url });
    clients.push(client);
    return client;
  };
  const prompt = () => server.token("alice");
  new Function("createTidings", "document", "prompt", SCRIPT.replace(IMPORT, ""))(create, document, prompt);

  await until("it is live", () => /^live/.test(String(elements.status.textContent)));
  await server.publish("alice", "note.text", { text: "Build finished" });
  await until("it is shown", () => elements.items.children.length === 1 && elements.unread.textContent === 1);
  const [item] = elements.items.children;
  expect(item).toMatchObject({ textContent: "Build finished", style: { fontWeight: "bold" } });
  elements.read.onclick?.();
  await until("it is read", () => elements.items.children[0]?.style.fontWeight === "normal");
  expect(elements.unread.textContent).toBe(0);
  // Behind this one the one of the page has been answered, too.
  for (const client of clients) await client.markRead("all");
  for (const client of clients) client.close();
});

it("names nothing that is not there", () => {
  const client = fakeTidings();
  const named = new Set([...README.matchAll(/\bclient\.(\w+)\(/g)].map(([, name]) => String(name)));
  expect(named.size).toBeGreaterThan(10);
  for (const name of named) expect(client).toHaveProperty(name);
});
