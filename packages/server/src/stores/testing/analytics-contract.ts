import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../../limits.js";
import type { AnalyticsSample } from "../../store.js";
import type { StorageKind } from "../../testing/storages.js";

const sample = (more: Partial<AnalyticsSample> = {}): AnalyticsSample => ({
  day: "2026-03-01",
  endpointId: "local",
  kind: "question",
  outcome: "completed",
  latencyMs: 40,
  rowCount: 3,
  text: null,
  ...more,
});

/** Every sentence of `AnalyticsRecords`. */
export function analyticsContract({ open }: StorageKind): void {
  test("runs are counted by day and endpoint, and the counts come back", async () => {
    await using storage = await open();
    const { analytics } = storage.store;
    await analytics.add(sample());
    await analytics.add(sample({ kind: "sparql", latencyMs: 2_000, rowCount: 4 }));
    await analytics.add(sample({ outcome: "failed", latencyMs: 99_000, rowCount: 0 }));
    await analytics.add(sample({ outcome: "cancelled", latencyMs: 99_000, rowCount: 0 }));
    await analytics.add(sample({ latencyMs: 10_000_000 }));
    await using again = await storage.reopened();
    const [day, ...others] = await again.store.analytics.between("2026-03-01", "2026-03-01");
    expect(others).toEqual([]);
    expect(day).toEqual({
      day: "2026-03-01",
      endpointId: "local",
      question: 4,
      sparql: 1,
      completed: 3,
      failed: 1,
      cancelled: 1,
      rows: 10,
      latency: { count: 3, sumMs: 10_002_040, maxMs: 10_000_000, buckets: expect.any(Array) },
      texts: [],
    });
    const { analyticsBucketsMs: bounds } = SERVER_LIMITS;
    const expected = [...bounds.map(() => 0), 1];
    for (const ms of [40, 2_000]) {
      const index = bounds.findIndex((bound) => ms <= bound);
      expected[index] = (expected[index] ?? 0) + 1;
    }
    expect(day?.latency.buckets).toEqual(expected);
  });

  test("days are told in order, within both bounds, and their endpoints in order", async () => {
    await using storage = await open();
    const { analytics } = storage.store;
    for (const day of ["2026-03-03", "2026-02-28", "2026-03-01"]) await analytics.add(sample({ day }));
    await analytics.add(sample({ endpointId: "__proto__" }));
    const found = await analytics.between("2026-03-01", "2026-03-03");
    expect(found.map(({ day, endpointId }) => [day, endpointId])).toEqual([
      ["2026-03-01", "__proto__"],
      ["2026-03-01", "local"],
      ["2026-03-03", "local"],
    ]);
    expect(await analytics.between("2026-03-04", "2026-12-31")).toEqual([]);
  });

  test("what is older than a day can be deleted, and that day stays", async () => {
    await using storage = await open();
    const { analytics } = storage.store;
    for (const day of ["2026-02-28", "2026-03-01", "2026-03-02"]) await analytics.add(sample({ day }));
    await analytics.deleteBefore("2026-03-01");
    const days = (await analytics.between("0000-01-01", "9999-12-31")).map(({ day }) => day);
    expect(days).toEqual(["2026-03-01", "2026-03-02"]);
  });

  test("texts are cut, and beyond their number no more are kept", async () => {
    await using storage = await open();
    const { analytics } = storage.store;
    const { analyticsTextsCount: count, analyticsTextCharacters: most } = SERVER_LIMITS;
    await analytics.add(sample({ text: "x".repeat(most + 1) }));
    for (let n = 1; n <= count; n++) await analytics.add(sample({ text: `${n}` }));
    const [day] = await analytics.between("2026-03-01", "2026-03-01");
    expect(day?.texts).toHaveLength(count);
    expect(day?.texts[0]).toBe("x".repeat(most));
    expect(day?.texts.at(-1)).toBe(`${count - 1}`);
    expect(day?.question).toBe(count + 1);
  });
}
