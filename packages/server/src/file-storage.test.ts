import { statSync } from "node:fs";
import Database from "libsql";
import { afterEach, expect, test, vi } from "vitest";
import { openFileStorage } from "./file-storage.js";
import type { RoomRecord } from "./store.js";
import { createClock } from "./testing/storages.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

afterEach(() => {
  vi.useRealTimers();
});

const ALL = { maxCount: 10_000, maxBytes: 1_000_000_000 };
const MEBIBYTE = "x".repeat(1024 * 1024);
const ROOM: RoomRecord = {
  id: "one",
  name: "One",
  ownerId: "ada",
  createdAtMs: 1,
  maxMembersCount: 50,
  isPublic: true,
  isEncrypted: false,
  metadata: {},
  roles: {},
  defaultRole: "editor",
  bannedUserIds: [],
  invite: null,
};

test("a restart keeps everything that was acknowledged, epochs included", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const first = await openFileStorage(path);
  const { logs, queues, runs } = first.broker;
  await logs.append("room:one", { id: "a", data: "pinned", pinned: true });
  await logs.append("room:one", { id: "b", data: "x" });
  await logs.saveSnapshot("room:one", { seq: 0, data: new Uint8Array([1, 2]) });
  await logs.append("broadcast", { id: "a", data: "all" });
  const empty = await logs.head("room:empty");
  await queues.push("ada", { id: "n", data: "waits" });
  await runs.put({ key: "r", startedAtMs: 1, endedAtMs: null, log: null });
  await first.store.rooms.put(ROOM);
  const before = {
    state: await logs.state("room:one"),
    entries: await logs.read("room:one", 0, ALL),
    all: await logs.read("broadcast", 0, ALL),
    queue: await queues.list("ada"),
  };
  await first.close();

  const second = await openFileStorage(path);
  const after = {
    state: await second.broker.logs.state("room:one"),
    entries: await second.broker.logs.read("room:one", 0, ALL),
    all: await second.broker.logs.read("broadcast", 0, ALL),
    queue: await second.broker.queues.list("ada"),
  };
  expect(after).toEqual(before);
  expect(await second.broker.logs.head("room:empty")).toEqual(empty);
  expect(await second.broker.logs.append("room:one", { id: "b", data: "x" })).toMatchObject({
    repeated: true,
  });
  expect(await second.store.rooms.get("one")).toEqual(ROOM);
  await second.close();
});

test("a run in progress when its process ended is there without an end for five minutes, then expires", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const { nowMs, pass } = createClock();
  const run = { key: "r", startedAtMs: 1, endedAtMs: null, log: null };
  const first = await openFileStorage(path, { nowMs });
  await first.broker.runs.put(run);
  await first.close();
  pass(3_600_000);
  const second = await openFileStorage(path, { nowMs });
  await second.broker.runs.put({ ...run, key: "own" });
  pass(300_000);
  expect(await second.broker.runs.get("r")).toEqual(run);
  pass(1);
  expect(await second.broker.runs.get("r")).toBeNull();
  expect(await second.broker.runs.get("own")).not.toBeNull();
  await second.close();
});

test("closing stores what waits; whatever comes later is refused", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const { broker, store, close } = await openFileStorage(path);
  const appended = Promise.all(
    Array.from({ length: 50 }, (_, n) => broker.logs.append("room:one", { id: `${n}`, data: "x" })),
  );
  await Promise.all([close(), close(), broker[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
  expect((await appended).map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  const late = broker.logs.append("room:one", { id: "late", data: "x" });
  await expect(late).rejects.toMatchObject({ code: "unavailable", message: "The store is closed." });

  const again = await openFileStorage(path);
  expect(await again.broker.logs.head("room:one")).toMatchObject({ seq: 50 });
  await again.close();
});

test("a closed store is one file, for its user alone, in a folder made for its user alone", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("a/b/store.db");
  const storage = await openFileStorage(path);
  await storage.broker.logs.append("room:one", { id: "a", data: "x" });
  await storage.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(folder.path("a/b")).mode & 0o777).toBe(0o700);
  expect(() => statSync(`${path}-wal`)).toThrow("ENOENT");
});

test("exactly 10,000 operations may wait; the next is refused as unavailable and has not happened", async () => {
  await using folder = await temporaryFolder();
  const { broker, close } = await openFileStorage(folder.path("store.db"));
  const append = (n: number) => broker.logs.append("room:one", { id: `${n}`, data: "x" });
  const waiting = Array.from({ length: 10_000 }, (_, n) => append(n));
  await expect(append(10_000)).rejects.toMatchObject({ code: "unavailable" });
  await Promise.all(waiting);
  expect(await broker.logs.head("room:one")).toMatchObject({ seq: 10_000 });
  await close();
});

test("exactly 32 MiB may wait; a single larger operation enters the empty queue", async () => {
  await using folder = await temporaryFolder();
  const { broker, close } = await openFileStorage(folder.path("store.db"));
  const append = (id: string, mebibytes: number) =>
    broker.logs.append("room:one", { id, data: MEBIBYTE.repeat(mebibytes) });
  const waiting = Array.from({ length: 8 }, (_, n) => append(`${n}`, 4));
  await expect(broker.logs.append("room:one", { id: "more", data: "x" })).rejects.toMatchObject({
    code: "unavailable",
  });
  await Promise.all(waiting);
  const larger = append("larger", 33);
  await expect(append("after", 1)).rejects.toMatchObject({ code: "unavailable" });
  expect(await larger).toMatchObject({ seq: 9, repeated: false });
  await close();
});

test("more logs than the thread keeps in memory are kept apart all the same", async () => {
  await using folder = await temporaryFolder();
  const { broker, close } = await openFileStorage(folder.path("store.db"));
  const names = Array.from({ length: 1_001 }, (_, n) => `room:${n}` as const);
  for (const round of [1, 2]) {
    const seqs = names.map(
      async (name) => (await broker.logs.append(name, { id: `${round}`, data: name })).seq,
    );
    expect(new Set(await Promise.all(seqs))).toEqual(new Set([round]));
  }
  await close();
});

test("what is too old leaves the file though nobody looks, in as many parts as it takes", async () => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const { nowMs, pass } = createClock();
  const { broker, close } = await openFileStorage(path, { nowMs, bounds: { queueEntryAgeMs: 1_000 } });
  // One more log than what a sweep may remove at a time.
  const appends = Array.from({ length: 11 }, async (_, log) => {
    for (const part of [0, 1]) {
      const ids = Array.from({ length: 500 }, (_entry, n) => `${part * 500 + n}`);
      await Promise.all(ids.map((id) => broker.logs.append(`room:${log}`, { id, data: "x" })));
    }
  });
  await Promise.all(appends);
  await broker.logs.append("room:pinned", { id: "a", data: "x", pinned: true });
  await broker.runs.put({ key: "r", startedAtMs: 1, endedAtMs: nowMs(), log: null });
  await broker.queues.push("ada", { id: "a", data: "x" });
  pass(48 * 3_600_000);
  await broker.queues.push("bob", { id: "a", data: "x" });
  expect(broker.queues.totalCount()).toBe(2);
  vi.advanceTimersByTime(30_000);
  await expect.poll(() => broker.queues.totalCount(), { timeout: 20_000 }).toBe(1);
  expect(await broker.queues.list("ada")).toMatchObject({ entries: [], lostCount: 1 });
  // Nobody was told of the loss for as long as it was kept.
  pass(1_001);
  vi.advanceTimersByTime(30_000);
  await expect.poll(async () => (await broker.queues.list("ada")).lostCount, { timeout: 20_000 }).toBe(0);
  await close();

  const file = new Database(path);
  const countOf = (table: string) => file.prepare(`SELECT count(*) FROM ${table}`).raw().get();
  expect([countOf("entries"), countOf("runs"), countOf("queues")]).toEqual([[1], [0], [1]]);
});
