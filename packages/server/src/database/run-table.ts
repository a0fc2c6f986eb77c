import type { RunRecord } from "../broker.js";
import { bytesOf, withinBytes } from "../brokers/run-record-size.js";
import type { StorageBounds } from "../storage-bounds.js";
import type { Handlers } from "./operations.js";
import { checksum, number, orNull, type Sql, text, verify } from "./sql.js";

type RunOperation = "putRun" | "getRun" | "deleteRun";

export interface RunTable {
  readonly handlers: Handlers<RunOperation>;
  /** Drops at most so many records whose time is over. Returns how many. */
  expire(nowMs: number, maxCount: number): number;
  /** The transaction was rolled back. */
  forget(): void;
}

/** `openedAtMs`: runs in progress that were put before are lost; they ended with their process, at the latest then. */
export function createRunTable(sql: Sql, bounds: StorageBounds, openedAtMs: number): RunTable {
  const { runRetentionMs, runRecordsBytes } = bounds;
  const select = sql.prepare(
    "SELECT put_at_ms, started_at_ms, ended_at_ms, crc, log FROM runs WHERE key = ?",
  );
  const insert = sql.prepare("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)");
  const remove = sql.prepare("DELETE FROM runs WHERE key = ? RETURNING bytes");
  const removeOldest = sql.prepare(
    "DELETE FROM runs WHERE n = (SELECT n FROM runs ORDER BY ended_at_ms IS NULL, n LIMIT 1) RETURNING bytes",
  );
  const removeOver = sql.prepare(
    `DELETE FROM runs WHERE n IN (SELECT n FROM runs WHERE ended_at_ms < ?1
       OR (ended_at_ms IS NULL AND put_at_ms < ?2) LIMIT ?3) RETURNING bytes`,
  );
  const sum = sql.prepare("SELECT coalesce(sum(bytes), 0) FROM runs");
  /** `null` after a rollback: to be summed again. */
  let known: number | null = null;

  const totalBytes = (): number => {
    known ??= number(sum.get()?.[0]);
    return known;
  };
  const subtract = (rows: readonly (readonly unknown[])[]): number => {
    for (const [bytes] of rows) known = totalBytes() - number(bytes);
    return rows.length;
  };
  const firstPutMs = (nowMs: number) => (nowMs - openedAtMs > runRetentionMs ? openedAtMs : 0);

  return {
    handlers: {
      putRun(given, nowMs) {
        const { key, startedAtMs, endedAtMs, log } = withinBytes(given, runRecordsBytes);
        const bytes = bytesOf({ key, startedAtMs, endedAtMs, log });
        const before = totalBytes();
        const replaced = remove.get(key)?.[0];
        known = before + bytes - (replaced === undefined ? 0 : number(replaced));
        const crc = checksum(key, nowMs, startedAtMs, endedAtMs, log);
        insert.run(key, nowMs, startedAtMs, endedAtMs, bytes, crc, log);
        while (totalBytes() > runRecordsBytes && subtract(removeOldest.all()) > 0);
        return null;
      },
      getRun({ key }, nowMs) {
        const row = select.get(key);
        if (row === undefined) return null;
        const [putAtMs, startedAtMs, endedAtMs, crc, log] = row;
        const record: RunRecord = {
          key,
          startedAtMs: number(startedAtMs),
          endedAtMs: orNull(number, endedAtMs),
          log: orNull(text, log),
        };
        const computed = checksum(key, number(putAtMs), record.startedAtMs, record.endedAtMs, record.log);
        verify(crc, computed, "the record of a run");
        const isOver =
          record.endedAtMs === null
            ? number(putAtMs) < firstPutMs(nowMs)
            : nowMs - record.endedAtMs > runRetentionMs;
        return isOver ? null : record;
      },
      deleteRun({ key }) {
        const before = totalBytes();
        const removed = remove.get(key)?.[0];
        known = before - (removed === undefined ? 0 : number(removed));
        return null;
      },
    },
    expire(nowMs, maxCount) {
      totalBytes();
      return subtract(removeOver.all(nowMs - runRetentionMs, firstPutMs(nowMs), maxCount));
    },
    forget() {
      known = null;
    },
  };
}
