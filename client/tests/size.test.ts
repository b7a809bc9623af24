/**
 * What a page loads, minified by what Vite builds with, as Vite does, and packed with gzip -9. The entry with all that it
 * imports is what a page waits for: it connects over a WebSocket, hears, and shows. Beside it every page loads one more
 * part, with the other transports, the other tabs, and all that is asked for. What pushing needs comes where somebody is
 * asked.
 */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";

const KIB = 1024;

async function sizes(entry: string): Promise<Record<string, number>> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../${entry}`, import.meta.url)),
    // As in the build of a page, whose entry exports nothing to others.
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await bundle.generate({
    format: "esm",
    minify: true,
    comments: false,
    chunkFileNames: "[name].js",
  });
  await bundle.close();
  const chunks = output.flatMap((file) => (file.type === "chunk" ? [file] : []));
  const packed = (code: string) => gzipSync(code, { level: 9 }).length;
  return Object.fromEntries(chunks.map((chunk) => [chunk.fileName, packed(chunk.code)]));
}

it("a page waits for at most 8 KB of the client, and loads at most 11.5 KB of it, with all transports", async () => {
  const parts = await sizes("src/index.ts");
  console.info(parts);
  const { "index.js": core = 0, "beside.js": beside = 0, "page.js": push } = parts;
  expect(Object.keys(parts)).toHaveLength(3);
  expect(core).toBeLessThanOrEqual(8 * KIB);
  expect(core + beside).toBeLessThanOrEqual(11.5 * KIB);
  expect(push).toBeLessThanOrEqual(1.5 * KIB);
});

it("the service worker has at most 2 KB", async () => {
  const parts = await sizes("src/sw/worker.ts");
  expect(Object.values(parts)).toHaveLength(1);
  expect(parts["worker.js"]).toBeLessThanOrEqual(2 * KIB);
});
