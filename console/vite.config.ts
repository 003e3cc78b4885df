import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The server whose API `npm run dev` uses: `vedette serve`, or the mock of `npm run mock`.
const api = process.env.VEDETTE_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  base: "/",
  build: {
    outDir: "../src/vedette/console_assets",
    emptyOutDir: true,
    target: "es2022",
    // Assets are files, never data: URLs, so that the content security policy stays narrow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": api }, host: "127.0.0.1", port: 5173 },
  test: {
    restoreMocks: true,
    unstubGlobals: true,
    maxWorkers: 2,
    testTimeout: 30_000,
    // What needs no page runs without one: starting jsdom takes longer than most tests.
    projects: [
      { extends: true, test: { name: "logic", environment: "node", include: ["tests/**/*.test.ts"] } },
      { extends: true, test: { name: "page", environment: "jsdom", include: ["tests/**/*.test.tsx"], setupFiles: ["tests/setup.ts"] } },
    ],
  },
});
