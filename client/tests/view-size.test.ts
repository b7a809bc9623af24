/** What those who render add to a page, minified, and what the page for administrators is: packed with gzip -9. */

import { readdirSync, readFileSync } from "node:fs";
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

it("toasts and queries come apart, and are small", async () => {
  const react = ["react", "react/jsx-runtime"];
  const base = await size("src/react/index.ts", react);
  expect((await size("src/react/Toaster.tsx", react)) - base).toBeLessThanOrEqual(KIB);
  expect(await size("src/query.ts")).toBeLessThanOrEqual(KIB);
});

it("the elements are at most 18 KB with Lit; the core comes when it is needed", async () => {
  expect(await size("src/element/index.ts", ["../index.js"])).toBeLessThanOrEqual(18 * KIB);
});

it("the page for administrators is at most 60 KB; the charts come when they are needed", () => {
  const web = new URL("../../web/", import.meta.url);
  const own = readdirSync(new URL("admin", web)).map((name) => `admin/${name}`);
  const packed = ["admin.html", "pages.css", "frame.css", "icon.svg", "vendor/lit.js", ...own].map(
    (name) => gzipSync(readFileSync(new URL(name, web)), { level: 9 }).length,
  );
  expect(packed.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(60 * KIB);
});
