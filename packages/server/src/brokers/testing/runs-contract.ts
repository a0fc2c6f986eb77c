import { expect, test } from "vitest";
import type { RunRecord } from "../../broker.js";
import { createClock, type StorageKind } from "../../testing/storages.js";

const MINUTE_MS = 60_000;

/** Every sentence of `RunRecords`. */
export function runsContract({ open }: StorageKind): void {
  const record = (key: string, more: Partial<RunRecord> = {}): RunRecord => ({
    key,
    startedAtMs: 1,
    endedAtMs: null,
    log: null,
    ...more,
  });

  test("a record is there until it is replaced or deleted", async () => {
    const { nowMs } = createClock();
    await using storage = await open({ nowMs });
    const { runs } = storage.broker;
    expect(await runs.get("a")).toBeNull();
    await runs.put(record("a"));
    await runs.put(record("b", { startedAtMs: 2 }));
    expect(await runs.get("a")).toEqual(record("a"));
    const ended = record("a", { endedAtMs: nowMs(), log: "[]" });
    await runs.put(ended);
    expect(await runs.get("a")).toEqual(ended);
    await runs.delete("a");
    await runs.delete("nothing");
    expect(await runs.get("a")).toBeNull();
    expect(await runs.get("b")).toEqual(record("b", { startedAtMs: 2 }));
  });

  test("records expire five minutes after the end of their runs, those in progress do not", async () => {
    const { nowMs, pass } = createClock();
    await using storage = await open({ nowMs });
    const { runs } = storage.broker;
    await runs.put(record("ended", { endedAtMs: nowMs() }));
    await runs.put(record("in progress"));
    pass(5 * MINUTE_MS);
    expect(await runs.get("ended")).not.toBeNull();
    pass(1);
    expect(await runs.get("ended")).toBeNull();
    pass(60 * MINUTE_MS);
    expect(await runs.get("in progress")).toEqual(record("in progress"));
  });

  test("of more bytes than may be kept those go that ended first; those in progress last", async () => {
    const { nowMs } = createClock();
    await using storage = await open({ nowMs, bounds: { runRecordsBytes: 3 * (100 + 1 + 50) + 100 + 1 } });
    const { runs } = storage.broker;
    const ended = (key: string) => record(key, { endedAtMs: nowMs(), log: "x".repeat(50) });
    await runs.put(record("p"));
    for (const key of ["a", "b", "c"]) await runs.put(ended(key));
    const kept = async () => {
      const keys = ["p", "a", "b", "c", "d"];
      const records = await Promise.all(keys.map((key) => runs.get(key)));
      return keys.filter((_, index) => records[index] !== null);
    };
    expect(await kept()).toEqual(["p", "a", "b", "c"]);
    await runs.put(ended("a"));
    expect(await kept()).toEqual(["p", "a", "b", "c"]);
    await runs.put(ended("d"));
    expect(await kept()).toEqual(["p", "a", "c", "d"]);
    await runs.delete("c");
    await runs.put(ended("b"));
    expect(await kept()).toEqual(["p", "a", "b", "d"]);
  });

  test("a log that alone is more than may be kept is left out of its record", async () => {
    await using storage = await open({ bounds: { runRecordsBytes: 200 } });
    const { runs } = storage.broker;
    const { nowMs } = createClock(Date.now());
    await runs.put(record("a", { endedAtMs: nowMs(), log: "x".repeat(99) }));
    expect((await runs.get("a"))?.log).toHaveLength(99);
    await runs.put(record("a", { endedAtMs: nowMs(), log: "x".repeat(100) }));
    expect(await runs.get("a")).toEqual(record("a", { endedAtMs: nowMs() }));
  });
}
