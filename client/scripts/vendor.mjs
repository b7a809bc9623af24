// Makes the libraries of the server's pages, web/vendor: Lit, uPlot, and this client as it is here. They are committed,
// so that the server is built without Node; `--check` says where what is committed is not what would be made.
//
//   node scripts/vendor.mjs [--check]

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const client = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const target = path.resolve(client, "../web/vendor");

/** What pages import from Lit: one copy for them and the elements. */
const LIT = `
export { LitElement, css, html, nothing, render, svg, unsafeCSS } from "lit";
export { live } from "lit/directives/live.js";
export { createRef, ref } from "lit/directives/ref.js";
export { repeat } from "lit/directives/repeat.js";
`;

/** Imports that are files of their own there. */
const APART = [
  [/^lit(\/|$)/, "./lit.js"],
  [/^\.\.\/index\.js$/, "./tidings.js"],
];

const keepApart = {
  name: "keep-apart",
  setup(build) {
    for (const [filter, path] of APART) build.onResolve({ filter }, () => ({ path, external: true }));
  },
};

/** `types` is what the pages are checked against. */
const FILES = [
  { name: "lit.js", package: "lit", stdin: LIT, types: LIT },
  { name: "tidings.js", package: "tidings", entry: "src/index.ts", types: typesOf("src/index.js") },
  {
    name: "element.js",
    package: "tidings",
    entry: "src/element/index.ts",
    plugins: [keepApart],
    types: typesOf("src/element/index.js"),
  },
  { name: "sw.js", package: "tidings", entry: "src/sw/worker.ts", format: "iife" },
  {
    name: "uplot.js",
    package: "uplot",
    entry: "node_modules/uplot/dist/uPlot.esm.js",
    types: 'export { default } from "uplot";\n',
  },
  { name: "uplot.css", package: "uplot", entry: "node_modules/uplot/dist/uPlot.min.css" },
];

function typesOf(entry) {
  return `export * from "../../client/${entry}";\n`;
}

async function make({ entry, stdin, format = "esm", plugins = [] }) {
  const { outputFiles } = await build({
    ...(stdin ? { stdin: { contents: stdin, resolveDir: client } } : { entryPoints: [path.join(client, entry)] }),
    absWorkingDir: client,
    bundle: true,
    minify: true,
    write: false,
    format,
    target: "es2022",
    legalComments: "inline",
    plugins,
  });
  return outputFiles[0].contents;
}

async function described(name) {
  const folder = name === "tidings" ? client : path.join(client, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  return { package: name, version, license };
}

const made = new Map();
const manifest = {};
for (const file of FILES) {
  const bytes = await make(file);
  made.set(file.name, bytes);
  if (file.types) made.set(file.name.replace(/js$/, "d.ts"), Buffer.from(file.types));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  manifest[file.name] = { ...(await described(file.package)), sha256 };
}
made.set("manifest.json", Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));

if (process.argv.includes("--check")) {
  const differing = [];
  for (const [name, bytes] of made) {
    const there = await readFile(path.join(target, name)).catch(() => Buffer.alloc(0));
    if (!there.equals(Buffer.from(bytes))) differing.push(name);
  }
  if (differing.length > 0) {
    console.error(`web/vendor is not what would be made: ${differing.join(", ")}; run: npm run vendor`);
    process.exit(1);
  }
} else {
  await mkdir(target, { recursive: true });
  for (const [name, bytes] of made) await writeFile(path.join(target, name), bytes);
}
