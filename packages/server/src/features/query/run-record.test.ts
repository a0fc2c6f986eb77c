import { jsonCodec } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { readFramed } from "../../realtime/read-frames.js";
import { createEventLog } from "./event-log.js";
import { createRowChunk } from "./row-chunk.js";
import { decodeRun, encodeRun } from "./run-record.js";
import { createRunView, type RunView } from "./run-view.js";

const WATCHING = { stream: true, credit: 7 };
const EXECUTING = { kind: "progress", stage: "executing", progress: 0.4, message: "Asking" } as const;
const COMPLETED = { kind: "progress", stage: "completed", progress: 1, message: "Done" } as const;

function chunk(seq: number, value = "ü") {
  const rows = [{ v: { type: "literal" as const, value } }];
  return {
    kind: "rows" as const,
    chunk: createRowChunk({ seq, rows, variables: seq === 0 ? ["v"] : null, estimatedBytes: value.length }),
  };
}

function textsOf(view: RunView): string[] {
  return [...view.entries()].map((entry) =>
    readFramed(view.message(entry).framed(jsonCodec)).toString("utf8"),
  );
}

test("a run is the same after it was stored, also where its first rows were dropped and its opening is of a room", async () => {
  const opening = { ...EXECUTING, stage: "parsing", details: { user_id: "ada" } } as const;
  const view = createRunView({ queryId: "q", roomId: "lab", opening });
  const log = createEventLog(4_000);
  log.append(EXECUTING);
  for (let seq = 0; seq < 6; seq++) log.append(chunk(seq));
  log.append(COMPLETED);
  view.show(log);
  // Messages are larger than was estimated: with their encoding more is dropped.
  textsOf(view);
  const texts = textsOf(view);
  expect(texts.length).toBeGreaterThan(3);
  const restored = decodeRun((await encodeRun(view, WATCHING)) ?? "");
  expect(textsOf(restored.view)).toEqual(texts);
  expect(restored.defaults).toEqual(WATCHING);
  expect([restored.view.isOver, restored.view.isWhole, restored.view.start]).toEqual([true, false, -1]);
  expect(() => restored.view.placeAfter(-1)).toThrow(expect.objectContaining({ code: "query_expired" }));
  expect(restored.view.placeAfter(4).at).toBe(view.placeAfter(4).at);
});

test("what a run alone was told is stored with it", async () => {
  const view = createRunView({ queryId: "q", roomId: null });
  view.close([{ kind: "cancelled", reason: "shutdown" }]);
  const restored = decodeRun((await encodeRun(view, WATCHING)) ?? "");
  expect(textsOf(restored.view)).toEqual(textsOf(view));
  expect(restored.view.isOver).toBe(true);
});

test("[WATCH-6] exactly the bound is stored, a byte more is not", async () => {
  const view = createRunView({ queryId: "q", roomId: null });
  const log = createEventLog(1_000_000);
  log.append(chunk(0, "x".repeat(1_000)));
  log.append(COMPLETED);
  view.show(log);
  let bytes = 0;
  for (const entry of view.entries()) bytes += view.message(entry).framed(jsonCodec).byteLength;
  expect(await encodeRun(view, WATCHING, bytes)).toContain('"messages":[{');
  expect(await encodeRun(view, WATCHING, bytes - 1)).toBeNull();
});

test("once a run was encoded its rows are held as bytes alone", async () => {
  const view = createRunView({ queryId: "q", roomId: null });
  const log = createEventLog(1_000_000);
  const rows = chunk(0);
  const held = rows.chunk.rows();
  log.append(rows);
  log.append(COMPLETED);
  view.show(log);
  await encodeRun(view, WATCHING);
  expect(rows.chunk.rows()).not.toBe(held);
  expect(rows.chunk.rows()).toEqual(held);
});
