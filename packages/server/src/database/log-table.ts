import type { LogEntry } from "../broker.js";
import { pinnedFull, snapshotAhead } from "../brokers/log-rules.js";
import type { StorageBounds } from "../storage-bounds.js";
import type { LogRow, LogRows } from "./log-rows.js";
import type { Handlers, HeadInFile } from "./operations.js";
import { bytes, checksum, checksumOfBytes, Damage, number, type Row, type Sql, text, verify } from "./sql.js";

type LogOperation =
  | "appendEntry"
  | "findEntry"
  | "replaceEntry"
  | "logHead"
  | "readLog"
  | "logState"
  | "saveSnapshot"
  | "deleteLog";

const ENTRY = "seq, id, at_ms, pinned, crc, data";

export function createLogTable(sql: Sql, logs: LogRows, bounds: StorageBounds): Handlers<LogOperation> {
  const { findById, append, replace } = createAppending(sql, logs, bounds);
  const { read, pinnedOf } = createReading(sql);
  const snapshots = createSnapshots(sql);

  const headOf = (log: LogRow): HeadInFile => ({
    epoch: log.epoch,
    seq: log.seq,
    firstSeq: log.firstSeq,
    firstAtMs: logs.oldest(log)?.atMs ?? null,
  });

  return {
    appendEntry({ name, entry }, nowMs) {
      const log = logs.open(name, nowMs);
      const appended = append(log, entry, nowMs);
      return { ...headOf(log), ...appended, atMs: nowMs };
    },
    findEntry({ name, id }, nowMs) {
      const log = logs.open(name, nowMs);
      const seq = findById(log, id);
      if (seq === null) return null;
      const [entry] = read(log, seq, seq);
      return entry === undefined ? null : { entry, position: { epoch: log.epoch, seq } };
    },
    replaceEntry({ name, seq, id, data }, nowMs) {
      return replace(logs.open(name, nowMs), { seq, id, data });
    },
    logHead: ({ name }, nowMs) => headOf(logs.open(name, nowMs)),
    readLog({ name, sinceSeq, maxCount, maxBytes }, nowMs) {
      const log = logs.open(name, nowMs);
      const { epoch, seq, firstSeq } = log;
      const from = Math.max(sinceSeq + 1, firstSeq);
      const entries = read(log, from, Math.min(seq, from - 1 + maxCount), maxBytes);
      return { epoch, seq, firstSeq, entries };
    },
    logState({ name }, nowMs) {
      const log = logs.open(name, nowMs);
      const { epoch, seq, firstSeq } = log;
      return { epoch, seq, firstSeq, snapshot: snapshots.get(log), pinned: pinnedOf(log) };
    },
    saveSnapshot({ name, snapshot }, nowMs) {
      const log = logs.open(name, nowMs);
      if (snapshot.epoch !== log.epoch) return null;
      if (snapshot.seq > log.seq) throw snapshotAhead(name, snapshot.seq, log.seq);
      if (snapshot.seq >= log.snapshotSeq) snapshots.put(log, snapshot.seq, snapshot.data);
      return null;
    },
    deleteLog({ name }, nowMs) {
      logs.remove(logs.open(name, nowMs));
      return null;
    },
  };
}

function createAppending(sql: Sql, logs: LogRows, bounds: StorageBounds) {
  const selectId = sql.prepare("SELECT seq, pinned FROM entries WHERE log = ? AND id = ?");
  const insert = sql.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = sql.prepare("DELETE FROM entries WHERE log = ? AND seq = ?");

  const selectPlace = sql.prepare("SELECT at_ms, bytes, pinned FROM entries WHERE log = ? AND seq = ?");
  const update = sql.prepare(
    "UPDATE entries SET id = ?, bytes = ?, crc = ?, data = ? WHERE log = ? AND seq = ?",
  );
  const isRetained = (log: LogRow, seq: number, pinned: number) =>
    seq >= log.firstSeq || (pinned === 1 && seq > log.snapshotSeq);

  const findById = (log: LogRow, id: string): number | null => {
    const row = selectId.get(log.id, id);
    if (row === undefined) return null;
    const [seq, pinned] = row.map(number);
    if (seq === undefined) return null;
    return isRetained(log, seq, number(pinned)) ? seq : null;
  };
  const removeStale = (log: LogRow, id: string) => {
    const [seq] = selectId.get(log.id, id) ?? [];
    if (seq !== undefined) remove.run(log.id, number(seq));
  };

  return {
    findById,
    append(
      log: LogRow,
      { id, data, pinned = false }: { id: string; data: string; pinned?: boolean },
      nowMs: number,
    ) {
      const known = findById(log, id);
      if (known !== null) return { entrySeq: known, repeated: true };
      const entryBytes = Buffer.byteLength(data);
      if (pinned && log.pinnedBytes + entryBytes > bounds.pinnedBytes) throw pinnedFull(log.name);
      removeStale(log, id);
      const seq = log.seq + 1;
      const pin = pinned ? 1 : 0;
      insert.run(log.id, seq, id, nowMs, entryBytes, pin, crcOf(log, seq, id, nowMs, pin, data), data);
      log.seq = seq;
      log.bytes += entryBytes;
      if (pinned) log.pinnedBytes += entryBytes;
      log.changed = true;
      logs.trim(log, nowMs);
      return { entrySeq: seq, repeated: false };
    },
    replace(log: LogRow, { seq, id, data }: { seq: number; id: string; data: string }): boolean {
      const row = selectPlace.get(log.id, seq);
      if (row === undefined) return false;
      const [atMs, bytes, pin] = [number(row[0]), number(row[1]), number(row[2])];
      if (!isRetained(log, seq, pin)) return false;
      const entryBytes = Buffer.byteLength(data);
      update.run(id, entryBytes, crcOf(log, seq, id, atMs, pin, data), data, log.id, seq);
      if (seq >= log.firstSeq) log.bytes += entryBytes - bytes;
      if (pin === 1 && seq > log.snapshotSeq) log.pinnedBytes += entryBytes - bytes;
      // The sizes that were read ahead may be of this one.
      log.ahead = [];
      log.aheadIndex = 0;
      log.changed = true;
      return true;
    },
  };
}

function createReading(sql: Sql) {
  const selectSizes = sql.prepare(
    "SELECT seq, bytes FROM entries WHERE log = ? AND seq BETWEEN ? AND ? ORDER BY seq",
  );
  const selectEntries = sql.prepare(
    `SELECT ${ENTRY} FROM entries WHERE log = ? AND seq BETWEEN ? AND ? ORDER BY seq`,
  );
  const selectPinned = sql.prepare(
    `SELECT ${ENTRY} FROM entries WHERE log = ? AND seq > ? AND pinned = 1 ORDER BY seq`,
  );

  /** The newest of them that may go along. */
  const lastWithin = (log: LogRow, from: number, to: number, maxBytes: number): number => {
    let left = maxBytes;
    for (const [seq, size] of selectSizes.all(log.id, from, to)) {
      left -= number(size);
      if (left < 0) return Math.max(from, number(seq) - 1);
    }
    return to;
  };

  return {
    /** All from the one to the other that `maxBytes` lets through, the first in any case. */
    read(log: LogRow, from: number, to: number, maxBytes = Number.POSITIVE_INFINITY): readonly LogEntry[] {
      if (from > to) return [];
      const last = lastWithin(log, from, to, maxBytes);
      const entries = selectEntries.all(log.id, from, last).map((row) => toEntry(log, row));
      if (entries.length !== last - from + 1) throw new Damage(`${log.name} has a hole`);
      return entries;
    },
    pinnedOf(log: LogRow): readonly LogEntry[] {
      const pinned = selectPinned.all(log.id, log.snapshotSeq).map((row) => toEntry(log, row));
      const sum = pinned.reduce((total, { data }) => total + Buffer.byteLength(data), 0);
      if (sum !== log.pinnedBytes) throw new Damage(`${log.name} lacks a pinned entry`);
      return pinned;
    },
  };
}

function createSnapshots(sql: Sql) {
  const select = sql.prepare("SELECT seq, crc, data FROM snapshots WHERE log = ?");
  const put = sql.prepare("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)");
  const free = sql.prepare("DELETE FROM entries WHERE log = ? AND seq <= ? AND seq < ? AND pinned = 1");
  const sumPinned = sql.prepare(
    "SELECT coalesce(sum(bytes), 0) FROM entries WHERE log = ? AND seq > ? AND pinned = 1",
  );
  return {
    get(log: LogRow) {
      const row = select.get(log.id);
      if (row === undefined) {
        if (log.snapshotSeq !== 0) throw new Damage(`${log.name} lacks its snapshot`);
        return null;
      }
      const [seq, crc, data] = row;
      const snapshot = { seq: number(seq), data: bytes(data) };
      verify(crc, checksumOfBytes(snapshot.data, log.id, snapshot.seq), `the snapshot of ${log.name}`);
      return snapshot;
    },
    put(log: LogRow, seq: number, data: Uint8Array) {
      put.run(log.id, seq, checksumOfBytes(data, log.id, seq), data);
      free.run(log.id, seq, log.firstSeq);
      const [sum] = sumPinned.get(log.id, seq) ?? [];
      log.pinnedBytes = number(sum);
      log.snapshotSeq = seq;
      log.changed = true;
    },
  };
}

function toEntry(log: LogRow, [seq, id, atMs, pinned, crc, data]: Row): LogEntry {
  const entry = { seq: number(seq), id: text(id), atMs: number(atMs), data: text(data) };
  const computed = crcOf(log, entry.seq, entry.id, entry.atMs, number(pinned), entry.data);
  verify(crc, computed, `entry ${entry.seq} of ${log.name}`);
  return entry;
}

function crcOf(log: LogRow, seq: number, id: string, atMs: number, pinned: number, data: string): number {
  return checksum(log.id, seq, id, atMs, pinned, data);
}
