import type { Codec, ServerPayloads } from "@sparql-live/protocol";
import type { Framed } from "../../realtime/frames.js";
import type { RowChunk } from "./row-chunk.js";

/** A payload without what makes it one of a certain run. */
type Unaddressed<T extends keyof ServerPayloads> = Omit<ServerPayloads[T], "query_id" | "room_id">;

export type ProgressEvent = { readonly kind: "progress" } & Unaddressed<"query_progress">;

/** What happens in a run, in the order in which every watcher is told. */
export type RunEvent =
  | ProgressEvent
  | { readonly kind: "rows"; readonly chunk: RowChunk }
  /** Without the rows. */
  | { readonly kind: "result"; readonly payload: Unaddressed<"query_result"> }
  /** Progress `failed` follows. */
  | { readonly kind: "error"; readonly payload: Unaddressed<"error_message"> }
  | ({ readonly kind: "cancelled" } & Unaddressed<"query_cancelled">);

export interface LogEntry {
  /** Its place in the log. */
  readonly at: number;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly event: RunEvent;
}

/** Bytes that an entry takes beside those of its messages. */
const ENTRY_OVERHEAD_BYTES = 512;

/** What happened in the execution of a query, for everybody who watches it: now, behind, or later. */
export interface EventLog {
  /** The place of the next entry. */
  readonly end: number;
  readonly bytes: number;
  readonly rowCount: number;
  /** Whether nothing was dropped. */
  readonly isWhole: boolean;
  /** Whether the terminal event is in it. */
  readonly isOver: boolean;
  append(event: RunEvent): LogEntry;
  /** Undefined where it was dropped or is still to come. */
  get(at: number): LogEntry | undefined;
  /** Those that are kept, in order. */
  entries(): Iterable<LogEntry>;
  /** Those of them that are progress; all are kept. */
  readonly progress: readonly LogEntry[];
  /** Chunks that there were, ever. */
  readonly chunkCount: number;
  /** The place behind a chunk that there was; undefined where something between was dropped. */
  placeAfterChunk(seq: number): number | undefined;
  /** Somebody will want all the rows as they are: nothing is dropped meanwhile. Returns the way to give that up. */
  pin(): () => void;
  /**
   * The entry was encoded as a message. Answers whether the message may be kept: the first always, such of further
   * codecs and runs while there is room.
   */
  keep(entry: LogEntry, codec: Codec, framed: Framed): boolean;
}

export function isTerminal(event: RunEvent): boolean {
  if (event.kind === "cancelled") return true;
  return event.kind === "progress" && (event.stage === "completed" || event.stage === "failed");
}

/**
 * When more than `maxBytes` are kept the oldest rows are dropped, but for those of the newest chunk. `before`: what
 * was kept of a log that this one continues.
 */
export function createEventLog(maxBytes: number, before: readonly LogEntry[] = []): EventLog {
  const entries = new Map<number, LogEntry>();
  const bytesOf = new Map<number, number>();
  /** Chunk → its place, oldest first. */
  const chunks = new Map<number, number>();
  const progress: LogEntry[] = [];
  const encoded = new WeakSet<LogEntry>();
  let end = 0;
  let bytes = 0;
  let rowCount = 0;
  let chunkCount = 0;
  let pinCount = 0;
  let isWhole = true;
  let isOver = false;

  const setBytes = (at: number, entryBytes: number) => {
    bytes += entryBytes - (bytesOf.get(at) ?? 0);
    bytesOf.set(at, entryBytes);
  };

  const dropOldest = () => {
    if (pinCount > 0) return;
    for (const [seq, at] of chunks) {
      if (bytes <= maxBytes || chunks.size === 1) return;
      setBytes(at, 0);
      bytesOf.delete(at);
      chunks.delete(seq);
      entries.delete(at);
      isWhole = false;
    }
  };

  const releaseRows = () => {
    for (const { event } of entries.values()) if (event.kind === "rows") event.chunk.release();
  };

  const insert = (entry: LogEntry) => {
    const { event, at } = entry;
    const rows = event.kind === "rows" ? event.chunk : null;
    end = at + 1;
    entries.set(at, entry);
    setBytes(at, ENTRY_OVERHEAD_BYTES + (rows?.estimatedBytes ?? 0));
    if (rows !== null) {
      if (chunks.size === 0 && rows.seq > 0) isWhole = false;
      chunks.set(rows.seq, at);
      chunkCount = rows.seq + 1;
      rowCount += rows.rowCount;
    }
    if (event.kind === "progress") progress.push(entry);
    isOver ||= isTerminal(event);
    dropOldest();
  };
  for (const entry of before) insert(entry);

  return {
    get end() {
      return end;
    },
    get bytes() {
      return bytes;
    },
    get rowCount() {
      return rowCount;
    },
    get isWhole() {
      return isWhole;
    },
    get isOver() {
      return isOver;
    },
    append(event) {
      const entry: LogEntry = { at: end, atMs: Date.now(), event };
      insert(entry);
      return entry;
    },
    get: (at) => entries.get(at),
    entries: () => entries.values(),
    progress,
    get chunkCount() {
      return chunkCount;
    },
    placeAfterChunk(seq) {
      const at = chunks.get(seq);
      return at === undefined ? chunks.get(seq + 1) : at + 1;
    },
    pin() {
      pinCount++;
      let pinned = true;
      return () => {
        if (!pinned) return;
        pinned = false;
        pinCount--;
        if (pinCount > 0) return;
        releaseRows();
        dropOldest();
      };
    },
    keep(entry, codec, framed) {
      const first = !encoded.has(entry);
      const now = bytesOf.get(entry.at);
      if (now === undefined || (!first && bytes + framed.byteLength > maxBytes)) return false;
      encoded.add(entry);
      setBytes(entry.at, framed.byteLength + (first ? ENTRY_OVERHEAD_BYTES : now));
      if (entry.event.kind === "rows" && first) {
        entry.event.chunk.keepEncoded(codec, framed);
        if (pinCount === 0) entry.event.chunk.release();
      }
      dropOldest();
      return true;
    },
  };
}
