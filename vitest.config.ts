import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    // Types that must hold for users of a package. Everything else is checked by `npm run check`.
    typecheck: {
      enabled: true,
      include: ["packages/*/src/**/*.test-d.ts"],
      tsconfig: "tsconfig.tests.json",
      ignoreSourceErrors: true,
    },
    pool: "forks",
    // Files share what they import: to load the server and the engine again for each took a third of the time. No
    // test changes what modules share.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
