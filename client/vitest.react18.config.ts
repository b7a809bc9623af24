import { defineConfig } from "vitest/config";

const REACT = new URL("tests/react18/node_modules", import.meta.url).pathname;

/** The hooks and components on the oldest React that they are for. */
export default defineConfig({
  resolve: { alias: [{ find: /^(react|react-dom)(\/.*)?$/, replacement: `${REACT}/$1$2` }] },
  test: { include: ["tests/{react,plain,toaster}.test.tsx"], testTimeout: 120_000 },
});
