import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../../testing/memory-engine.js";
import { manyTriples, startServer } from "../../testing/start-server.js";
import { openClient } from "../../testing/test-client.js";

const ENDLESS = "SELECT ?s ?o { ?s ?p ?o } # urn:test:endless";
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";
const ALL = "SELECT ?s ?o { ?s ?p ?o }";

function stagesOf(messages: readonly ServerMessage[]): string[] {
  const stages = messages.flatMap((message) =>
    message.type === "query_progress" ? [message.payload.stage] : [],
  );
  return stages.filter((stage, index) => stage !== stages[index - 1]);
}

test("[QUERY-1] a question goes through every stage in order and its result stands before `completed`", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { natural_language: "all cities" }, { message_id: "q" });
  const messages = await client.run("q");
  expect(stagesOf(messages)).toEqual([
    "parsing",
    "validating",
    "generating",
    "optimizing",
    "executing",
    "formatting",
    "completed",
  ]);
  expect(messages.at(-2)?.type).toBe("query_result");
});

test("[QUERY-2] a SPARQL query goes parsing, optimizing, executing, formatting, completed", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL }, { message_id: "q" });
  expect(stagesOf(await client.run("q"))).toEqual([
    "parsing",
    "optimizing",
    "executing",
    "formatting",
    "completed",
  ]);
});

test("[QUERY-3] progress never goes back and `completed` says 1", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(2_000)) });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL, limit: 2_000, stream: true }, { message_id: "q" });
  client.send("query_credit", { query_id: "q", rows: 5_000 });
  const messages = await client.run("q");
  const progress = messages.flatMap((message) =>
    message.type === "query_progress" ? [message.payload.progress] : [],
  );
  expect(progress).toEqual(progress.toSorted((one, other) => one - other));
  expect(progress.at(-1)).toBe(1);
});

test("[QUERY-4] the query_id is the correlation_id, else the message_id, else one that the server makes", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL }, { message_id: "m", correlation_id: "c" });
  expect((await client.next("query_result")).payload.query_id).toBe("c");
  client.send("query_request", { sparql: ALL }, { message_id: "m" });
  const named = await client.next("query_result");
  expect([named.payload.query_id, named.correlation_id]).toEqual(["m", "m"]);
  client.send("query_request", { sparql: ALL });
  expect((await client.next("query_result")).payload.query_id).toMatch(/^[0-9a-f-]{36}$/);
});

test("[QUERY-5] an id that is in progress or lately was is refused as duplicate_query, for this user alone", async () => {
  await using server = await startServer();
  await using client = await openClient(`${server.ws}?user_id=ada`);
  client.send("query_request", { sparql: STUCK }, { message_id: "q" });
  await client.next("query_progress", "q");
  client.send("query_request", { sparql: ALL }, { message_id: "q" });
  const refused = await client.next("error_message", "q");
  expect(refused.payload.code).toBe("duplicate_query");
  client.send("query_cancel", { query_id: "q" });
  await client.next("query_cancelled", "q");
  client.send("query_request", { sparql: ALL }, { message_id: "q" });
  expect((await client.next("error_message", "q")).payload.code).toBe("duplicate_query");

  await using other = await openClient(`${server.ws}?user_id=bob`);
  other.send("query_request", { sparql: ALL }, { message_id: "q" });
  await other.next("query_result", "q");
});

test("[QUERY-6] without a text the answer is `natural_language is required` with the query_id", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (const payload of [{}, { natural_language: " \n" }, { sparql: "" }]) {
    const id = JSON.stringify(payload);
    client.send("query_request", payload, { message_id: id });
    expect((await client.next("error_message", id)).payload).toMatchObject({
      error: "natural_language is required",
      error_type: "question_required",
      code: "question_required",
    });
  }
});

test("[QUERY-7] both texts, or both ways to name an endpoint, are a bad_request", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { natural_language: "all cities", sparql: ALL }, { message_id: "a" });
  expect((await client.next("error_message", "a")).payload.code).toBe("bad_request");
  const endpoints = { endpoint_id: "local", endpoint_url: "http://example.org/sparql" };
  client.send("query_request", { sparql: ALL, ...endpoints }, { message_id: "b" });
  expect((await client.next("error_message", "b")).payload.code).toBe("bad_request");
});

test("[QUERY-8] a client that names no limit gets 100 rows in one query_result", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(150)) });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL }, { message_id: "q" });
  const { payload } = await client.next("query_result", "q");
  expect(payload.results?.bindings).toHaveLength(100);
  expect(payload.completeness).toMatchObject({ status: "truncated", reason: "row_limit" });
  expect(client.log.some(({ type }) => type === "query_rows")).toBe(false);
});

test("[QUERY-9] execute: false ends after optimizing with the query and no results", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { natural_language: "all cities", execute: false }, { message_id: "q" });
  const messages = await client.run("q");
  expect(stagesOf(messages)).toEqual(["parsing", "validating", "generating", "optimizing", "completed"]);
  expect(messages.find(({ type }) => type === "query_result")?.payload).toMatchObject({
    results: null,
    query: expect.stringContaining("ex:City"),
  });
});

test("[QUERY-10] an ASK answers with a boolean", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: "ASK { ?s ?p ?o }" }, { message_id: "q" });
  expect((await client.next("query_result", "q")).payload.results).toMatchObject({
    boolean: true,
    bindings: [],
  });
});

test("[QUERY-11] three queries of a user run; a fourth waits, is told its place, and runs in its turn", async () => {
  await using server = await startServer();
  await using client = await openClient(`${server.ws}?user_id=ada`);
  await using second = await openClient(`${server.ws}?user_id=ada`);
  for (const id of ["a", "b", "c"]) {
    client.send("query_request", { sparql: STUCK }, { message_id: id });
    await client.next("query_progress", id);
  }
  second.send("query_request", { sparql: ALL }, { message_id: "d" });
  expect((await second.next("query_progress", "d")).payload.details).toEqual({ queue_position: 1 });
  client.send("query_request", { sparql: ALL }, { message_id: "e" });
  expect((await client.next("query_progress", "e")).payload.details).toEqual({ queue_position: 2 });

  await using other = await openClient(`${server.ws}?user_id=bob`);
  other.send("query_request", { sparql: ALL }, { message_id: "d" });
  await other.next("query_result", "d");

  client.send("query_cancel", { query_id: "a" });
  await second.next("query_result", "d");
  await client.next("query_result", "e");
});

test("[QUERY-12] a query that waits can be cancelled", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (const id of ["a", "b", "c", "d"]) client.send("query_request", { sparql: STUCK }, { message_id: id });
  await client.next("query_progress", "d");
  client.send("query_cancel", { query_id: "d" });
  expect((await client.next("query_cancelled", "d")).payload.reason).toBe("requested");
});

test.each([
  ["bad SPARQL", "bad_query", { sparql: "SELECT ?s WHERE {\n  ?s ?p }" }],
  ["an update", "read_only", { sparql: "DELETE WHERE { ?s ?p ?o }" }],
  [
    "SERVICE",
    "service_forbidden",
    { sparql: "SELECT * { SERVICE SILENT <http://x.example/> { ?s ?p ?o } }" },
  ],
  ["an unknown endpoint", "endpoint_not_found", { sparql: ALL, endpoint_id: "nope" }],
  ["a question of unknown words", "not_understood", { natural_language: "Wozu das alles?" }],
  [
    "a fault of the engine",
    "internal_error",
    { sparql: "SELECT * { GRAPH <urn:test:broken> { ?s ?p ?o } }" },
  ],
])("[QUERY-13] %s ends with error_message %s, then progress `failed` 0", async (_, code, payload) => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", payload, { message_id: "q" });
  const messages = await client.run("q");
  expect(messages.at(-2)?.payload).toMatchObject({ code, error_type: code });
  expect(messages.at(-1)?.payload).toMatchObject({ stage: "failed", progress: 0 });
  client.send("ping");
  await client.next("pong");
});

test("[QUERY-14] a query that is not SPARQL is told its line and column", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: "SELECT ?s WHERE {\n  ?s ?p }" }, { message_id: "q" });
  expect((await client.next("error_message", "q")).payload).toMatchObject({
    line: 2,
    column: expect.any(Number),
  });
});

test("[QUERY-15] a fault of the server is logged and said without its words", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: "SELECT * { GRAPH <urn:test:broken> { ?s ?p ?o } }" });
  const { payload } = await client.next("error_message");
  expect(payload.error).not.toContain("a fault of the engine");
  expect(server.logged.some((line) => line.includes("a fault of the engine"))).toBe(true);
  expect(server.logged.some((line) => line.includes("urn:test:broken"))).toBe(false);
});

test("[STREAM-1] streamed rows come in chunks counted from 0, the variables in the first, and the result has none", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(950)) });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL, stream: true, limit: 1_000 }, { message_id: "q" });
  const messages = await client.run("q");
  const chunks = messages.flatMap((message) => (message.type === "query_rows" ? [message.payload] : []));
  expect(chunks.map(({ seq }) => seq)).toEqual(chunks.map((_, index) => index));
  expect(chunks.map(({ variables }) => variables)).toEqual([
    ["s", "o"],
    ...chunks.slice(1).map(() => undefined),
  ]);
  expect(chunks.flatMap(({ rows }) => rows)).toHaveLength(950);
  const result = messages.at(-2);
  expect(result?.payload).toMatchObject({ row_count: 950, results: { bindings: [], row_count: 950 } });
});

test("[STREAM-2] no more rows are sent than were granted, and the endpoint is not read on meanwhile", async () => {
  const engine = createMemoryEngine(manyTriples(100));
  await using server = await startServer({ engine });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ENDLESS, stream: true, credit: 250 }, { message_id: "q" });
  let count = 0;
  while (count < 250) count += (await client.next("query_rows", "q")).payload.rows.length;
  expect(count).toBe(250);
  const pulled = engine.pulledCount;
  // The connection goes on meanwhile; several round trips give the run every chance to send more.
  for (let index = 0; index < 5; index++) {
    client.send("ping");
    await client.next("pong");
  }
  expect(engine.pulledCount).toBe(pulled);
  client.send("query_credit", { query_id: "q", rows: 7 });
  expect((await client.next("query_rows", "q")).payload.rows).toHaveLength(7);
  client.send("query_cancel", { query_id: "q" });
  await client.next("query_cancelled", "q");
});

test("[STREAM-3] with credit 0 nothing comes before the first grant", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL, stream: true, credit: 0 }, { message_id: "q" });
  while ((await client.next("query_progress", "q")).payload.stage !== "executing");
  client.send("ping");
  await client.next("pong");
  expect(client.log.some(({ type }) => type === "query_rows")).toBe(false);
  client.send("query_credit", { query_id: "q", rows: 100 });
  await client.next("query_rows", "q");
  await client.run("q");
});

test("[STREAM-4] a chunk has about 64 KiB at most", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(100, 3_000)) });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL, stream: true }, { message_id: "q" });
  await client.run("q");
  const sizes = client.raw.map((message) => JSON.stringify(message).length);
  expect(Math.max(...sizes)).toBeGreaterThan(32 * 1_024);
  expect(Math.max(...sizes)).toBeLessThan(80 * 1_024);
});

test("[STREAM-5] rows stream at the pace of a slow reader, without end and without being cut off", async () => {
  const engine = createMemoryEngine(manyTriples(100, 2_000));
  await using server = await startServer({ engine });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ENDLESS, stream: true, credit: 1_000_000 }, { message_id: "q" });
  await client.next("query_rows", "q");
  client.socket.pause();
  // Once the network's buffers are full the engine is not asked any more.
  let pulled = -1;
  await expect
    .poll(
      () => {
        const same = engine.pulledCount === pulled;
        pulled = engine.pulledCount;
        return same;
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true);
  client.socket.resume();
  await expect.poll(() => engine.pulledCount, { timeout: 10_000 }).toBeGreaterThan(pulled + 10);
  client.send("query_cancel", { query_id: "q" });
  await client.next("query_cancelled", "q");
  expect(server.logged.some((line) => line.includes("slow_consumer"))).toBe(false);
});

test("[STREAM-6] credit that comes after the end is passed over", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: ALL, stream: true }, { message_id: "q" });
  await client.run("q");
  client.send("query_credit", { query_id: "q", rows: 10 });
  client.send("ping");
  await client.next("pong");
  expect(client.log.some(({ type }) => type === "error_message")).toBe(false);
});

test("[CANCEL-1] query_cancel ends with query_cancelled `requested` once the work stopped, and nothing after it", async () => {
  const engine = createMemoryEngine(manyTriples(100));
  await using server = await startServer({ engine });
  await using client = await openClient(server.ws);
  for (const sparql of [STUCK, ENDLESS]) {
    client.send("query_request", { sparql, stream: true, credit: 100_000 }, { message_id: sparql });
    while ((await client.next("query_progress", sparql)).payload.stage !== "executing");
    client.send("query_cancel", { query_id: sparql });
    expect((await client.next("query_cancelled", sparql)).payload.reason).toBe("requested");
    expect(engine.openCount).toBe(0);
    client.send("ping");
    await client.next("pong");
    const messages = await client.run(sparql);
    expect(messages.at(-1)?.type).toBe("query_cancelled");
  }
});

test("[CANCEL-2] cancelling what is not in progress is answered with query_not_found", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_cancel", { query_id: "nope" }, { message_id: "m" });
  const { payload, correlation_id } = await client.next("error_message");
  expect([payload.code, payload.query_id, correlation_id]).toEqual(["query_not_found", "nope", "m"]);
});

test("[CANCEL-3] another connection of the same user may cancel, another user may not", async () => {
  await using server = await startServer();
  await using ada = await openClient(`${server.ws}?user_id=ada`);
  await using ada2 = await openClient(`${server.ws}?user_id=ada`);
  await using bob = await openClient(`${server.ws}?user_id=bob`);
  ada.send("query_request", { sparql: STUCK }, { message_id: "q" });
  await ada.next("query_progress", "q");
  bob.send("query_cancel", { query_id: "q" });
  expect((await bob.next("error_message")).payload.code).toBe("query_not_found");
  ada2.send("query_cancel", { query_id: "q" });
  await ada.next("query_cancelled", "q");
  // [CANCEL-1] It is answered, though it does not watch.
  const { payload, correlation_id } = await ada2.next("query_cancelled", "q");
  expect([payload.reason, correlation_id]).toEqual(["requested", "q"]);
  ada2.send("query_cancel", { query_id: "q" });
  expect((await ada2.next("error_message")).payload.code).toBe("query_not_found");
});
