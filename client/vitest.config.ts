import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    // They wait more than they work.
    maxWorkers: 6,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
