import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { STORAGE_BOUNDS } from "../storage-bounds.js";
import { roomRecord } from "../testing/room-record.js";
import { type TemporaryFolder, temporaryFolder } from "../testing/temporary-folder.js";
import type { Call } from "./messages.js";
import { openTables } from "./open-tables.js";
import { codeOf, isCorruption, StorageError } from "./storage-error.js";

const NOW_MS = 1_800_000_000_000;

/** Everything that is in the file of `makeStore`, and what must not be found. */
const QUESTIONS: readonly Call[] = [
  { name: "logHead", request: { name: "room:one" } },
  { name: "readLog", request: { name: "room:one", sinceSeq: 0, maxCount: 1_000, maxBytes: 1_000_000 } },
  { name: "logState", request: { name: "room:one" } },
  { name: "findEntry", request: { name: "room:one", id: "7" } },
  { name: "readLog", request: { name: "broadcast", sinceSeq: 0, maxCount: 1_000, maxBytes: 1_000_000 } },
  { name: "listQueue", request: { userId: "ada" } },
  { name: "listQueue", request: { userId: "bob" } },
  { name: "getRun", request: { key: "run" } },
  { name: "getRoom", request: { id: "one" } },
  { name: "listRooms", request: { offset: 0, limit: 10, publicOnly: false } },
  { name: "listRooms", request: { offset: 0, limit: 10, publicOnly: true } },
  { name: "countRooms", request: null },
  { name: "historyOfRoom", request: { roomId: "one", limit: 10 } },
  { name: "historyOfUser", request: { userId: "ada", limit: 10 } },
];

async function makeStore(path: string): Promise<void> {
  const { broker, store, close } = await openFileStorage(path, {
    nowMs: () => NOW_MS,
    bounds: { queueEntriesCount: 3 },
  });
  for (let n = 0; n < 30; n++) {
    await broker.logs.append("room:one", { id: `${n}`, data: `data ${n} `.repeat(10), pinned: n % 3 === 0 });
    await broker.queues.push("ada", { id: `${n}`, data: `notice ${n}` });
  }
  const { epoch } = await broker.logs.head("room:one");
  await broker.logs.saveSnapshot("room:one", { epoch, seq: 12, data: new Uint8Array(6_000).fill(7) });
  await broker.logs.append("broadcast", { id: "a", data: "x".repeat(9_000) });
  await broker.queues.push("bob", { id: "a", data: "x" });
  await broker.runs.put({ key: "run", startedAtMs: 1, endedAtMs: NOW_MS, log: "[]" });
  await store.rooms.put(roomRecord());
  const run = {
    userId: "ada",
    userName: "Ada",
    text: "How many?",
    kind: "question",
    startedAtMs: 1,
  } as const;
  for (const roomId of ["one", null]) {
    await store.history.add({
      ...run,
      queryId: "q",
      roomId,
      endedAtMs: NOW_MS,
      outcome: "completed",
      rowCount: 3,
    });
  }
  await close();
}

/** The answers of a file with this content: `detected` where it is refused, or an answer is. */
function answersOf(content: Uint8Array, path: string) {
  writeFileSync(path, content);
  let tables: ReturnType<typeof openTables>;
  try {
    tables = openTables({ path, bounds: STORAGE_BOUNDS, openedAtMs: NOW_MS });
  } catch (error) {
    if (error instanceof StorageError) return "detected";
    throw error;
  }
  try {
    const { outcomes, damages } = tables.transactions.run(QUESTIONS, NOW_MS);
    const refused = outcomes.filter(({ done }) => !done);
    if (refused.length > 0) expect(damages).toHaveLength(refused.length);
    return refused.length > 0 ? "detected" : outcomes;
  } catch (error) {
    if (isCorruption(codeOf(error))) return "detected";
    throw error;
  } finally {
    tables.close();
  }
}

async function madeStore(folder: TemporaryFolder): Promise<Uint8Array> {
  const path = folder.path("store.db");
  await makeStore(path);
  return readFileSync(path);
}

function flipped(content: Uint8Array, place: number, mask: number): Uint8Array {
  const changed = new Uint8Array(content);
  changed[place] = (content[place] ?? 0) ^ mask;
  return changed;
}

test("a flipped byte is detected, or is where nothing is: never is anything answered wrong", {
  timeout: 240_000,
}, async () => {
  await using folder = await temporaryFolder();
  const content = await madeStore(folder);
  const expected = answersOf(content, folder.path("whole.db"));
  expect(expected).not.toBe("detected");
  let detectedCount = 0;
  let trialCount = 0;
  const place = fc.oneof(fc.nat(99), fc.nat(content.length - 1));
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const answers = answersOf(flipped(content, at, mask), folder.path(`${trialCount++}.db`));
      if (answers === "detected") detectedCount++;
      else expect(answers).toEqual(expected);
    }),
    { numRuns: 400 },
  );
  expect(detectedCount).toBeGreaterThan(50);
});

test("every byte of a text that is stored is watched over", { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder();
  const content = await madeStore(folder);
  const needle = Buffer.from("data 20 data 20 ");
  const start = Buffer.from(content).indexOf(needle);
  expect(start).toBeGreaterThan(0);
  for (let at = start; at < start + needle.length; at++) {
    expect(answersOf(flipped(content, at, 1), folder.path(`${at}.db`)), `byte ${at}`).toBe("detected");
  }
});
