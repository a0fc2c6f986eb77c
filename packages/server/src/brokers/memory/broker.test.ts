import { afterEach, expect, test, vi } from "vitest";
import { createClock } from "../../testing/storages.js";
import { createMemoryBroker } from "./broker.js";

afterEach(() => {
  vi.useRealTimers();
});

test("what waits in memory, of all users, is bounded: above it a push is refused and has not happened", async () => {
  await using broker = createMemoryBroker({ bounds: { memoryQueuesBytes: 10 } });
  const { queues } = broker;
  await queues.push("ada", { id: "a", data: "12345" });
  await queues.push("bob", { id: "a", data: "67é8" });
  expect(queues.totalCount()).toBe(2);
  await expect(queues.push("ada", { id: "b", data: "x" })).rejects.toMatchObject({ code: "storage_full" });
  expect(await queues.list("ada")).toMatchObject({ entries: [{ id: "a" }], lostCount: 0 });
});

test("what is too old leaves memory though nobody looks", async () => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const { nowMs, pass } = createClock();
  await using broker = createMemoryBroker({ nowMs, bounds: { queueEntryAgeMs: 1_000 } });
  await broker.queues.push("ada", { id: "a", data: "x" });
  pass(1_000);
  vi.advanceTimersByTime(30_000);
  expect(broker.queues.totalCount()).toBe(1);
  pass(1);
  vi.advanceTimersByTime(30_000);
  expect(broker.queues.totalCount()).toBe(0);
  expect((await broker.queues.list("ada")).lostCount).toBe(1);
  // Nobody was told of the loss for as long as it was kept.
  pass(1_001);
  vi.advanceTimersByTime(30_000);
  expect((await broker.queues.list("ada")).lostCount).toBe(0);
});
