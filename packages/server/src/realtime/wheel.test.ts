import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createWheel } from "./wheel.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("an entry is visited when its time has come and then as often as it asks for", () => {
  const wheel = createWheel(100);
  const visits: number[] = [];
  wheel.add({ visit: (nowMs) => visits.push(nowMs) && 300 }, 250);
  vi.advanceTimersByTime(1_000);
  expect(visits).toEqual([300, 600, 900]);
  wheel.close();
});

test("an entry that is taken off, even by its own visit, is not visited again", () => {
  const wheel = createWheel(100);
  let visitCount = 0;
  const visitor = {
    visit() {
      visitCount++;
      entry.remove();
      return 100;
    },
  };
  const entry = wheel.add(visitor, 100);
  const other = wheel.add({ visit: () => expect.fail("was taken off") }, 200);
  other.remove();
  vi.advanceTimersByTime(1_000);
  expect(visitCount).toBe(1);
  wheel.close();
});

test("an entry that asks for nothing more is not visited again", () => {
  const wheel = createWheel(100);
  let visitCount = 0;
  const visitor = {
    visit() {
      visitCount++;
      return null;
    },
  };
  wheel.add(visitor, 100);
  vi.advanceTimersByTime(1_000);
  expect(visitCount).toBe(1);
  wheel.close();
});

test("[PING-4] a stalled process does not advance the clock by more than two ticks", () => {
  const wheel = createWheel(100);
  vi.advanceTimersByTime(500);
  expect(wheel.now()).toBe(500);
  // The event loop stands still: time passes, and no timer comes.
  const { now } = performance;
  const stalledMs = 10_000;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + stalledMs);
  vi.advanceTimersByTime(100);
  expect(wheel.now()).toBe(700);
  vi.restoreAllMocks();
  wheel.close();
});
