import { expect, test } from "vitest";
import type { RunSummary } from "../../store.js";
import type { StorageKind } from "../../testing/storages.js";

const NOW_MS = Date.now();

const run = (queryId: string, userId: string, roomId: string | null = null): RunSummary => ({
  queryId,
  roomId,
  userId,
  userName: `Name of ${userId}`,
  text: `How many ${queryId}?`,
  kind: "question",
  startedAtMs: NOW_MS,
  endedAtMs: NOW_MS,
  outcome: "completed",
  rowCount: 3,
});

const idsOf = (runs: readonly RunSummary[]) => runs.map(({ queryId }) => queryId);

/** Every sentence of `RunHistory`. */
export function historyContract({ open }: StorageKind): void {
  test("runs come back as they were, newest first, by room and by user", async () => {
    await using storage = await open();
    await storage.store.history.add(run("1", "ada", "room"));
    await storage.store.history.add(run("2", "ada"));
    await storage.store.history.add(run("3", "bob", "room"));
    await using again = await storage.reopened();
    const { history } = again.store;
    expect(await history.ofRoom("room", 10)).toEqual([run("3", "bob", "room"), run("1", "ada", "room")]);
    expect(await history.ofUser("ada", 10)).toEqual([run("2", "ada"), run("1", "ada", "room")]);
    expect(idsOf(await history.ofRoom("room", 1))).toEqual(["3"]);
    expect(await history.ofRoom("room", 0)).toEqual([]);
    expect(await history.ofUser("ada", 0)).toEqual([]);
    expect(await history.ofRoom("nowhere", 10)).toEqual([]);
    expect(await history.ofUser("nobody", 10)).toEqual([]);
  });

  test("of a room exactly 100 runs are remembered, whoever ran them", async () => {
    await using storage = await open();
    const { history } = storage.store;
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => history.add(run(`${n}`, n % 2 ? "ada" : "bob", "room"))),
    );
    expect(await history.ofRoom("room", 1_000)).toHaveLength(100);
    await history.add(run("elsewhere", "bob", "other"));
    await history.add(run("alone", "bob"));
    await history.add(run("100", "ada", "room"));
    const ids = idsOf(await history.ofRoom("room", 1_000));
    expect([ids.length, ids.at(0), ids.at(-1)]).toEqual([100, "100", "1"]);
    expect(idsOf(await history.ofUser("bob", 3))).toEqual(["alone", "elsewhere", "98"]);
    expect(await history.ofUser("bob", 1_000)).toHaveLength(51);
  });

  test("outside rooms exactly 100 runs of a user are remembered; those in rooms do not count", async () => {
    await using storage = await open();
    const { history } = storage.store;
    await history.add(run("in room", "ada", "room"));
    await Promise.all(Array.from({ length: 101 }, (_, n) => history.add(run(`${n}`, "ada"))));
    const ids = idsOf(await history.ofUser("ada", 1_000));
    expect([ids.length, ids.at(0), ids.at(-2), ids.at(-1)]).toEqual([101, "100", "1", "in room"]);
  });

  test("of more bytes than may be remembered in all the oldest go", async () => {
    const bytes = 100 + Buffer.byteLength(JSON.stringify(run("1", "ada")));
    await using storage = await open({ bounds: { historyBytes: 3 * bytes } });
    const { history } = storage.store;
    for (const [id, user] of [
      ["1", "ada"],
      ["2", "bob"],
      ["3", "ada"],
    ] as const)
      await history.add(run(id, user));
    expect(idsOf(await history.ofUser("ada", 10))).toEqual(["3", "1"]);
    await history.add(run("4", "cem"));
    expect(idsOf(await history.ofUser("ada", 10))).toEqual(["3"]);
    expect(idsOf(await history.ofUser("bob", 10))).toEqual(["2"]);
    await history.add(run("5", "cem"));
    expect(await history.ofUser("bob", 10)).toEqual([]);
  });

  test("the runs of a room go with it, for their users too", async () => {
    await using storage = await open();
    const { history } = storage.store;
    await history.add(run("1", "ada", "room"));
    await history.add(run("2", "ada", "other"));
    await history.add(run("3", "ada"));
    await history.deleteRoom("room");
    await history.deleteRoom("nowhere");
    expect(await history.ofRoom("room", 10)).toEqual([]);
    expect(idsOf(await history.ofUser("ada", 10))).toEqual(["3", "2"]);
  });
}
