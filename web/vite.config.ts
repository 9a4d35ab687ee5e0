import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: {
    // Fonts stay files of their own: a strict Content-Security-Policy needs no "data:".
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000, // size.mjs has the limits, in what travels
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` serves the page with reloading; documents come from a running inkwire.
    proxy: { "/yjs": { target: "http://127.0.0.1:8000", ws: true }, "/api": "http://127.0.0.1:8000" },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node", // tests that draw say so in their first line
  },
});
