import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { FromWorker } from "./database/messages.js";
import { type DatabaseThread, type StartThread, startDatabaseThread } from "./database/thread.js";
import { openFileStorage, openFileStorageWith } from "./file-storage.js";
import { testWithSmallDisk } from "./testing/small-disk.js";
import { answersAgain } from "./testing/store-answers.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const PROGRAM = fileURLToPath(new URL("./testing/append-until-killed.mjs", import.meta.url));
const ALL = { maxCount: 1_000_000, maxBytes: 1_000_000_000 };
const UNBOUNDED = { maxEntriesCount: 1_000_000, maxAgeMs: 3_600_000, maxBytes: 1_000_000_000 };
const PATIENCE = { timeout: 20_000 };

/** Runs the program until so many of its appends were acknowledged, then kills it. Returns their ids. */
async function appendUntilKilled(path: string, run: string, acknowledgedCount: number): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, path, run], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "open") continue;
    // The last line may be half of one.
    if (/-\d+-\d+$/.test(line)) acknowledged.push(line);
    if (acknowledged.length === acknowledgedCount) child.kill("SIGKILL");
  }
  const [, signal] = await exited;
  expect(signal).toBe("SIGKILL");
  return acknowledged;
}

test("a process killed in the middle of a burst loses nothing that was acknowledged", {
  timeout: 120_000,
}, async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const acknowledged: string[] = [];
  for (const [index, count] of [1, 300, 2_000, 5_000].entries()) {
    const run = `run${index}`;
    acknowledged.push(...(await appendUntilKilled(path, run, count)));
    const { broker, close } = await openFileStorage(path, { bounds: { roomLogs: UNBOUNDED } });
    const { entries, firstSeq, seq } = await broker.logs.read("room:burst", 0, ALL);
    expect(firstSeq).toBe(1);
    expect(entries.map((entry) => entry.seq)).toEqual(Array.from({ length: seq }, (_, n) => n + 1));
    const ids = new Set(entries.map(({ id }) => id));
    expect(ids.size).toBe(entries.length);
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(await broker.runs.get(run)).toMatchObject({ key: run, endedAtMs: null });
    await close();
  }
});

testWithSmallDisk(
  "a full disk refuses with storage_full, does nothing by halves, and lets everything be read",
  async (disk) => {
    const path = join(disk.folder, "store.db");
    const ballast = join(disk.folder, "ballast");
    const rest = join(disk.folder, "rest");
    const { broker, store, close } = await openFileStorage(path);
    await broker.queues.push("ada", { id: "a", data: "waits" });
    writeFileSync(ballast, Buffer.alloc(400_000));
    const data = "x".repeat(1_000);
    const appendTen = (round: number) =>
      Promise.allSettled(
        Array.from({ length: 10 }, (_, n) => broker.logs.append("room:one", { id: `${round}-${n}`, data })),
      );
    let round = 0;
    let outcomes = await appendTen(round);
    while (outcomes.every(({ status }) => status === "fulfilled") && round < 200)
      outcomes = await appendTen(++round);

    expect(outcomes).toEqual(
      Array(10).fill({ status: "rejected", reason: expect.objectContaining({ code: "storage_full" }) }),
    );
    // What is left, on the disk and within the log that was being written, was too little for ten messages: the
    // smallest of all writes, the first look at a log, uses it up.
    const { bavail, bsize } = statfsSync(disk.folder);
    writeFileSync(rest, Buffer.alloc(bavail * bsize));
    let isFull = false;
    for (let n = 0; !isFull && n < 1_000; n++) {
      const [looked] = await Promise.allSettled([broker.logs.head(`room:fill-${n}`)]);
      isFull = looked.status === "rejected";
    }
    const readAll = () => broker.logs.read("room:one", 0, ALL);
    const before = await readAll();
    expect(before.entries).toHaveLength(round * 10);
    expect(before.seq).toBe(round * 10);
    expect((await broker.logs.state("room:one")).seq).toBe(round * 10);
    expect(await broker.queues.list("ada")).toMatchObject({ entries: [{ id: "a", data: "waits" }] });
    expect(await store.rooms.list({ offset: 0, limit: 10 })).toEqual([]);
    await expect(broker.queues.push("ada", { id: "b", data })).rejects.toMatchObject({
      code: "storage_full",
    });
    await expect(broker.logs.head("room:new")).rejects.toMatchObject({ code: "storage_full" });
    expect(broker.queues.totalCount()).toBe(1);

    rmSync(ballast);
    rmSync(rest);
    const after = await appendTen(round);
    expect(after).toEqual(
      Array.from({ length: 10 }, (_, n) => ({
        status: "fulfilled",
        value: { epoch: before.epoch, seq: round * 10 + n + 1, repeated: false },
      })),
    );
    await close();
    const again = await openFileStorage(path);
    expect((await again.broker.logs.read("room:one", 0, ALL)).entries).toHaveLength(round * 10 + 10);
    await again.close();
  },
);

testWithSmallDisk("a store on a full disk can be closed, opened again, and read", async (disk) => {
  const path = join(disk.folder, "store.db");
  const first = await openFileStorage(path);
  await first.broker.logs.append("room:one", { id: "a", data: "x".repeat(50_000) });
  const { bavail, bsize } = statfsSync(disk.folder);
  writeFileSync(join(disk.folder, "ballast"), Buffer.alloc(bavail * bsize));
  const before = await first.broker.logs.read("room:one", 0, ALL);
  await first.close();
  const { broker, close } = await openFileStorage(path);
  expect(await broker.logs.read("room:one", 0, ALL)).toEqual(before);
  const more = broker.logs.append("room:one", { id: "b", data: "x".repeat(50_000) });
  await expect(more).rejects.toMatchObject({ code: "storage_full" });
  rmSync(join(disk.folder, "ballast"));
  expect(await broker.logs.append("room:one", { id: "b", data: "x" })).toMatchObject({ seq: 2 });
  await close();
});

testWithSmallDisk("a store is not made on a full disk, and leaves nothing behind there", async (disk) => {
  const path = join(disk.folder, "store.db");
  writeFileSync(join(disk.folder, "ballast"), Buffer.alloc(1024 * 1024 - 8_192));
  await expect(openFileStorage(path)).rejects.toMatchObject({ code: "full", path });
  rmSync(join(disk.folder, "ballast"));
  const storage = await openFileStorage(path);
  await storage.close();
});

/** Real threads that can be ended, with the last word on what they say. */
function endableThreads(hear: (message: FromWorker) => "pass" | "end" = () => "pass") {
  const threads: DatabaseThread[] = [];
  const start: StartThread = (input, events) => {
    const thread = startDatabaseThread(input, {
      ...events,
      message(message) {
        if (hear(message) === "end") void thread.terminate();
        else events.message(message);
      },
    });
    threads.push(thread);
    return thread;
  };
  return { start, threads };
}

test("a thread that dies is started again; what was pending is refused, and followers miss nothing", async () => {
  await using folder = await temporaryFolder();
  const faults: unknown[] = [];
  const { start, threads } = endableThreads();
  const { broker, close } = await openFileStorageWith(start, folder.path("store.db"), {
    onFault: (error) => faults.push(error),
  });
  const told: number[] = [];
  broker.logs.follow("room:one", ({ seq }) => told.push(seq));
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    const ids = Array.from({ length: 200 }, (_, n) => `${round}-${n}`);
    const appends = ids.map((id) => broker.logs.append("room:one", { id, data: "x" }));
    const [outcomes] = await Promise.all([
      Promise.allSettled(appends),
      new Promise<void>((resolve) => setImmediate(resolve)).then(() => threads.at(-1)?.terminate()),
    ]);
    outcomes.forEach((outcome, n) => {
      if (outcome.status === "fulfilled") acknowledged.push(`${round}-${n}`);
      else expect(outcome.reason).toMatchObject({ code: "unavailable" });
    });
    await answersAgain(broker.logs);
  }
  await broker.logs.append("room:one", { id: "last", data: "x" });
  const { entries } = await broker.logs.read("room:one", 0, ALL);
  expect(told).toEqual(entries.map(({ seq }) => seq));
  expect(told).toEqual(Array.from({ length: entries.length }, (_, n) => n + 1));
  const ids = new Set(entries.map(({ id }) => id));
  expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
  expect(threads).toHaveLength(5);
  expect(faults).toHaveLength(4);
  await close();
});

test("what a dying thread committed without a word is told to followers before anything newer", async () => {
  await using folder = await temporaryFolder();
  let armed = false;
  const { start } = endableThreads(({ kind }) => (armed && kind === "done" ? "end" : "pass"));
  const { broker, close } = await openFileStorageWith(start, folder.path("store.db"), { onFault: () => {} });
  const told: string[] = [];
  broker.logs.follow("room:one", ({ seq, id }) => told.push(`${seq} ${id}`));
  await broker.logs.append("room:one", { id: "a", data: "x" });
  armed = true;
  const lost = ["a", "b", "c"].map((id) => broker.logs.append("room:one", { id, data: "x" }));
  for (const append of lost) await expect(append).rejects.toMatchObject({ code: "unavailable" });
  armed = false;
  await answersAgain(broker.logs);
  expect(await broker.logs.append("room:one", { id: "b", data: "x" })).toMatchObject({
    seq: 2,
    repeated: true,
  });
  expect(await broker.logs.append("room:one", { id: "d", data: "x" })).toMatchObject({ seq: 4 });
  expect(told).toEqual(["1 a", "2 b", "3 c", "4 d"]);
  await close();
});

test("a file that is damaged when it is opened again stays refused, with the reason", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const faults: unknown[] = [];
  const { start, threads } = endableThreads();
  const storage = await openFileStorageWith(start, path, { onFault: (error) => faults.push(error) });
  await storage.broker.logs.append("room:one", { id: "a", data: "x" });
  await threads[0]?.terminate();
  truncateSync(path, 100);
  await expect
    .poll(() => faults.at(-1), PATIENCE)
    .toMatchObject({ name: "StorageError", code: "corrupt", path });
  await expect(storage.broker.logs.head("room:one")).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(`The store ${path} is damaged`),
  });
  expect(threads).toHaveLength(2);
  await storage.close();
});

test("a file that is damaged while it is open is noticed by the next that reads there, and refused from then on", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const first = await openFileStorage(path);
  // More than the thread keeps in memory of what it read when it opened the file.
  const names = Array.from({ length: 8 }, (_, n) => `room:${n}` as const);
  for (const name of names) await first.broker.logs.append(name, { id: "a", data: name.repeat(100_000) });
  await first.close();

  const faults: unknown[] = [];
  const { broker, close } = await openFileStorage(path, { onFault: (error) => faults.push(error) });
  const middle = statSync(path).size >> 1;
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(middle, 0xff), 0, middle, middle);
  closeSync(file);
  const outcomes = await Promise.allSettled(names.map((name) => broker.logs.read(name, 0, ALL)));
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(0);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "unavailable" });
    else
      expect(outcome.value.entries).toMatchObject([
        { data: names[outcomes.indexOf(outcome)]?.repeat(100_000) },
      ]);
  }
  expect(faults[0]).toMatchObject({ name: "StorageError", code: "corrupt", path });
  await close();
});

test("an idle store does not keep its process alive", async () => {
  await using folder = await temporaryFolder();
  const program = `
    const { openFileStorage } = await import(${JSON.stringify(new URL("../dist/file-storage.js", import.meta.url).href)});
    const { broker } = await openFileStorage(process.argv[1]);
    await broker.logs.append("room:one", { id: "a", data: "x" });
    console.log("stored");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, folder.path("store.db")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const output: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) output.push(line);
  expect(output).toEqual(["stored"]);
  expect((await exited)[0]).toBe(0);
});
