import { expect, test } from "vitest";
import type { Queues } from "../../broker.js";
import { createClock, type StorageKind } from "../../testing/storages.js";

const DAY_MS = 24 * 3_600_000;

const idsOf = async (queues: Queues, userId: string) =>
  (await queues.list(userId)).entries.map(({ id }) => id);

/** Every sentence of `Queues`. */
export function queuesContract({ open }: StorageKind): void {
  test("messages wait, oldest first, until they are acknowledged", async () => {
    const { nowMs, pass } = createClock();
    await using storage = await open({ nowMs });
    const { queues } = storage.broker;
    expect(await queues.list("ada")).toEqual({ entries: [], lostCount: 0 });
    expect(await queues.push("ada", { id: "a", data: "one" })).toEqual({ droppedCount: 0 });
    pass(5);
    await queues.push("ada", { id: "b", data: "two" });
    await queues.push("bob", { id: "a", data: "other" });
    expect(await queues.list("ada")).toEqual({
      entries: [
        { id: "a", atMs: nowMs() - 5, data: "one" },
        { id: "b", atMs: nowMs(), data: "two" },
      ],
      lostCount: 0,
    });
    expect(await queues.acknowledge("ada", "a")).toBe(true);
    expect(await queues.acknowledge("ada", "a")).toBe(false);
    expect(await queues.acknowledge("nobody", "a")).toBe(false);
    expect(await idsOf(queues, "ada")).toEqual(["b"]);
    expect(await idsOf(queues, "bob")).toEqual(["a"]);
  });

  test("an id that waits already is not queued again; one that was acknowledged may be", async () => {
    await using storage = await open();
    const { queues } = storage.broker;
    await Promise.all([
      queues.push("ada", { id: "a", data: "one" }),
      queues.push("ada", { id: "a", data: "again" }),
    ]);
    expect((await queues.list("ada")).entries).toMatchObject([{ id: "a", data: "one" }]);
    await queues.acknowledge("ada", "a");
    await queues.push("ada", { id: "a", data: "later" });
    expect((await queues.list("ada")).entries).toMatchObject([{ id: "a", data: "later" }]);
  });

  test("exactly 100 wait; of more the oldest go, are counted, and their number is told until it is acknowledged", async () => {
    await using storage = await open();
    const { queues } = storage.broker;
    const push = (n: number) => queues.push("ada", { id: String(n), data: "x" });
    for (let n = 1; n <= 100; n++) expect(await push(n)).toEqual({ droppedCount: 0 });
    expect((await queues.list("ada")).lostCount).toBe(0);
    expect(await push(101)).toEqual({ droppedCount: 1 });
    expect(await push(102)).toEqual({ droppedCount: 1 });
    expect(await push(102)).toEqual({ droppedCount: 0 });
    const ids = await idsOf(queues, "ada");
    expect([ids.length, ids.at(0), ids.at(-1)]).toEqual([100, "3", "102"]);
    expect((await queues.list("ada")).lostCount).toBe(2);
    await queues.acknowledgeLost("ada", 1);
    expect((await queues.list("ada")).lostCount).toBe(1);
    await queues.acknowledgeLost("ada", 5);
    expect((await queues.list("ada")).lostCount).toBe(0);
    expect(queues.totalCount()).toBe(100);
  });

  test("what is older than seven days is lost, and that is told", async () => {
    const { nowMs, pass } = createClock();
    await using storage = await open({ nowMs });
    const { queues } = storage.broker;
    await queues.push("ada", { id: "a", data: "x" });
    pass(DAY_MS);
    await queues.push("ada", { id: "b", data: "x" });
    pass(6 * DAY_MS);
    expect(await idsOf(queues, "ada")).toEqual(["a", "b"]);
    pass(1);
    expect(await queues.list("ada")).toMatchObject({ entries: [{ id: "b" }], lostCount: 1 });
    expect(await queues.acknowledge("ada", "a")).toBe(false);
    expect(await queues.push("ada", { id: "a", data: "x" })).toEqual({ droppedCount: 0 });
    expect(await queues.list("ada")).toMatchObject({ entries: [{ id: "b" }, { id: "a" }], lostCount: 1 });
  });

  test("entries of all users are counted", async () => {
    await using storage = await open();
    const { queues } = storage.broker;
    expect(queues.totalCount()).toBe(0);
    await Promise.all(["a", "b"].map((id) => queues.push("ada", { id, data: "x" })));
    await queues.push("bob", { id: "a", data: "x" });
    await queues.push("bob", { id: "a", data: "x" });
    expect(queues.totalCount()).toBe(3);
    await queues.acknowledge("ada", "a");
    expect(queues.totalCount()).toBe(2);
    await queues.delete("ada");
    expect(queues.totalCount()).toBe(1);
    await using again = await storage.reopened();
    expect(again.broker.queues.totalCount()).toBe(1);
  });

  test("a deleted queue is gone with what it had lost", async () => {
    await using storage = await open({ bounds: { queueEntriesCount: 1 } });
    const { queues } = storage.broker;
    await queues.push("ada", { id: "a", data: "x" });
    await queues.push("ada", { id: "b", data: "x" });
    await queues.delete("ada");
    await queues.delete("nobody");
    expect(await queues.list("ada")).toEqual({ entries: [], lostCount: 0 });
  });

  test("losses are told as long as the queue is kept, also when nothing waits any more", async () => {
    await using storage = await open({ bounds: { queueEntriesCount: 1 } });
    const { queues } = storage.broker;
    await queues.push("ada", { id: "a", data: "x" });
    await queues.push("ada", { id: "b", data: "x" });
    await queues.acknowledge("ada", "b");
    expect(await queues.list("ada")).toEqual({ entries: [], lostCount: 1 });
    await queues.acknowledgeLost("nobody", 1);
    expect(await queues.list("nobody")).toEqual({ entries: [], lostCount: 0 });
  });
}
