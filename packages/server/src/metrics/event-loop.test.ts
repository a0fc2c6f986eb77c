import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createEventLoopMonitor, type EventLoopMonitor } from "./event-loop.js";

const open: EventLoopMonitor[] = [];

afterEach(() => {
  for (const monitor of open.splice(0)) monitor.close();
});

function watch(windowMs: number): EventLoopMonitor {
  const monitor = createEventLoopMonitor({ windowMs });
  open.push(monitor);
  return monitor;
}

function stall(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) void 0;
}

test("the watch begins with the first look and sees a stall", async () => {
  const monitor = watch(60_000);
  expect(monitor.read()).toBeNull();
  // The clock is first read in a turn of its own.
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(0);
  await turn();
  stall(300);
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(0.25);
  const seen = monitor.read();
  expect(seen?.p50).toBeLessThanOrEqual(seen?.p99 ?? 0);
  expect(seen?.p99).toBeLessThanOrEqual(seen?.max ?? 0);
});

test("asking does not reset: a stall is seen by everybody who looks within the windows", async () => {
  const monitor = watch(60_000);
  monitor.read();
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(0);
  stall(300);
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(0.25);
  for (let look = 0; look < 10; look++) expect(monitor.read()?.max).toBeGreaterThan(0.25);
});

test("a stall is told from full windows too, and forgotten after six of them", async () => {
  const monitor = watch(300);
  monitor.read();
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(0);
  stall(2_000);
  await expect.poll(() => monitor.read()?.max ?? 0).toBeGreaterThan(1.9);
  await expect.poll(() => monitor.read()?.max ?? 0, { timeout: 20_000 }).toBeLessThan(1.5);
});
