import type { Retention } from "../broker.js";
import { randomEpoch } from "../brokers/log-rules.js";
import { SERVER_LIMITS } from "../limits.js";
import { retentionOf, type StorageBounds } from "../storage-bounds.js";
import { checksum, Damage, number, type Sql, text, verify } from "./sql.js";

/** A row of `logs`, in memory while its log is used. */
export interface LogRow {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly retention: Retention;
  seq: number;
  /** Of the oldest entry that can be read. Rows before it are stale, but for pinned ones after the snapshot. */
  firstSeq: number;
  /** Of the entries that can be read. */
  bytes: number;
  /** Of the pinned entries after the snapshot. */
  pinnedBytes: number;
  snapshotSeq: number;
  /** The next ones to go, read ahead; the first of those left is `firstSeq`. */
  ahead: readonly Oldest[];
  aheadIndex: number;
  /** No stale row is before it. */
  clearedSeq: number;
  changed: boolean;
}

interface Oldest {
  readonly bytes: number;
  readonly atMs: number;
}

/** The rows of logs as they are within the transaction that is under way. */
export interface LogRows {
  /** The log, without entries that are over a bound now; made where there is none. */
  open(name: string, nowMs: number): LogRow;
  /** Drops what is over a bound. */
  trim(log: LogRow, nowMs: number): void;
  oldest(log: LogRow): Oldest | undefined;
  /** Takes away stale rows, if there are at least so many. Returns how many were. */
  clearStale(log: LogRow, minCount: number): number;
  remove(log: LogRow): void;
  /** Names of logs in the order of their making, after the one that was made with that id. */
  namesAfter(id: number, count: number): readonly { readonly id: number; readonly name: string }[];
  /** Writes what was changed; before the commit. */
  flush(): void;
  /** The transaction was rolled back. */
  forget(): void;
}

const AHEAD_COUNT = 16;
/** Deleting many rows at a time dirties fewer pages than one with each new entry. */
const MIN_STALE_COUNT = 64;

export function createLogRows(sql: Sql, bounds: StorageBounds): LogRows {
  const select = sql.prepare(
    "SELECT id, epoch, seq, first_seq, bytes, pinned_bytes, snapshot_seq, crc FROM logs WHERE name = ?",
  );
  const insert = sql.prepare("INSERT INTO logs VALUES (NULL, ?, ?, 0, 1, 0, 0, 0, ?) RETURNING id");
  const update = sql.prepare(
    "UPDATE logs SET seq = ?, first_seq = ?, bytes = ?, pinned_bytes = ?, snapshot_seq = ?, crc = ? WHERE id = ?",
  );
  const selectNames = sql.prepare("SELECT id, name FROM logs WHERE id > ? ORDER BY id LIMIT ?");
  const selectAhead = sql.prepare(
    "SELECT seq, bytes, at_ms FROM entries WHERE log = ? AND seq >= ? ORDER BY seq LIMIT ?",
  );
  const deleteStale = sql.prepare(
    "DELETE FROM entries WHERE log = ? AND seq >= ? AND seq < ? AND (pinned = 0 OR seq <= ?)",
  );
  const deleteRow = ["entries WHERE log", "snapshots WHERE log", "logs WHERE id"].map((from) =>
    sql.prepare(`DELETE FROM ${from} = ?`),
  );
  const rows = new Map<string, LogRow>();

  const load = (name: string): LogRow => {
    const row = select.get(name);
    if (row === undefined) return make(name);
    const [id, epoch, seq, firstSeq, bytes, pinnedBytes, snapshotSeq, crc] = row;
    const log = {
      ...unread(number(id), name, text(epoch), retentionOf(name, bounds)),
      seq: number(seq),
      firstSeq: number(firstSeq),
      bytes: number(bytes),
      pinnedBytes: number(pinnedBytes),
      snapshotSeq: number(snapshotSeq),
    };
    verify(crc, crcOf(log), `the head of ${name}`);
    return log;
  };
  const make = (name: string): LogRow => {
    const log = unread(0, name, randomEpoch(), retentionOf(name, bounds));
    const [id] = insert.get(name, log.epoch, crcOf(log)) ?? [];
    return { ...log, id: number(id) };
  };
  const oldest = (log: LogRow): Oldest | undefined => {
    if (log.firstSeq > log.seq) return undefined;
    if (log.aheadIndex === log.ahead.length) {
      log.ahead = selectAhead.all(log.id, log.firstSeq, AHEAD_COUNT).map(([seq, bytes, atMs], index) => {
        if (seq !== log.firstSeq + index) throw new Damage(`${log.name} has a hole`);
        return { bytes: number(bytes), atMs: number(atMs) };
      });
      log.aheadIndex = 0;
    }
    return log.ahead[log.aheadIndex];
  };
  const trim = (log: LogRow, nowMs: number) => {
    const { maxEntriesCount, maxAgeMs, maxBytes } = log.retention;
    for (let first = oldest(log); first !== undefined; first = oldest(log)) {
      const fits = log.seq - log.firstSeq < maxEntriesCount && log.bytes <= maxBytes;
      if (fits && nowMs - first.atMs <= maxAgeMs) return;
      log.firstSeq++;
      log.aheadIndex++;
      log.bytes -= first.bytes;
    }
  };
  const clearStale = (log: LogRow, minCount: number) => {
    if (log.firstSeq - log.clearedSeq < minCount) return 0;
    const count = deleteStale.run(log.id, log.clearedSeq, log.firstSeq, log.snapshotSeq);
    log.clearedSeq = log.firstSeq;
    log.changed = true;
    return count;
  };

  return {
    open(name, nowMs) {
      const log = rows.get(name) ?? load(name);
      rows.set(name, log);
      trim(log, nowMs);
      return log;
    },
    trim,
    oldest,
    clearStale,
    remove(log) {
      for (const statement of deleteRow) statement.run(log.id);
      rows.delete(log.name);
    },
    namesAfter: (id, count) =>
      selectNames.all(id, count).map(([rowId, name]) => ({ id: number(rowId), name: text(name) })),
    flush() {
      for (const log of rows.values()) {
        if (!log.changed) continue;
        clearStale(log, MIN_STALE_COUNT);
        const { seq, firstSeq, bytes, pinnedBytes, snapshotSeq } = log;
        update.run(seq, firstSeq, bytes, pinnedBytes, snapshotSeq, crcOf(log), log.id);
        log.changed = false;
      }
      if (rows.size > SERVER_LIMITS.openLogsCount) rows.clear();
    },
    forget: () => rows.clear(),
  };
}

/** Gives every log another epoch; nothing else of them changes. Throws `Damage`. */
export function renewEpochs(sql: Sql): void {
  const select = sql.prepare(
    "SELECT id, name, epoch, seq, first_seq, bytes, pinned_bytes, snapshot_seq, crc FROM logs",
  );
  const update = sql.prepare("UPDATE logs SET epoch = ?, crc = ? WHERE id = ?");
  for (const [id, name, epoch, seq, firstSeq, bytes, pinnedBytes, snapshotSeq, crc] of select.all()) {
    const log = {
      name: text(name),
      epoch: text(epoch),
      seq: number(seq),
      firstSeq: number(firstSeq),
      bytes: number(bytes),
      pinnedBytes: number(pinnedBytes),
      snapshotSeq: number(snapshotSeq),
    };
    verify(crc, crcOf(log), `the head of ${log.name}`);
    const renewed = { ...log, epoch: randomEpoch() };
    update.run(renewed.epoch, crcOf(renewed), number(id));
  }
}

function unread(id: number, name: string, epoch: string, retention: Retention): LogRow {
  return {
    id,
    name,
    epoch,
    retention,
    seq: 0,
    firstSeq: 1,
    bytes: 0,
    pinnedBytes: 0,
    snapshotSeq: 0,
    ahead: [],
    aheadIndex: 0,
    clearedSeq: 1,
    changed: false,
  };
}

type Head = Pick<LogRow, "name" | "epoch" | "seq" | "firstSeq" | "bytes" | "pinnedBytes" | "snapshotSeq">;

function crcOf({ name, epoch, seq, firstSeq, bytes, pinnedBytes, snapshotSeq }: Head): number {
  return checksum(name, epoch, seq, firstSeq, bytes, pinnedBytes, snapshotSeq);
}
