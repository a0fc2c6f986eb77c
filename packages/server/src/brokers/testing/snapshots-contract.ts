import { expect, test } from "vitest";
import type { LogEntry, LogName, Logs } from "../../broker.js";
import type { StorageKind } from "../../testing/storages.js";

const ROOM: LogName = "room:one";
const ALL = { maxCount: 1_000, maxBytes: 1_000_000 };

const seqsOf = (entries: readonly LogEntry[]) => entries.map(({ seq }) => seq);
const countTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Of the life that the log has now. */
async function saveSnapshot(logs: Logs, seq: number, data: readonly number[] = []) {
  const { epoch } = await logs.head(ROOM);
  await logs.saveSnapshot(ROOM, { epoch, seq, data: new Uint8Array(data) });
}

/** What `Logs` says of entries that are pinned, and of the snapshots that cover them. */
export function snapshotsContract({ open }: StorageKind): void {
  const bounds = { roomLogs: { maxEntriesCount: 2, maxAgeMs: 1_000, maxBytes: 1_000 } };

  test("pinned entries are kept beyond the retention until a snapshot covers them", async () => {
    await using storage = await open({ bounds });
    const { logs } = storage.broker;
    for (const n of countTo(6))
      await logs.append(ROOM, { id: String(n), data: `d${n}`, pinned: n % 2 === 1 });
    const before = await logs.state(ROOM);
    expect(before).toMatchObject({ seq: 6, firstSeq: 5, snapshot: null });
    expect(before.pinned.map(({ seq, id, data }) => [seq, id, data])).toEqual([
      [1, "1", "d1"],
      [3, "3", "d3"],
      [5, "5", "d5"],
    ]);
    await saveSnapshot(logs, 3, [1, 2]);
    const after = await logs.state(ROOM);
    expect(after.snapshot).toEqual({ seq: 3, data: new Uint8Array([1, 2]) });
    expect(seqsOf(after.pinned)).toEqual([5]);
  });

  test("reading has no holes: pinned entries before the first that can be read are in the state alone", async () => {
    await using storage = await open({ bounds });
    const { logs } = storage.broker;
    for (const n of countTo(4)) await logs.append(ROOM, { id: String(n), data: "x", pinned: n === 1 });
    expect(seqsOf((await logs.read(ROOM, 0, ALL)).entries)).toEqual([3, 4]);
    expect(seqsOf((await logs.state(ROOM)).pinned)).toEqual([1]);
  });

  test("the id of a pinned entry is taken until a snapshot covers it", async () => {
    await using storage = await open({ bounds });
    const { logs } = storage.broker;
    for (const n of countTo(4)) await logs.append(ROOM, { id: String(n), data: "x", pinned: n <= 3 });
    expect(await logs.append(ROOM, { id: "1", data: "x" })).toMatchObject({ seq: 1, repeated: true });
    await saveSnapshot(logs, 3);
    expect(await logs.append(ROOM, { id: "3", data: "x" })).toMatchObject({ seq: 3, repeated: true });
    expect(await logs.append(ROOM, { id: "1", data: "x" })).toMatchObject({ seq: 5, repeated: false });
  });

  test("a snapshot takes the place of an older one, never of a newer one", async () => {
    await using storage = await open({ bounds });
    const { logs } = storage.broker;
    for (const n of countTo(3)) await logs.append(ROOM, { id: String(n), data: "x", pinned: true });
    for (const seq of [0, 2, 1]) await saveSnapshot(logs, seq, [seq]);
    const { snapshot, pinned } = await logs.state(ROOM);
    expect(snapshot).toEqual({ seq: 2, data: new Uint8Array([2]) });
    expect(seqsOf(pinned)).toEqual([3]);
    await saveSnapshot(logs, 2, [9]);
    expect((await logs.state(ROOM)).snapshot).toEqual({ seq: 2, data: new Uint8Array([9]) });
  });

  test("[DOC-8] a snapshot that comes after its log was deleted is passed over by the log made anew", async () => {
    await using storage = await open();
    const { logs } = storage.broker;
    const entry = { id: "a", data: "x", pinned: true };
    const { epoch } = await logs.append(ROOM, entry);
    await logs.delete(ROOM);
    await logs.saveSnapshot(ROOM, { epoch, seq: 0, data: new Uint8Array([1]) });
    expect(await logs.state(ROOM)).toMatchObject({ seq: 0, snapshot: null });
    await logs.append(ROOM, entry);
    for (const seq of [1, 2]) await logs.saveSnapshot(ROOM, { epoch, seq, data: new Uint8Array([1]) });
    await using again = await storage.reopened();
    const state = await again.broker.logs.state(ROOM);
    expect(state).toMatchObject({ seq: 1, snapshot: null, pinned: [{ seq: 1 }] });
    expect(state.epoch).not.toBe(epoch);
  });

  test("a snapshot ahead of its log is refused", async () => {
    await using storage = await open();
    const { logs } = storage.broker;
    await logs.append(ROOM, { id: "a", data: "x", pinned: true });
    const saving = saveSnapshot(logs, 2);
    await expect(saving).rejects.toMatchObject({ code: "internal_error" });
    expect(await logs.state(ROOM)).toMatchObject({ snapshot: null, pinned: [{ seq: 1 }] });
  });

  test("what is saved is what its bytes were then, also of a view of a larger buffer", async () => {
    await using storage = await open();
    const { logs } = storage.broker;
    const buffer = Buffer.from("abcdef");
    const { epoch } = await logs.head(ROOM);
    const saving = logs.saveSnapshot(ROOM, { epoch, seq: 0, data: buffer.subarray(2, 4) });
    buffer.fill("x");
    await saving;
    expect((await logs.state(ROOM)).snapshot).toEqual({ seq: 0, data: new Uint8Array(Buffer.from("cd")) });
  });

  test("pinned entries above their bound are refused, with nothing changed, until a snapshot is saved", async () => {
    await using storage = await open({ bounds: { pinnedBytes: 10 } });
    const { logs } = storage.broker;
    await logs.append(ROOM, { id: "a", data: "1234567", pinned: true });
    await logs.append(ROOM, { id: "b", data: "8é", pinned: true });
    const refused = logs.append(ROOM, { id: "c", data: "1", pinned: true });
    await expect(refused).rejects.toMatchObject({ code: "storage_full" });
    expect(await logs.append(ROOM, { id: "c", data: "not pinned" })).toMatchObject({ seq: 3 });
    await saveSnapshot(logs, 1);
    expect(await logs.append(ROOM, { id: "d", data: "1", pinned: true })).toMatchObject({ seq: 4 });
  });
}
