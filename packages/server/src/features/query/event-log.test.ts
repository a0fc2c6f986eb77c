import { jsonCodec } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { expect, test } from "vitest";
import { shareMessage } from "../../realtime/shared-message.js";
import { createEventLog, type EventLog, type LogEntry } from "./event-log.js";
import { createRowChunk, type RowChunk, type WireRow } from "./row-chunk.js";

const EXECUTING = { kind: "progress", stage: "executing", progress: 0.4, message: "Asking" } as const;

function chunkOf(seq: number, estimatedBytes = 1_000): RowChunk {
  const rows: WireRow[] = [{ n: { type: "literal", value: `${seq}` } }];
  return createRowChunk({ seq, rows, variables: null, estimatedBytes });
}

function append(log: EventLog, chunk: RowChunk): LogEntry {
  return log.append({ kind: "rows", chunk });
}

/** Of one moment: with the time the length of a message changes. */
function frame(chunk: RowChunk, codec = jsonCodec, padding = "") {
  const payload = { query_id: "q", seq: chunk.seq, rows: chunk.rows() };
  return shareMessage("query_rows", payload, { messageId: `m${padding}`, atMs: 1_500 }).framed(codec);
}

function kept(log: EventLog): number[] {
  return [...log.entries()].flatMap(({ event }) => (event.kind === "rows" ? [event.chunk.seq] : []));
}

test("[WATCH-7] above the bound the oldest rows go, one after the other, and nothing but rows", () => {
  // Three chunks with what an entry takes beside its message, and the progress.
  const log = createEventLog(3 * 1_512 + 512);
  log.append(EXECUTING);
  for (let seq = 0; seq < 3; seq++) append(log, chunkOf(seq));
  expect([log.isWhole, kept(log)]).toEqual([true, [0, 1, 2]]);
  append(log, chunkOf(3));
  expect([log.isWhole, kept(log), log.progress]).toEqual([false, [1, 2, 3], [expect.anything()]]);
  expect([log.get(0)?.event, log.get(1), log.chunkCount, log.rowCount, log.end]).toEqual([
    EXECUTING,
    undefined,
    4,
    4,
    5,
  ]);
});

test("the newest chunk is kept however large it is", () => {
  const log = createEventLog(100);
  append(log, chunkOf(0));
  append(log, chunkOf(1));
  expect(kept(log)).toEqual([1]);
});

test("the place behind a chunk is known as long as what follows is kept", () => {
  const log = createEventLog(2 * 1_512);
  for (let seq = 0; seq < 4; seq++) append(log, chunkOf(seq));
  expect([0, 1, 2, 3].map(log.placeAfterChunk)).toEqual([undefined, 2, 3, 4]);
});

test("[WATCH-7] while somebody pins it nothing is dropped, and rows are held; after that both are made up for", () => {
  const log = createEventLog(2_000);
  const unpin = log.pin();
  const again = log.pin();
  const chunks = [chunkOf(0), chunkOf(1), chunkOf(2)];
  const entries = chunks.map((chunk) => append(log, chunk));
  entries.forEach((entry, index) => {
    const chunk = chunks[index] ?? chunkOf(0);
    log.keep(entry, jsonCodec, frame(chunk));
  });
  const rows = chunks.map((chunk) => chunk.rows());
  expect(chunks.map((chunk, index) => chunk.rows() === rows[index])).toEqual([true, true, true]);
  unpin();
  unpin();
  expect(kept(log)).toEqual([0, 1, 2]);
  again();
  // As bytes they fit; the objects are gone.
  expect(kept(log)).toEqual([0, 1, 2]);
  expect(chunks.map((chunk, index) => chunk.rows() === rows[index])).toEqual([false, false, false]);
  expect(chunks.map((chunk) => chunk.rows())).toEqual(rows);
});

test("an encoded message takes the place of the estimate, and rows are read back from it", () => {
  const log = createEventLog(1_000_000);
  const chunk = chunkOf(0, 9_999);
  const rows = chunk.rows();
  const entry = append(log, chunk);
  const framed = frame(chunk, msgpackCodec);
  expect(log.keep(entry, msgpackCodec, framed)).toBe(true);
  expect(log.bytes).toBe(512 + framed.byteLength);
  expect(chunk.rows()).toEqual(rows);
  expect(chunk.rows()).not.toBe(rows);
});

test("messages of further codecs and runs are kept only while there is room", () => {
  const chunk = chunkOf(0);
  const text = frame(chunk);
  const log = createEventLog(512 + 2 * text.byteLength);
  const entry = append(log, chunk);
  expect(log.keep(entry, jsonCodec, text)).toBe(true);
  expect(log.keep(entry, jsonCodec, frame(chunk))).toBe(true);
  expect(log.keep(entry, jsonCodec, frame(chunk))).toBe(false);
  expect(log.bytes).toBe(512 + 2 * text.byteLength);
});

test("a message of rows that were dropped meanwhile is not kept", () => {
  const log = createEventLog(100);
  const chunk = chunkOf(0);
  const entry = append(log, chunk);
  append(log, chunkOf(1));
  expect(log.keep(entry, jsonCodec, frame(chunk))).toBe(false);
});

test("it is over with the terminal event, and not before", () => {
  for (const event of [
    { kind: "progress", stage: "completed", progress: 1, message: "Done" },
    { kind: "progress", stage: "failed", progress: 0, message: "No" },
    { kind: "cancelled", reason: "requested" },
  ] as const) {
    const log = createEventLog(1_000);
    log.append(EXECUTING);
    expect(log.isOver).toBe(false);
    log.append(event);
    expect(log.isOver).toBe(true);
  }
});
