import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { defaultCacheFolder, defaultStorePath } from "./user-folders.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("XDG Base Directory Specification 0.8", () => {
  test("an absolute folder of the environment is taken", () => {
    vi.stubEnv("XDG_CACHE_HOME", "/var/caches/ada");
    vi.stubEnv("XDG_DATA_HOME", "/srv/ada");
    expect(defaultCacheFolder()).toBe("/var/caches/ada/sparql-live");
    expect(defaultStorePath()).toBe("/srv/ada/sparql-live/store.db");
  });

  test.each([undefined, "", "relative/folder", "./here", "~/caches"])(
    "one that is not set, is empty or is not absolute is ignored: %j",
    (value) => {
      vi.stubEnv("XDG_CACHE_HOME", value);
      vi.stubEnv("XDG_DATA_HOME", value);
      expect(defaultCacheFolder()).toBe(join(homedir(), ".cache", "sparql-live"));
      expect(defaultStorePath()).toBe(join(homedir(), ".local", "share", "sparql-live", "store.db"));
    },
  );
});
