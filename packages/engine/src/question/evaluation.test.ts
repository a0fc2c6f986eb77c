import { expect, test } from "vitest";
import type { Binding } from "../rdf.js";
import { pooledF1, sameRows } from "./evaluation.js";

const row = (cells: Readonly<Record<string, string>>): Binding =>
  Object.fromEntries(Object.entries(cells).map(([name, value]) => [name, { type: "literal", value }]));

test("equal answers score 1, whatever their columns are called and in whatever order they come", () => {
  const expected = [row({ a: "x", b: "1" }), row({ a: "y", b: "2" })];
  const found = [row({ n: "2", thing: "y" }), row({ n: "1", thing: "x" })];
  expect(pooledF1(expected, found)).toBe(1);
  expect(sameRows(expected, found)).toBe(true);
});

test("answers with nothing in common score 0", () => {
  expect(pooledF1([row({ a: "x" })], [row({ a: "y" })])).toBe(0);
  expect(sameRows([row({ a: "x" })], [row({ a: "y" })])).toBe(false);
});

test("half of the answers scores the harmonic mean of precision and recall", () => {
  expect(pooledF1([row({ a: "x" }), row({ a: "y" })], [row({ a: "x" })])).toBeCloseTo(2 / 3);
});

test("the same values in other rows are no exact match", () => {
  const expected = [row({ a: "x", b: "1" }), row({ a: "y", b: "2" })];
  const found = [row({ a: "x", b: "2" }), row({ a: "y", b: "1" })];
  expect(pooledF1(expected, found)).toBe(1);
  expect(sameRows(expected, found)).toBe(false);
});
