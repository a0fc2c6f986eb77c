import type { LogEntry } from "../broker.js";

/** The newest entries of a log: no holes, dropped from the old end. */
export interface EntryWindow {
  /** Of the oldest entry; one more than the newest there ever was where none is left. */
  readonly firstSeq: number;
  readonly count: number;
  /** Of the data. */
  readonly bytes: number;
  oldest(): LogEntry | undefined;
  /** Its `seq` is one more than that of the newest. */
  push(entry: LogEntry, bytes: number): void;
  dropOldest(): void;
  /** Puts another entry in the place of the one of its `seq`, where that is here. */
  replace(entry: LogEntry, bytes: number): void;
  /** Entries after `sinceSeq`, at most so many and (but for a single larger one) at most so many bytes. */
  slice(sinceSeq: number, maxCount: number, maxBytes: number): readonly LogEntry[];
}

/** Dropped slots are given back when they are half of the array: each entry is moved about once. */
const MIN_DROPPED_COUNT = 64;

export function createEntryWindow(firstSeq: number): EntryWindow {
  const entries: (LogEntry | undefined)[] = [];
  const sizes: number[] = [];
  /** Index of the oldest. */
  let start = 0;
  let first = firstSeq;
  let bytes = 0;

  return {
    get firstSeq() {
      return first;
    },
    get count() {
      return entries.length - start;
    },
    get bytes() {
      return bytes;
    },
    oldest: () => entries[start],
    push(entry, entryBytes) {
      entries.push(entry);
      sizes.push(entryBytes);
      bytes += entryBytes;
    },
    dropOldest() {
      if (start === entries.length) return;
      bytes -= sizes[start] ?? 0;
      entries[start] = undefined;
      start++;
      first++;
      if (start >= MIN_DROPPED_COUNT && start * 2 >= entries.length) {
        entries.splice(0, start);
        sizes.splice(0, start);
        start = 0;
      }
    },
    replace(entry, entryBytes) {
      const index = start + entry.seq - first;
      if (index < start || index >= entries.length) return;
      bytes += entryBytes - (sizes[index] ?? 0);
      entries[index] = entry;
      sizes[index] = entryBytes;
    },
    slice(sinceSeq, maxCount, maxBytes) {
      const found: LogEntry[] = [];
      let left = maxBytes;
      for (let index = start + Math.max(0, sinceSeq + 1 - first); index < entries.length; index++) {
        const entry = entries[index];
        left -= sizes[index] ?? 0;
        if (entry === undefined || found.length === maxCount || (left < 0 && found.length > 0)) break;
        found.push(entry);
      }
      return found;
    },
  };
}
