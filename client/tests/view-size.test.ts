/** What those who render add to a page: minified and packed with gzip -9. */

import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

const KIB = 1024;

async function size(entry: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: new URL("..", import.meta.url).pathname,
    ...{ bundle: true, minify: true, write: false, format: "esm", target: "es2022", external },
  });
  return gzipSync(outputFiles[0]?.contents as Uint8Array, { level: 9 }).length;
}

it("React adds at most 7 KB to the core", async () => {
  const react = await size("src/react/index.ts", ["react", "react/jsx-runtime"]);
  expect(react - (await size("src/index.ts"))).toBeLessThanOrEqual(7 * KIB);
});

it("the elements are at most 18 KB with Lit; the core comes when it is needed", async () => {
  expect(await size("src/element/index.ts", ["../index.js"])).toBeLessThanOrEqual(18 * KIB);
});
