// Bundles the service worker that is served as /sw.js. All else is what the compiler makes of src.

import { build } from "esbuild";

await build({
  entryPoints: ["src/sw/worker.ts"],
  outfile: "dist/sw.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
});
