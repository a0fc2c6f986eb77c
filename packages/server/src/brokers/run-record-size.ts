import type { RunRecord } from "../broker.js";

/** What a record takes besides its texts, about. */
const RECORD_BYTES = 100;

export function bytesOf({ key, log }: RunRecord): number {
  return RECORD_BYTES + Buffer.byteLength(key) + Buffer.byteLength(log ?? "");
}

/** A copy, without its log where that alone is more than may be kept of all. */
export function withinBytes(record: RunRecord, maxBytes: number): RunRecord {
  const { key, startedAtMs, endedAtMs } = record;
  return { key, startedAtMs, endedAtMs, log: bytesOf(record) > maxBytes ? null : record.log };
}
