import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Database from "libsql";
import { expect, test } from "vitest";
import { MIGRATIONS } from "./database/schema.js";
import { openFileStorage } from "./file-storage.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const PROGRAM = fileURLToPath(new URL("./testing/append-until-killed.mjs", import.meta.url));

async function makeStore(path: string): Promise<void> {
  const storage = await openFileStorage(path);
  await storage.broker.logs.append("room:one", { id: "a", data: "x".repeat(20_000) });
  await storage.close();
}

test("a file that another process has open is refused, and free when that ends", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const child = spawn(process.execPath, [PROGRAM, path, "first"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  try {
    await once(child.stdout, "data");
    child.stdout.resume();
    await expect(openFileStorage(path)).rejects.toMatchObject({
      name: "StorageError",
      code: "in_use",
      path,
      message: `The store ${path} is in use by another process; end it or name another with --store.`,
    });
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  const storage = await openFileStorage(path);
  await storage.close();
});

test("a file that this process has open is refused", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const storage = await openFileStorage(path);
  await expect(openFileStorage(path)).rejects.toMatchObject({ code: "in_use" });
  expect(await storage.broker.logs.append("room:one", { id: "a", data: "x" })).toMatchObject({ seq: 1 });
  await storage.close();
});

test("a file of an earlier version is brought up to this one, with all that is in it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  await makeStore(path);
  const file = new Database(path);
  file.exec(`DROP TABLE analytics; DROP TABLE revocations; DROP TABLE endpoints; DROP INDEX public_rooms; ALTER TABLE rooms DROP COLUMN is_public;
    PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)`);
  file.close();
  const storage = await openFileStorage(path);
  expect((await storage.broker.logs.head("room:one")).seq).toBeGreaterThan(0);
  expect(await storage.store.endpoints.ofUser("ada")).toEqual([]);
  expect(await storage.store.revocations.list(0)).toEqual([]);
  await storage.close();
});

test("a file of a newer version is refused and left as it is", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  await makeStore(path);
  const file = new Database(path);
  const known = MIGRATIONS.length;
  file.exec(`PRAGMA user_version = ${known + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
  file.close();
  const before = readFileSync(path);
  await expect(openFileStorage(path)).rejects.toMatchObject({
    code: "newer_version",
    message: `The store ${path} was written by a newer version (format ${known + 1}; this one knows ${known}). Use that version, or name another file with --store.`,
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("what is no store is refused and left as it is: texts, databases of other programs, folders", async () => {
  await using folder = await temporaryFolder();
  const text = folder.path("notes.txt");
  writeFileSync(text, "Not a database. ".repeat(500));
  const other = folder.path("other.db");
  new Database(other).exec("CREATE TABLE things (name TEXT)");
  const subfolder = folder.path("folder");
  mkdirSync(subfolder);
  for (const path of [text, other, subfolder]) {
    await expect(openFileStorage(path)).rejects.toMatchObject({
      code: "not_ours",
      path,
      message: expect.stringContaining(`${path} is no store of this program`),
    });
  }
  expect(readFileSync(text, "utf8")).toBe("Not a database. ".repeat(500));
});

test("a database with nothing in it becomes a store", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const file = new Database(path);
  file.exec("PRAGMA journal_mode = WAL");
  file.close();
  const storage = await openFileStorage(path);
  expect(await storage.broker.logs.append("room:one", { id: "a", data: "x" })).toMatchObject({ seq: 1 });
  await storage.close();
});

test("a place that cannot be written is refused", async () => {
  await using folder = await temporaryFolder();
  writeFileSync(folder.path("file"), "x");
  const path = folder.path("file/store.db");
  await expect(openFileStorage(path)).rejects.toMatchObject({
    code: "unwritable",
    path,
    message: expect.stringContaining(
      "Let this user write the file and its folder, or name another with --store.",
    ),
  });
});

test("a file that was cut is refused as damaged, wherever it was cut", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  await makeStore(path);
  const whole = readFileSync(path);
  for (const length of [0, 1, 50, 4_096, 10_000, whole.length - 4_096, whole.length - 1]) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    await expect(openFileStorage(path), `cut to ${length} bytes`).rejects.toMatchObject({
      name: "StorageError",
      code: expect.stringMatching(/^(corrupt|not_ours)$/),
    });
  }
  writeFileSync(path, whole);
  const storage = await openFileStorage(path);
  expect(await storage.broker.logs.head("room:one")).toMatchObject({ seq: 1 });
  await storage.close();
});
