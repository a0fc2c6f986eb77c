import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { SparqlLiveError } from "../errors.js";
import type { Send } from "../messages.js";
import { type Chunk, createRun, type RunOptions } from "./run.js";

interface Said {
  readonly type: string;
  readonly payload: object;
}

/** A run whose messages are written down, and whose server is the test. */
function startRun(options: Partial<RunOptions> = {}) {
  const said: Said[] = [];
  const chunks: Chunk[] = [];
  let isReady = true;
  const send: Send = (type, payload) => {
    said.push({ type, payload });
    return isReady;
  };
  const run = createRun({
    queryId: "q",
    roomId: undefined,
    request: { sparql: "ASK {}" },
    since: -1,
    onChunk: (chunk) => chunks.push(chunk),
    onProgress: undefined,
    bufferRows: 10,
    send,
    maxRows: () => 100,
    isReady: () => isReady,
    mayBegin: () => isReady,
    onOver: () => undefined,
    ...options,
  });
  const tell = (type: ServerMessage["type"], payload: object) =>
    // The run reads no more of it than this.
    run.take({ type, message_id: "m", timestamp: 0, payload } as ServerMessage);
  return {
    run,
    said,
    chunks,
    tell,
    rows: (seq: number, count: number) =>
      tell("query_rows", { query_id: "q", seq, rows: Array.from({ length: count }, () => ({})) }),
    refuse: (code: string) => tell("error_message", { error: code, error_type: code, code, query_id: "q" }),
    setReady(now: boolean) {
      isReady = now;
    },
  };
}

const last = (said: readonly Said[]) => said.at(-1);

test("[CLIENT-22] credit is granted as rows are read, so that never more than the buffer is on the way", () => {
  const { run, said, rows } = startRun();
  run.ready();
  expect(last(said)).toEqual({
    type: "query_request",
    payload: { limit: 100, sparql: "ASK {}", stream: true, credit: 10 },
  });
  rows(0, 10);
  run.consumed(4);
  expect(said).toHaveLength(1);
  run.consumed(1);
  expect(last(said)).toEqual({ type: "query_credit", payload: { query_id: "q", rows: 5 } });
  run.consumed(5);
  expect(last(said)).toEqual({ type: "query_credit", payload: { query_id: "q", rows: 5 } });
});

test("[CLIENT-22] rows beyond the buffer are left at the server, and fetched when there is room", () => {
  const { run, said, rows, chunks } = startRun();
  run.ready();
  rows(0, 10);
  // After a reconnection the first credit holds anew.
  run.resumed({ recovered: true });
  rows(1, 10);
  rows(2, 10);
  expect(chunks.map(({ seq }) => seq)).toEqual([0]);
  run.consumed(10);
  expect(last(said)).toEqual({
    type: "query_attach",
    payload: { query_id: "q", stream: true, credit: 10, since: 0 },
  });
  rows(1, 10);
  expect(chunks.map(({ seq }) => seq)).toEqual([0, 1]);
});

test("[CLIENT-22] what was left at the server is fetched after a reconnection, where the reader is done by then", () => {
  const { run, said, rows, setReady } = startRun();
  run.ready();
  rows(0, 10);
  run.resumed({ recovered: true });
  rows(1, 10);
  setReady(false);
  run.consumed(10);
  expect(said).toHaveLength(1);
  setReady(true);
  run.resumed({ recovered: true });
  run.ready();
  expect(last(said)).toMatchObject({ type: "query_attach", payload: { since: 0, credit: 10 } });
});

test("[CLIENT-22] after a return the server's credit is that of the last attach: it is said anew", () => {
  const { run, said, rows } = startRun();
  run.ready();
  rows(0, 10);
  run.consumed(3);
  run.resumed({ recovered: false, code: "too_many_queries" });
  run.ready();
  expect(last(said)).toMatchObject({ type: "query_attach", payload: { credit: 3 } });
  run.resumed({ recovered: true });
  run.consumed(7);
  run.ready();
  expect(last(said)).toMatchObject({ type: "query_attach", payload: { since: 0, credit: 10 } });
});

test("[CLIENT-22] who read nothing for so long that the server let go reads on afterwards", () => {
  const { run, said, rows, refuse, tell } = startRun();
  run.ready();
  rows(0, 10);
  refuse("query_timeout");
  tell("query_progress", { query_id: "q", stage: "failed", progress: 0, message: "no credit" });
  run.consumed(10);
  expect(last(said)).toMatchObject({ type: "query_attach", payload: { since: 0, credit: 10 } });
});

test("[CLIENT-26] after a reconnection a run is asked for again only where the server does not know it", async () => {
  const { run, said, rows } = startRun();
  run.ready();
  expect(run.position).toBe(-1);
  run.resumed({ recovered: false, code: "query_not_found" });
  run.ready();
  expect(said.map(({ type }) => type)).toEqual(["query_request", "query_request"]);
  rows(0, 1);
  expect(run.position).toBe(0);
  run.resumed({ recovered: false, code: "query_not_found" });
  await expect(run.result).rejects.toMatchObject({ code: "query_lost", retry: true });
  expect(run.position).toBeNull();
});

test("[CLIENT-26] what resume could not bring back is attached to by itself, or told", async () => {
  for (const outcome of [undefined, { recovered: false, code: "too_many_queries" }]) {
    const { run, said } = startRun();
    run.ready();
    run.resumed(outcome);
    run.ready();
    expect(said.map(({ type }) => type)).toEqual(["query_request", "query_attach"]);
  }
  for (const code of ["query_lost", "query_expired"]) {
    const { run } = startRun();
    run.ready();
    run.resumed({ recovered: false, code });
    await expect(run.result).rejects.toMatchObject({ code });
  }
});

test("[CLIENT-26] a request that arrived after all is not begun twice", () => {
  const { run, said, refuse } = startRun();
  run.ready();
  refuse("duplicate_query");
  expect(said.map(({ type }) => type)).toEqual(["query_request", "query_attach"]);
});

test("[CLIENT-23] what is cancelled while there is no connection is cancelled when there is one", async () => {
  const { run, said, tell, setReady } = startRun();
  run.ready();
  setReady(false);
  run.abort(new SparqlLiveError("aborted", "enough"));
  await expect(run.result).rejects.toMatchObject({ code: "aborted" });
  expect(said).toHaveLength(1);
  setReady(true);
  run.ready();
  expect(last(said)).toEqual({ type: "query_cancel", payload: { query_id: "q" } });
  tell("query_cancelled", { query_id: "q", reason: "requested" });
  await run.cancel();
});

test("[CLIENT-20] a query that was never sent is cancelled without a word", async () => {
  const { run, said } = startRun();
  await run.cancel();
  await expect(run.result).rejects.toMatchObject({ code: "query_cancelled" });
  expect(said).toEqual([]);
});

test("[CLIENT-24] what was sent before a run was watched says nothing of its end: all of it comes again", async () => {
  const { run, rows, tell, chunks } = startRun({ request: null });
  const progress = (stage: string) =>
    tell("query_progress", { query_id: "q", stage, progress: 1, message: "" });
  run.ready();
  rows(2, 1);
  tell("query_result", { query_id: "q", results: null, row_count: 0 });
  progress("completed");
  progress("parsing");
  rows(0, 1);
  rows(1, 1);
  tell("query_result", { query_id: "q", results: null, row_count: 2 });
  progress("completed");
  expect((await run.result).row_count).toBe(2);
  expect(chunks.map(({ seq }) => seq)).toEqual([0, 1]);
});

test("[CLIENT-24] who stops watching cancels nothing", async () => {
  const { run, said } = startRun({ request: null });
  run.ready();
  run.abort(new SparqlLiveError("aborted", "enough"));
  await expect(run.result).rejects.toMatchObject({ code: "aborted" });
  await run.over;
  expect(said.map(({ type }) => type)).toEqual(["query_attach"]);
});
