import { expect, test } from "vitest";
import type { LogEntry, LogName } from "../../broker.js";
import { createLogCache } from "./log-cache.js";

const RETENTION = { maxEntriesCount: 1_000, maxAgeMs: 100, maxBytes: 1_000 };
const ROOM: LogName = "room:one";

const entry = (seq: number, data = "12345"): LogEntry => ({ seq, id: `${seq}`, atMs: 0, data });
const head = (seq: number, firstSeq = 1, epoch = "e") => ({ epoch, seq, firstSeq, firstAtMs: 0 });
const open = (bounds: { maxBytes?: number; maxLogsCount?: number } = {}) =>
  createLogCache({ retentionOf: () => RETENTION, ...bounds });

test("what was committed since the log came into use is read from memory, what is older from the file", () => {
  const cache = open();
  expect(cache.head(ROOM, 0)).toBeNull();
  expect(cache.read(ROOM, 0, 10, 100, 0)).toBeNull();
  cache.learn(ROOM, head(4));
  cache.learn(ROOM, head(5), entry(5));
  cache.learn(ROOM, head(6), entry(6));
  expect(cache.head(ROOM, 0)).toEqual({ epoch: "e", seq: 6, firstSeq: 1 });
  expect(cache.read(ROOM, 3, 10, 100, 0)).toBeNull();
  expect(cache.read(ROOM, 4, 10, 100, 0)?.entries).toEqual([entry(5), entry(6)]);
  expect(cache.read(ROOM, 4, 10, 9, 0)?.entries).toEqual([entry(5)]);
  expect(cache.read(ROOM, 6, 10, 100, 0)?.entries).toEqual([]);
});

test("once an entry may be too old, the file is asked", () => {
  const cache = open();
  cache.learn(ROOM, head(1), entry(1));
  expect(cache.head(ROOM, 100)).not.toBeNull();
  expect(cache.head(ROOM, 101)).toBeNull();
  expect(cache.read(ROOM, 0, 10, 100, 101)).toBeNull();
});

test("a head that does not follow what is known, or is of another epoch, begins anew", () => {
  const cache = open();
  cache.learn(ROOM, head(1), entry(1));
  cache.learn(ROOM, head(3), entry(3));
  expect(cache.read(ROOM, 0, 10, 100, 0)).toBeNull();
  expect(cache.read(ROOM, 2, 10, 100, 0)?.entries).toEqual([entry(3)]);
  cache.learn(ROOM, head(4, 1, "other"), entry(4));
  expect(cache.read(ROOM, 2, 10, 100, 0)).toBeNull();
});

test("at most so many logs are kept: the one that was not used for longest goes", () => {
  const cache = open({ maxLogsCount: 2 });
  cache.learn("room:a", head(1));
  cache.learn("room:b", head(1));
  expect(cache.head("room:a", 0)).not.toBeNull();
  cache.learn("room:c", head(1));
  expect(cache.head("room:b", 0)).toBeNull();
  expect(cache.head("room:a", 0)).not.toBeNull();
  expect(cache.head("room:c", 0)).not.toBeNull();
});

test("at most so many bytes of entries are kept, of all logs together", () => {
  const cache = open({ maxBytes: 10 });
  cache.learn("room:a", head(1), entry(1));
  cache.learn("room:b", head(1), entry(1));
  expect(cache.head("room:a", 0)).not.toBeNull();
  cache.learn("room:c", head(1), entry(1, "x"));
  expect(cache.head("room:b", 0)).toBeNull();
  expect(cache.read("room:a", 0, 10, 100, 0)?.entries).toEqual([entry(1)]);
  cache.forget("room:a");
  cache.learn("room:d", head(1), entry(1, "123456789"));
  expect(cache.head("room:c", 0)).not.toBeNull();
});
