import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fingerprintOf } from "./fingerprint.js";
import { temporaryFolder } from "./testing/folders.js";

test("a fingerprint changes with the content and with the files, not with their times", async () => {
  await using folder = await temporaryFolder();
  const sources = [{ path: folder.path }];
  const file = join(folder.path, "a.nt");
  await writeFile(file, '<http://e/a> <http://e/p> "1" .\n');
  const first = await fingerprintOf(sources);
  await utimes(file, 1, 1);
  expect(await fingerprintOf(sources)).toBe(first);
  await writeFile(file, '<http://e/a> <http://e/p> "2" .\n');
  const changed = await fingerprintOf(sources);
  await writeFile(join(folder.path, "b.nt"), "");
  const grown = await fingerprintOf(sources);
  expect(new Set([first, changed, grown]).size).toBe(3);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
});
