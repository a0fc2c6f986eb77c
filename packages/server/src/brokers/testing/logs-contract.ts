import { describe, expect, test } from "vitest";
import type { LogEntry, LogName, LogPosition, Logs } from "../../broker.js";
import { createClock, type StorageKind } from "../../testing/storages.js";

const ROOM: LogName = "room:one";
const ALL = { maxCount: 1_000, maxBytes: 1_000_000 };

const seqsOf = (entries: readonly LogEntry[]) => entries.map(({ seq }) => seq);
const countTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Entries "1", "2", …, all asked for at once. */
async function appendMany(logs: Logs, name: LogName, count: number, data = "x") {
  return Promise.all(countTo(count).map((n) => logs.append(name, { id: String(n), data })));
}

/** What `Logs` says, but of what is pinned. */
export function logsContract({ open }: StorageKind): void {
  describe("appending and reading", () => {
    test("a log is made by the first look at it, with nothing in it", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const head = await logs.head(ROOM);
      expect(head).toEqual({ epoch: expect.any(String), seq: 0, firstSeq: 1 });
      expect(head.epoch.length).toBeLessThanOrEqual(32);
      expect(await logs.head(ROOM)).toEqual(head);
      expect(await logs.read(ROOM, 0, ALL)).toEqual({ ...head, entries: [] });
      expect(await logs.state(ROOM)).toEqual({ ...head, snapshot: null, pinned: [] });
    });

    test("an entry that is replaced keeps its place and its time; what counts bytes goes on to be right", async () => {
      const { nowMs, pass } = createClock();
      const bounds = { roomLogs: { maxEntriesCount: 10, maxAgeMs: 1_000, maxBytes: 30 } };
      await using storage = await open({ nowMs, bounds });
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "1", data: "x".repeat(10) });
      await logs.append(ROOM, { id: "2", data: "y".repeat(10), pinned: true });
      await logs.append(ROOM, { id: "3", data: "z".repeat(10) });
      pass(1);
      expect(await logs.replace(ROOM, 2, { id: "gone", data: "" })).toBe(true);
      expect(await logs.replace(ROOM, 4, { id: "none", data: "" })).toBe(false);
      const atMs = nowMs() - 1;
      const { entries } = await logs.read(ROOM, 0, ALL);
      expect(entries[1]).toEqual({ seq: 2, id: "gone", atMs, data: "" });
      expect((await logs.state(ROOM)).pinned).toEqual([{ seq: 2, id: "gone", atMs, data: "" }]);
      expect(await logs.append(ROOM, { id: "gone", data: "" })).toMatchObject({ seq: 2, repeated: true });
      expect(await logs.append(ROOM, { id: "2", data: "n".repeat(10) })).toMatchObject({ seq: 4 });
      expect((await logs.head(ROOM)).firstSeq).toBe(1);
      await using again = await storage.reopened();
      await again.broker.logs.append(ROOM, { id: "5", data: "m" });
      expect((await again.broker.logs.read(ROOM, 0, ALL)).entries.map(({ seq }) => seq)).toEqual([
        2, 3, 4, 5,
      ]);
      expect((await again.broker.logs.state(ROOM)).pinned).toMatchObject([{ seq: 2, data: "" }]);
    });

    test("each log has an epoch of its own", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const heads = [await logs.head(ROOM), await logs.head("room:two"), await logs.head("broadcast")];
      expect(new Set(heads.map(({ epoch }) => epoch)).size).toBe(3);
    });

    test("entries count from 1 and come back as they were, with the wall clock of their commit", async () => {
      const { nowMs, pass } = createClock();
      await using storage = await open({ nowMs });
      const { logs } = storage.broker;
      const first = await logs.append(ROOM, { id: "a", data: "one" });
      pass(5);
      const second = await logs.append(ROOM, { id: "b", data: "two" });
      const { epoch } = await logs.head(ROOM);
      expect([first, second]).toEqual([
        { epoch, seq: 1, repeated: false },
        { epoch, seq: 2, repeated: false },
      ]);
      expect(await logs.read(ROOM, 0, ALL)).toEqual({
        epoch,
        seq: 2,
        firstSeq: 1,
        entries: [
          { seq: 1, id: "a", atMs: nowMs() - 5, data: "one" },
          { seq: 2, id: "b", atMs: nowMs(), data: "two" },
        ],
      });
    });

    test("ids and data may hold any characters", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const texts = ["", "\0", "a\0b", "a\0c", "\ud800", "\udc00", "\u001a0000", "😀", "__proto__", "'; --"];
      for (const text of texts)
        expect(await logs.append(ROOM, { id: text, data: text })).toMatchObject({ repeated: false });
      const again = await storage.reopened();
      const { entries } = await again.broker.logs.read(ROOM, 0, ALL);
      expect(entries.map(({ id, data }) => [id, data])).toEqual(texts.map((text) => [text, text]));
      await again[Symbol.asyncDispose]();
    });

    test("entries are committed in the order of the calls", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const appended = await appendMany(logs, ROOM, 300);
      expect(appended.map(({ seq }) => seq)).toEqual(countTo(300));
      const { entries } = await logs.read(ROOM, 0, ALL);
      expect(entries.map(({ id }) => id)).toEqual(countTo(300).map(String));
    });

    test("the same id is not appended again, and told where the first is", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "a", data: "one" });
      await logs.append(ROOM, { id: "b", data: "two" });
      expect(await logs.append(ROOM, { id: "a", data: "other" })).toMatchObject({ seq: 1, repeated: true });
      const { entries } = await logs.read(ROOM, 0, ALL);
      expect(entries.map(({ data }) => data)).toEqual(["one", "two"]);
      expect(await logs.append("room:two", { id: "a", data: "one" })).toMatchObject({
        seq: 1,
        repeated: false,
      });
    });

    test("the same id again before the first is committed is a repetition too", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const outcomes = await Promise.all([
        logs.append(ROOM, { id: "a", data: "one" }),
        logs.append(ROOM, { id: "a", data: "one" }),
        logs.append(ROOM, { id: "b", data: "two" }),
      ]);
      expect(outcomes.map(({ seq, repeated }) => [seq, repeated])).toEqual([
        [1, false],
        [1, true],
        [2, false],
      ]);
    });

    test("entries are read after `sinceSeq`, at most so many", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      await appendMany(logs, ROOM, 10);
      const read = async (sinceSeq: number, maxCount: number) =>
        seqsOf((await logs.read(ROOM, sinceSeq, { maxCount, maxBytes: 1_000 })).entries);
      expect(await read(0, 3)).toEqual([1, 2, 3]);
      expect(await read(3, 3)).toEqual([4, 5, 6]);
      expect(await read(8, 3)).toEqual([9, 10]);
      expect(await read(10, 3)).toEqual([]);
      expect(await read(99, 3)).toEqual([]);
      expect(await read(0, 0)).toEqual([]);
    });

    test("at most so many bytes of data are read, but for a single larger entry", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      for (const [id, data] of [
        ["a", "12"],
        ["b", "é4"],
        ["c", "5678"],
        ["d", "9"],
      ] as const) {
        await logs.append(ROOM, { id, data });
      }
      const read = async (sinceSeq: number, maxBytes: number) =>
        seqsOf((await logs.read(ROOM, sinceSeq, { maxCount: 10, maxBytes })).entries);
      expect(await read(0, 4)).toEqual([1]);
      expect(await read(0, 5)).toEqual([1, 2]);
      expect(await read(0, 8)).toEqual([1, 2]);
      expect(await read(0, 9)).toEqual([1, 2, 3]);
      expect(await read(2, 3)).toEqual([3]);
      expect(await read(2, 0)).toEqual([3]);
    });
  });

  describe("what is kept", () => {
    test("at most so many entries, the newest; their ids are free again with them", async () => {
      await using storage = await open({
        bounds: { roomLogs: { maxEntriesCount: 5, maxAgeMs: 1_000, maxBytes: 1_000 } },
      });
      const { logs } = storage.broker;
      await appendMany(logs, ROOM, 5);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 5, firstSeq: 1 });
      await logs.append(ROOM, { id: "6", data: "x" });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 6, firstSeq: 2 });
      const slice = await logs.read(ROOM, 0, ALL);
      expect(slice.firstSeq).toBe(2);
      expect(seqsOf(slice.entries)).toEqual([2, 3, 4, 5, 6]);
      expect(await logs.append(ROOM, { id: "2", data: "x" })).toMatchObject({ seq: 2, repeated: true });
      expect(await logs.append(ROOM, { id: "1", data: "x" })).toMatchObject({ seq: 7, repeated: false });
    });

    test("at most so many bytes of data; an entry above it goes at once", async () => {
      await using storage = await open({
        bounds: { roomLogs: { maxEntriesCount: 100, maxAgeMs: 1_000, maxBytes: 10 } },
      });
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "a", data: "12345" });
      await logs.append(ROOM, { id: "b", data: "678éX" });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 2, firstSeq: 2 });
      await logs.append(ROOM, { id: "c", data: "1234" });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 3, firstSeq: 2 });
      await logs.append(ROOM, { id: "d", data: "12345678901" });
      expect(await logs.read(ROOM, 0, ALL)).toMatchObject({ seq: 4, firstSeq: 5, entries: [] });
    });

    test("at most so old ones", async () => {
      const { nowMs, pass } = createClock();
      await using storage = await open({
        nowMs,
        bounds: { roomLogs: { maxEntriesCount: 100, maxAgeMs: 1_000, maxBytes: 1_000 } },
      });
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "a", data: "x" });
      pass(400);
      await logs.append(ROOM, { id: "b", data: "x" });
      pass(600);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 2, firstSeq: 1 });
      expect(await logs.append(ROOM, { id: "a", data: "x" })).toMatchObject({ seq: 1, repeated: true });
      pass(1);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 2, firstSeq: 2 });
      expect(seqsOf((await logs.read(ROOM, 0, ALL)).entries)).toEqual([2]);
      expect(await logs.append(ROOM, { id: "a", data: "x" })).toMatchObject({ seq: 3, repeated: false });
      pass(2_000);
      expect(await logs.state(ROOM)).toMatchObject({ seq: 3, firstSeq: 4 });
      expect(await logs.read(ROOM, 0, ALL)).toMatchObject({ seq: 3, firstSeq: 4, entries: [] });
    });

    test("messages to everybody are kept by a retention of their own", async () => {
      const { nowMs, pass } = createClock();
      await using storage = await open({ nowMs });
      const { logs } = storage.broker;
      await logs.append("broadcast", { id: "a", data: "x" });
      await logs.append(ROOM, { id: "a", data: "x" });
      pass(10 * 60_000 + 1);
      expect(await logs.head("broadcast")).toMatchObject({ seq: 1, firstSeq: 2 });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 1, firstSeq: 1 });
      pass(24 * 3_600_000);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 1, firstSeq: 2 });
    });

    test("without settings a log keeps exactly 1,000 entries", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      await appendMany(logs, ROOM, 1_000);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 1_000, firstSeq: 1 });
      await logs.append(ROOM, { id: "1001", data: "x" });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 1_001, firstSeq: 2 });
    });

    test("without settings a log keeps exactly 8 MiB", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const mebibyte = "x".repeat(1024 * 1024);
      await appendMany(logs, ROOM, 8, mebibyte);
      expect(await logs.head(ROOM)).toMatchObject({ seq: 8, firstSeq: 1 });
      await logs.append(ROOM, { id: "more", data: "x" });
      expect(await logs.head(ROOM)).toMatchObject({ seq: 9, firstSeq: 2 });
    });

    test("a deleted log is forgotten, and the next look makes one of a new epoch", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "a", data: "x", pinned: true });
      const { epoch } = await logs.head(ROOM);
      await logs.saveSnapshot(ROOM, { epoch, seq: 1, data: new Uint8Array([1]) });
      await logs.delete(ROOM);
      await logs.delete("room:never-seen");
      const state = await logs.state(ROOM);
      expect(state).toMatchObject({ seq: 0, firstSeq: 1, snapshot: null, pinned: [] });
      expect(state.epoch).not.toBe(epoch);
      const appended = await logs.append(ROOM, { id: "a", data: "x" });
      expect(appended).toEqual({ epoch: state.epoch, seq: 1, repeated: false });
    });
  });

  describe("following", () => {
    test("a follower is told of each entry once and in order, before its promise settles", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const told: [number, string, LogPosition][] = [];
      const { epoch } = await logs.head(ROOM);
      logs.follow(ROOM, (entry, position) => told.push([entry.seq, entry.data, position]));
      const settled: number[] = [];
      await Promise.all(
        countTo(50).map(async (n) => {
          const { seq } = await logs.append(ROOM, { id: String(n), data: `d${n}` });
          expect(told.length).toBeGreaterThanOrEqual(seq);
          settled.push(seq);
        }),
      );
      await logs.append(ROOM, { id: "7", data: "again" });
      expect(told).toEqual(countTo(50).map((seq) => [seq, `d${seq}`, { epoch, seq }]));
      expect(settled).toEqual(countTo(50));
    });

    test("a follower is told of what is committed from then on, of its own log alone, until it stops", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      await logs.append(ROOM, { id: "1", data: "before" });
      const told: number[] = [];
      const stop = logs.follow(ROOM, ({ seq }) => told.push(seq));
      await logs.append("room:two", { id: "1", data: "elsewhere" });
      await logs.append(ROOM, { id: "2", data: "x" });
      stop();
      stop();
      await logs.append(ROOM, { id: "3", data: "after" });
      expect(told).toEqual([2]);
    });

    test("a follower that throws disturbs no other and no append, and is told of further entries", async () => {
      const faults: unknown[] = [];
      await using storage = await open({ onFault: (error) => faults.push(error) });
      const { logs } = storage.broker;
      const told: string[] = [];
      logs.follow(ROOM, ({ seq }) => {
        told.push(`first ${seq}`);
        throw new Error(`at ${seq}`);
      });
      logs.follow(ROOM, ({ seq }) => told.push(`second ${seq}`));
      expect(await logs.append(ROOM, { id: "1", data: "x" })).toMatchObject({ seq: 1 });
      await logs.append(ROOM, { id: "2", data: "x" });
      expect(told).toEqual(["first 1", "second 1", "first 2", "second 2"]);
      expect(faults).toEqual([new Error("at 1"), new Error("at 2")]);
    });

    test("what a follower appends is told to all after what it was told of", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const told: string[] = [];
      let answered: Promise<unknown> = Promise.resolve();
      logs.follow(ROOM, ({ seq, data }) => {
        told.push(`first ${seq}`);
        if (data === "question") answered = logs.append(ROOM, { id: "b", data: "answer" });
      });
      logs.follow(ROOM, ({ seq }) => told.push(`second ${seq}`));
      await logs.append(ROOM, { id: "a", data: "question" });
      await answered;
      expect(told).toEqual(["first 1", "second 1", "first 2", "second 2"]);
    });

    test("one that another follower stops is not told any more", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const told: string[] = [];
      let stopSecond = () => {};
      logs.follow(ROOM, () => stopSecond());
      stopSecond = logs.follow(ROOM, () => told.push("second"));
      logs.follow(ROOM, () => {
        told.push("third");
      });
      await logs.append(ROOM, { id: "a", data: "x" });
      expect(told).toEqual(["third"]);
    });

    test("followers outlive the log: they are told of the entries of the next epoch", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const told: LogPosition[] = [];
      logs.follow(ROOM, (_, position) => told.push(position));
      const first = await logs.append(ROOM, { id: "a", data: "x" });
      await logs.delete(ROOM);
      const second = await logs.append(ROOM, { id: "a", data: "x" });
      expect(told).toEqual([
        { epoch: first.epoch, seq: 1 },
        { epoch: second.epoch, seq: 1 },
      ]);
      expect(second.epoch).not.toBe(first.epoch);
    });

    test("an entry that a follower is told of can be read, and the head is there", async () => {
      await using storage = await open();
      const { logs } = storage.broker;
      const seen: Promise<unknown>[] = [];
      logs.follow(ROOM, ({ seq }) => {
        seen.push(logs.read(ROOM, seq - 1, ALL).then(({ entries }) => entries[0]?.seq === seq));
        seen.push(logs.head(ROOM).then((head) => head.seq >= seq));
      });
      await appendMany(logs, ROOM, 20);
      expect(new Set(await Promise.all(seen))).toEqual(new Set([true]));
      expect(seen).toHaveLength(40);
    });
  });
}
