import type { LogEntry, LogHead, LogName, LogSlice, Retention } from "../../broker.js";
import type { HeadInFile } from "../../database/operations.js";
import { SERVER_LIMITS } from "../../limits.js";
import { createEntryWindow, type EntryWindow } from "../entry-window.js";

/**
 * Heads of logs that were used of late, and the entries that were committed since then, so that whoever joins or
 * comes back need not wait for the file. Holds nothing that is not committed.
 */
export interface LogCache {
  /** `null`: ask the file. */
  head(name: LogName, nowMs: number): LogHead | null;
  /** `null`: ask the file. */
  read(name: LogName, sinceSeq: number, maxCount: number, maxBytes: number, nowMs: number): LogSlice | null;
  /** What the file told, in the order in which it told it; `entry` is the newest, where it was just committed. */
  learn(name: LogName, head: HeadInFile, entry?: LogEntry): void;
  forget(name: LogName): void;
  clear(): void;
}

export interface LogCacheOptions {
  readonly retentionOf: (name: LogName) => Retention;
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** Default 10 000. */
  readonly maxLogsCount?: number;
}

interface Cached {
  head: HeadInFile;
  /** The newest entries, up to that of the head. */
  readonly recent: EntryWindow;
}

export function createLogCache({
  retentionOf,
  maxBytes: maxTotalBytes = SERVER_LIMITS.cachedLogsBytes,
  maxLogsCount = SERVER_LIMITS.cachedLogsCount,
}: LogCacheOptions): LogCache {
  /** The one that was not used for longest first. */
  const logs = new Map<LogName, Cached>();
  let totalBytes = 0;

  const forget = (name: LogName) => {
    totalBytes -= logs.get(name)?.recent.bytes ?? 0;
    logs.delete(name);
  };
  const use = (name: LogName, nowMs: number): Cached | null => {
    const cached = logs.get(name);
    if (cached === undefined) return null;
    logs.delete(name);
    logs.set(name, cached);
    const { firstAtMs } = cached.head;
    const hasExpired = firstAtMs !== null && nowMs - firstAtMs > retentionOf(name).maxAgeMs;
    return hasExpired ? null : cached;
  };
  const follows = ({ head, recent }: Cached, epoch: string, seq: number) =>
    head.epoch === epoch && recent.firstSeq + recent.count === seq;
  const toHead = ({ epoch, seq, firstSeq }: HeadInFile): LogHead => ({ epoch, seq, firstSeq });

  return {
    head(name, nowMs) {
      const cached = use(name, nowMs);
      return cached === null ? null : toHead(cached.head);
    },
    read(name, sinceSeq, maxCount, maxBytes, nowMs) {
      const cached = use(name, nowMs);
      if (cached === null) return null;
      const { head, recent } = cached;
      if (Math.max(sinceSeq + 1, head.firstSeq) < recent.firstSeq) return null;
      return { ...toHead(head), entries: recent.slice(sinceSeq, maxCount, maxBytes) };
    },
    learn(name, head, entry) {
      const nextSeq = entry?.seq ?? head.seq + 1;
      const known = logs.get(name);
      const cached: Cached =
        known !== undefined && follows(known, head.epoch, nextSeq)
          ? known
          : { head, recent: createEntryWindow(nextSeq) };
      forget(name);
      cached.head = head;
      if (entry !== undefined) cached.recent.push(entry, Buffer.byteLength(entry.data));
      while (cached.recent.count > 0 && cached.recent.firstSeq < head.firstSeq) cached.recent.dropOldest();
      logs.set(name, cached);
      totalBytes += cached.recent.bytes;
      for (const oldest of logs.keys()) {
        if (totalBytes <= maxTotalBytes && logs.size <= maxLogsCount) break;
        forget(oldest);
      }
    },
    forget,
    clear() {
      logs.clear();
      totalBytes = 0;
    },
  };
}
