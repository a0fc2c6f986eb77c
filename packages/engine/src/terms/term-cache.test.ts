import { expect, test } from "vitest";
import { createTermCache } from "./term-cache.js";

test("the value not used for longest makes room at the limit", () => {
  const cache = createTermCache<number>(2, 1_000);
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
});

test("a value is gone when its time is over, however often it was used", () => {
  let nowMs = 0;
  const cache = createTermCache<number>(2, 100, () => nowMs);
  cache.set("a", 1);
  nowMs = 99;
  expect(cache.get("a")).toBe(1);
  nowMs = 100;
  expect(cache.get("a")).toBeUndefined();
});
