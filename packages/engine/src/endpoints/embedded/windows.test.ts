import { expect, test } from "vitest";
import { nextWindowRows } from "./windows.js";

/** Window sizes for a query that takes `startMs` before its first row and `perRowMs` for each, read or skipped. */
function sizes(startMs: number, perRowMs: number, count: number): readonly number[] {
  const samples: { rows: number; elapsedMs: number }[] = [];
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    const rows = nextWindowRows(samples);
    offset += rows;
    samples.push({ rows, elapsedMs: startMs + perRowMs * offset });
  }
  return samples.map(({ rows }) => rows);
}

test("windows grow fourfold up to their bound, also where rows are slow", () => {
  const growing = [100, 400, 1_600, 6_400, 25_600, 100_000, 100_000];
  expect(sizes(1, 0.01, 7)).toEqual(growing);
  expect(sizes(50, 0.5, 7)).toEqual(growing);
});

test("a query that is slow to start is not started for every window", () => {
  expect(sizes(300, 0.01, 3)).toEqual([100, 400, 100_000]);
  expect(sizes(5_000, 0.01, 2)).toEqual([100, 100_000]);
});
