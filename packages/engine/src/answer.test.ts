import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AnswerEvent, type AnswerRequest, type AnswerResult, STAGES } from "./answer-events.js";
import { createEngine } from "./create-engine.js";
import type { Engine } from "./engine.js";

const ROWS = 300;
const NUMBERS = `@prefix e: <http://e/> . ${Array.from({ length: ROWS }, (_, n) => `e:n${n} a e:Number ; e:value ${n} .`).join("\n")}`;
/** A product of the numbers that no machine finishes while a test waits. */
const ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }";

let folder = "";
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "answers-"));
  const data = join(folder, "numbers.ttl");
  await writeFile(data, NUMBERS);
  engine = createEngine({ entries: [{ id: "local", title: "Numbers", data: [data] }], workers: 1 });
  await engine.ready();
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const never = new AbortController().signal;

async function answered(request: AnswerRequest, signal = never) {
  const events: AnswerEvent[] = [];
  for await (const event of engine.answer(request, signal)) events.push(event);
  const result = events.flatMap((event): AnswerResult[] =>
    event.kind === "result" ? [event.result] : [],
  )[0];
  if (result === undefined) throw new Error("no result");
  const rows = events.flatMap((event) => (event.kind === "rows" ? event.rows : []));
  const stages = events.flatMap((event) => (event.kind === "progress" ? [event.stage] : []));
  const progress = events.flatMap((event) => (event.kind === "progress" ? [event.progress] : []));
  return { result, rows, stages: [...new Set(stages)], progress };
}

test("a question passes every stage in their order, and progress never goes back", async () => {
  const { stages, progress, result } = await answered({ question: "How many numbers are there?" });
  expect(stages).toEqual(STAGES);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.at(-1)).toBe(1);
  expect(result).toMatchObject({ executed: true, rowCount: 1, completeness: { status: "complete" } });
});

test("a query skips validating and generating", async () => {
  const { stages } = await answered({ sparql: "SELECT * { ?s ?p ?o } LIMIT 1" });
  expect(stages).toEqual(["parsing", "optimizing", "executing", "formatting", "completed"]);
});

test("without execution an answer ends after optimizing", async () => {
  const { stages, result } = await answered({ question: "List all numbers", execute: false });
  expect(stages).toEqual(["parsing", "validating", "generating", "optimizing", "completed"]);
  expect(result).toMatchObject({ executed: false, rowCount: 0 });
});

test.each([
  ["neither text", {}, "question_required"],
  ["a blank question", { question: "  " }, "question_required"],
  ["both texts", { question: "x", sparql: "ASK {}" }, "bad_request"],
  ["a limit of 0", { sparql: "ASK {}", limit: 0 }, "bad_request"],
  ["a timeout above the greatest", { sparql: "ASK {}", timeoutMs: 120_001 }, "bad_request"],
  ["an unknown endpoint", { sparql: "ASK {}", endpointId: "toString" }, "endpoint_not_found"],
  [
    "an address, where those are off",
    { sparql: "ASK {}", endpointUrl: "http://127.0.0.1:1/" },
    "endpoint_forbidden",
  ],
  ["an unknown strategy", { question: "numbers", strategy: "oracle" }, "strategy_unavailable"],
  ["an update", { sparql: "INSERT DATA { <a:b> <a:b> <a:b> }" }, "read_only"],
  [
    "a SERVICE",
    { sparql: "SELECT * { SERVICE SILENT <http://127.0.0.1:1/> { ?s ?p ?o } }" },
    "service_forbidden",
  ],
  ["a foreign graph", { sparql: "SELECT * FROM <http://127.0.0.1:1/> { ?s ?p ?o }" }, "graph_forbidden"],
  ["a slip", { sparql: "SELECT * {" }, "bad_query"],
] as const)("%s is refused", async (_name, request, code) => {
  await expect(answered(request)).rejects.toMatchObject({ code });
});

test("as many rows as the limit are complete, one more is truncated", async () => {
  const sparql = "SELECT ?s { ?s a <http://e/Number> }";
  const whole = await answered({ sparql, limit: ROWS });
  expect(whole.rows).toHaveLength(ROWS);
  expect(whole.result.completeness.status).toBe("complete");
  const cut = await answered({ sparql, limit: ROWS - 1 });
  expect(cut.rows).toHaveLength(ROWS - 1);
  expect(cut.result.completeness).toMatchObject({ status: "truncated", reason: "row_limit" });
});

test("an ASK gives its boolean, a CONSTRUCT its triples as rows", async () => {
  expect((await answered({ sparql: "ASK { ?s a <http://e/Number> }" })).result).toMatchObject({
    boolean: true,
  });
  const graph = await answered({
    sparql: "CONSTRUCT { ?s a <http://e/Thing> } WHERE { ?s <http://e/value> 7 }",
  });
  expect(graph.rows).toEqual([
    {
      subject: { type: "uri", value: "http://e/n7" },
      predicate: { type: "uri", value: "http://www.w3.org/1999/02/22-rdf-syntax-ns#type" },
      object: { type: "uri", value: "http://e/Thing" },
    },
  ]);
  expect(graph.result.variables).toEqual(["subject", "predicate", "object"]);
});

test("equal rows have equal digests, other rows others", async () => {
  const digest = async (n: number) =>
    (await answered({ sparql: `SELECT ?s { ?s <http://e/value> ${n} }` })).result.completeness.digest;
  expect(await digest(1)).toBe(await digest(1));
  expect(await digest(1)).not.toBe(await digest(2));
});

test("an abort ends the work within a second, and the worker answers the next query", async () => {
  const controller = new AbortController();
  const events = engine.answer({ sparql: ENDLESS }, controller.signal);
  for await (const event of events) {
    if (event.kind === "progress" && event.stage === "executing" && event.message !== "Asking Numbers") break;
  }
  const second = engine.answer({ sparql: ENDLESS }, controller.signal);
  const running = (async () => {
    for await (const event of second) {
      if (event.kind === "progress" && event.message === "The endpoint is at work") controller.abort();
    }
  })();
  await expect(running).rejects.toMatchObject({ code: "query_cancelled" });
  const startedAt = performance.now();
  expect((await answered({ sparql: "ASK {}" })).result.boolean).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
