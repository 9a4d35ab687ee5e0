import { defineConfig } from "vitest/config";

// The browser tests start the real program and real browsers, so they run one file at a time.
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    execArgv: ["--experimental-websocket"], // which newer versions of Node have anyway
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } }, // a slow machine is no failure
  },
});
