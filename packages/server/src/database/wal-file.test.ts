import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openFile } from "./open-file.js";
import { connect } from "./sql.js";
import { isDamagedWal } from "./wal-file.js";

/** A log as it is left by a process that was killed, and its length after each transaction. */
function writeWal(path: string): { readonly wal: Uint8Array; readonly lengths: readonly number[] } {
  const sql = openFile(path);
  const lengths: number[] = [];
  const insert = sql.prepare("INSERT INTO rooms VALUES (NULL, ?, 0, ?, 0)");
  for (let n = 0; n < 12; n++) {
    sql.exec("BEGIN");
    for (let row = 0; row < n; row++) insert.run(`${n}-${row}`, "x".repeat(3_000));
    insert.run(`${n}`, "x");
    sql.exec("COMMIT");
    lengths.push(statSync(`${path}-wal`).size);
  }
  const wal = readFileSync(`${path}-wal`);
  sql.close();
  return { wal, lengths };
}

test("a log is whole, also with an end that is missing or was never finished", async () => {
  await using folder = await temporaryFolder();
  const { wal, lengths } = writeWal(folder.path("store.db"));
  expect(isDamagedWal(wal)).toBe(false);
  expect(isDamagedWal(new Uint8Array())).toBe(false);
  for (let length = 0; length < wal.length; length += 1_000)
    expect(isDamagedWal(wal.subarray(0, length))).toBe(false);
  const torn = new Uint8Array(wal);
  torn.fill(0, (lengths.at(-2) ?? 0) + 100, (lengths.at(-2) ?? 0) + 5_000);
  expect(isDamagedWal(torn)).toBe(false);
});

test("what is left of an older log behind a newer one is no damage", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const sql = openFile(path);
  const insert = sql.prepare("INSERT INTO rooms VALUES (NULL, ?, 0, ?, 0)");
  for (let n = 0; n < 20; n++) insert.run(`${n}`, "x".repeat(3_000));
  const before = statSync(`${path}-wal`).size;
  sql.exec("PRAGMA wal_checkpoint(RESTART)");
  insert.run("newer", "x");
  const wal = readFileSync(`${path}-wal`);
  expect(wal.length).toBe(before);
  expect(isDamagedWal(wal)).toBe(false);
  sql.close();
});

test("a change before the last two transactions is noticed, wherever it is", async () => {
  await using folder = await temporaryFolder();
  const { wal, lengths } = writeWal(folder.path("store.db"));
  const place = fc.oneof(fc.nat(31), fc.nat((lengths.at(-3) ?? 0) - 1));
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = new Uint8Array(wal);
      changed[at] = (wal[at] ?? 0) ^ mask;
      expect(isDamagedWal(changed)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("a file with a damaged log is refused, as often as it is opened, and its log left as it is", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const { wal } = writeWal(folder.path("origin.db"));
  copyFileSync(folder.path("origin.db"), path);
  const changed = new Uint8Array(wal);
  changed[5_000] = (wal[5_000] ?? 0) ^ 1;
  writeFileSync(`${path}-wal`, changed);
  for (const _ of [1, 2]) {
    await expect(openFileStorage(path)).rejects.toMatchObject({
      code: "corrupt",
      detail: "its write-ahead log was changed",
    });
    expect(readFileSync(`${path}-wal`).equals(changed)).toBe(true);
  }
  writeFileSync(`${path}-wal`, wal);
  const storage = await openFileStorage(path);
  expect(await storage.store.rooms.count()).toBe(78);
  await storage.close();
});

test("a damaged log of a file that is in use is the business of whoever uses it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const sql = openFile(path);
  for (let n = 0; n < 5; n++) sql.exec(`INSERT INTO rooms VALUES (NULL, x'0${n}', 0, x'00', 0)`);
  const wal = readFileSync(`${path}-wal`);
  wal[100] = (wal[100] ?? 0) ^ 1;
  writeFileSync(`${path}-wal`, wal);
  expect(() => openFile(path)).toThrow(expect.objectContaining({ code: "in_use" }));
  expect(() => connect(path).pragma("user_version")).toThrow("locked");
  sql.close();
});
