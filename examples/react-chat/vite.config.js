import { defineConfig } from "vite";

export default defineConfig({
  // The client is a link into this repository; React is this application's, once.
  resolve: { dedupe: ["react", "react-dom"], preserveSymlinks: true },
});
