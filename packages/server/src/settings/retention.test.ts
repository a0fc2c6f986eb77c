import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { SERVER_LIMITS } from "../limits.js";
import type { RunSummary } from "../store.js";
import { createClock, STORAGE_KINDS } from "../testing/storages.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { readSettings } from "./read.js";
import { retentionBoundsOf } from "./retention.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAGE = { maxCount: 100, maxBytes: 100_000 };

afterEach(() => {
  vi.useRealTimers();
});

function boundsOf(flags: Readonly<Record<string, string>>) {
  return retentionBoundsOf(readSettings({ flags }));
}

function runOf(queryId: string, endedAtMs: number, text = "a question"): RunSummary {
  const who = { roomId: null, userId: "ada", userName: "Ada" };
  const times = { startedAtMs: endedAtMs, endedAtMs };
  return { queryId, ...who, ...times, text, kind: "question", outcome: "completed", rowCount: 0 };
}

test("[DATA-1] without settings the bounds are those of the documentation", () => {
  const bounds = boundsOf({});
  expect(bounds).toEqual({
    roomLogs: SERVER_LIMITS.roomLogs,
    historyRunsCount: SERVER_LIMITS.historyRunsCount,
    historyAgeMs: 90 * DAY_MS,
    queueEntriesCount: SERVER_LIMITS.queueEntriesCount,
    queueEntryAgeMs: 7 * DAY_MS,
  });
});

describe.each(STORAGE_KINDS)("retention: $kind", ({ open }) => {
  test("[DATA-1] so many entries of a room as the setting says are kept, and so many hours", async () => {
    const { nowMs, pass } = createClock();
    const bounds = boundsOf({ roomLogEntries: "3", roomLogHours: "2" });
    await using storage = await open({ nowMs, bounds });
    const { logs } = storage.broker;
    for (const id of ["1", "2", "3"]) await logs.append("room:a", { id, data: id });
    expect((await logs.read("room:a", 0, PAGE)).entries).toHaveLength(3);
    await logs.append("room:a", { id: "4", data: "4" });
    expect((await logs.read("room:a", 0, PAGE)).entries.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    pass(2 * HOUR_MS);
    expect((await logs.read("room:a", 0, PAGE)).entries).toHaveLength(3);
    pass(1);
    expect(await logs.read("room:a", 0, PAGE)).toMatchObject({ entries: [], seq: 4, firstSeq: 5 });
  });

  test("[DATA-1] runs are remembered for so many days and so many of them", async () => {
    const { nowMs, pass } = createClock();
    const bounds = boundsOf({ historyRuns: "2", historyDays: "1" });
    await using storage = await open({ nowMs, bounds });
    const { history } = storage.store;
    for (const id of ["1", "2", "3"]) await history.add(runOf(id, nowMs()));
    expect((await history.ofUser("ada", 10)).map(({ queryId }) => queryId)).toEqual(["3", "2"]);
    pass(DAY_MS);
    expect(await history.ofUser("ada", 10)).toHaveLength(2);
    pass(1);
    expect(await history.ofUser("ada", 10)).toEqual([]);
  });

  test("[DATA-1] so many messages wait for a user, for so many days", async () => {
    const { nowMs, pass } = createClock();
    await using storage = await open({ nowMs, bounds: boundsOf({ mailboxMessages: "2", mailboxDays: "1" }) });
    const { queues } = storage.broker;
    for (const id of ["1", "2", "3"]) await queues.push("ada", { id, data: id });
    expect((await queues.list("ada")).entries.map(({ id }) => id)).toEqual(["2", "3"]);
    pass(DAY_MS);
    expect((await queues.list("ada")).entries).toHaveLength(2);
    pass(1);
    expect((await queues.list("ada")).entries).toEqual([]);
  });
});

test("[DATA-2] what is over its time is taken out of the file by the next sweep, its bytes too", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const { nowMs, pass } = createClock();
  const bounds = boundsOf({ roomLogHours: "1", historyDays: "1", mailboxDays: "1" });
  const { broker, store, close } = await openFileStorage(path, { nowMs, bounds });
  const canary = "canary-e5b1";
  await broker.logs.append("room:a", { id: "1", data: `${canary} message` });
  await broker.queues.push("ada", { id: "1", data: `${canary} letter` });
  await store.history.add(runOf("q", nowMs(), `${canary} question`));
  pass(DAY_MS + 1);
  await store.history.add(runOf("later", nowMs()));
  vi.advanceTimersByTime(SERVER_LIMITS.sweepIntervalMs);
  await expect.poll(() => broker.queues.totalCount(), { timeout: 20_000 }).toBe(0);
  await close();
  expect(await readFile(path, "latin1")).not.toContain(canary);
  const again = await openFileStorage(path, { nowMs, bounds });
  expect((await again.store.history.ofUser("ada", 10)).map(({ queryId }) => queryId)).toEqual(["later"]);
  await again.close();
});
