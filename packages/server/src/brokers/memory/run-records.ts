import type { RunRecord, RunRecords } from "../../broker.js";
import type { StorageBounds } from "../../storage-bounds.js";
import { bytesOf, withinBytes } from "../run-record-size.js";

export interface MemoryRunRecords extends RunRecords {
  /** Drops records whose time is over. */
  expire(): void;
}

export function createMemoryRunRecords(
  { runRetentionMs, runRecordsBytes }: StorageBounds,
  nowMs: () => number,
): MemoryRunRecords {
  const inProgress = new Map<string, RunRecord>();
  /** In the order of being put, which is that of their ends. */
  const ended = new Map<string, RunRecord>();
  let totalBytes = 0;

  const remove = (key: string) => {
    const record = ended.get(key) ?? inProgress.get(key);
    if (record === undefined) return;
    totalBytes -= bytesOf(record);
    ended.delete(key);
    inProgress.delete(key);
  };
  const isOver = ({ endedAtMs }: RunRecord) => endedAtMs !== null && nowMs() - endedAtMs > runRetentionMs;
  const makeRoom = () => {
    for (const records of [ended, inProgress]) {
      for (const key of records.keys()) {
        if (totalBytes <= runRecordsBytes) return;
        remove(key);
      }
    }
  };

  return {
    async put(given) {
      const record = withinBytes(given, runRecordsBytes);
      remove(record.key);
      (record.endedAtMs === null ? inProgress : ended).set(record.key, record);
      totalBytes += bytesOf(record);
      makeRoom();
    },
    async get(key) {
      const record = ended.get(key) ?? inProgress.get(key);
      return record === undefined || isOver(record) ? null : record;
    },
    delete: async (key) => remove(key),
    expire() {
      for (const [key, record] of ended) if (isOver(record)) remove(key);
    },
  };
}
