/**
 * What a page loads, minified by what Vite builds with and packed with gzip -9: the entry with all that it imports, and
 * what is loaded beside it, each where it is used.
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
  const { output } = await bundle.generate({ format: "esm", minify: true, chunkFileNames: "[name].js" });
  await bundle.close();
  const chunks = output.flatMap((file) => (file.type === "chunk" ? [file] : []));
  const packed = (code: string) => gzipSync(code, { level: 9 }).length;
  return Object.fromEntries(chunks.map((chunk) => [chunk.fileName, packed(chunk.code)]));
}

it("a page loads at most 8 KB for the client, and few more for what it uses besides", async () => {
  const parts = await sizes("src/index.ts");
  console.info(parts);
  const { "index.js": core, ...others } = parts;
  expect(core).toBeLessThanOrEqual(8 * KIB);
  expect(Object.keys(others).sort()).toEqual(["actions.js", "others.js", "page.js", "tabs.js"]);
  for (const bytes of Object.values(others)) expect(bytes).toBeLessThanOrEqual(2 * KIB);
});

it("the service worker has at most 2 KB", async () => {
  const parts = await sizes("src/sw/worker.ts");
  expect(Object.values(parts)).toHaveLength(1);
  expect(parts["worker.js"]).toBeLessThanOrEqual(2 * KIB);
});
