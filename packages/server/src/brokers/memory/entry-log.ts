import type {
  Appended,
  LogEntry,
  LogHead,
  LogSlice,
  LogSnapshot,
  LogState,
  NewEntry,
  NewSnapshot,
  Retention,
} from "../../broker.js";
import { createEntryWindow } from "../entry-window.js";
import { pinnedFull, randomEpoch, snapshotAhead } from "../log-rules.js";

/** One log in memory. Every look first drops what is too old. */
export interface EntryLog {
  /** `entry` is `null` where the id was there already. */
  append(entry: NewEntry, nowMs: number): { readonly appended: Appended; readonly entry: LogEntry | null };
  head(nowMs: number): LogHead;
  read(sinceSeq: number, maxCount: number, maxBytes: number, nowMs: number): LogSlice;
  /** Returns whether the entry is retained. */
  replace(seq: number, entry: Omit<NewEntry, "pinned">, nowMs: number): boolean;
  state(nowMs: number): LogState;
  saveSnapshot(snapshot: NewSnapshot): void;
  expire(nowMs: number): void;
}

export interface EntryLogOptions {
  readonly name: string;
  readonly retention: Retention;
  readonly maxPinnedBytes: number;
}

export function createEntryLog({ name, retention, maxPinnedBytes }: EntryLogOptions): EntryLog {
  const epoch = randomEpoch();
  const window = createEntryWindow(1);
  /** Of every entry that is retained, by the window or because it is pinned. */
  const seqs = new Map<string, number>();
  /** Those after the snapshot, by `seq`, in order. */
  const pinned = new Map<number, LogEntry>();
  let pinnedBytes = 0;
  let snapshot: LogSnapshot | null = null;
  let seq = 0;

  const dropOldest = () => {
    const entry = window.oldest();
    window.dropOldest();
    if (entry !== undefined && !pinned.has(entry.seq)) seqs.delete(entry.id);
  };
  const expire = (nowMs: number) => {
    for (let oldest = window.oldest(); oldest !== undefined; oldest = window.oldest()) {
      if (nowMs - oldest.atMs <= retention.maxAgeMs) return;
      dropOldest();
    }
  };
  const trim = () => {
    while (window.count > retention.maxEntriesCount || window.bytes > retention.maxBytes) dropOldest();
  };
  const pin = (entry: LogEntry, bytes: number) => {
    pinned.set(entry.seq, entry);
    pinnedBytes += bytes;
  };
  const head = (nowMs: number): LogHead => {
    expire(nowMs);
    return { epoch, seq, firstSeq: window.firstSeq };
  };

  return {
    append({ id, data, pinned: isPinned = false }, nowMs) {
      expire(nowMs);
      const known = seqs.get(id);
      if (known !== undefined) return { appended: { epoch, seq: known, repeated: true }, entry: null };
      const bytes = Buffer.byteLength(data);
      if (isPinned && pinnedBytes + bytes > maxPinnedBytes) throw pinnedFull(name);
      seq++;
      const entry: LogEntry = { seq, id, atMs: nowMs, data };
      seqs.set(id, seq);
      if (isPinned) pin(entry, bytes);
      window.push(entry, bytes);
      trim();
      return { appended: { epoch, seq, repeated: false }, entry };
    },
    head,
    read(sinceSeq, maxCount, maxBytes, nowMs) {
      return { ...head(nowMs), entries: window.slice(sinceSeq, maxCount, maxBytes) };
    },
    replace(at, { id, data }, nowMs) {
      expire(nowMs);
      const before = window.slice(at - 1, 1, Number.POSITIVE_INFINITY)[0] ?? pinned.get(at);
      if (before === undefined || before.seq !== at) return false;
      const entry: LogEntry = { seq: at, id, atMs: before.atMs, data };
      const bytes = Buffer.byteLength(data);
      seqs.delete(before.id);
      seqs.set(id, at);
      window.replace(entry, bytes);
      if (pinned.has(at)) {
        pinned.set(at, entry);
        pinnedBytes += bytes - Buffer.byteLength(before.data);
      }
      return true;
    },
    state: (nowMs) => ({ ...head(nowMs), snapshot, pinned: [...pinned.values()] }),
    saveSnapshot(saved) {
      if (saved.epoch !== epoch) return;
      if (saved.seq > seq) throw snapshotAhead(name, saved.seq, seq);
      if (snapshot !== null && saved.seq < snapshot.seq) return;
      // A copy: the caller may go on writing into its bytes.
      snapshot = { seq: saved.seq, data: new Uint8Array(saved.data) };
      for (const [pinnedSeq, entry] of pinned) {
        if (pinnedSeq > saved.seq) break;
        pinned.delete(pinnedSeq);
        pinnedBytes -= Buffer.byteLength(entry.data);
        if (pinnedSeq < window.firstSeq) seqs.delete(entry.id);
      }
    },
    expire,
  };
}
