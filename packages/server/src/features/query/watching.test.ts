import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { createMemoryStorage } from "../../memory-storage.js";
import { runKey } from "../../realtime/runs.js";
import { createMemoryEngine } from "../../testing/memory-engine.js";
import { openAs } from "../../testing/room-clients.js";
import { chunksOf, framesOf, numbersOf, untilRows, upTo } from "../../testing/run-clients.js";
import { manyTriples, startServer } from "../../testing/start-server.js";
import { createStreamEngine } from "../../testing/stream-engine.js";

const ALL = "SELECT ?n ?value { ?n ?p ?value }";
const ENDLESS = "SELECT ?s ?o { ?s ?p ?o } # urn:test:endless";
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

function terminalsOf(log: readonly ServerMessage[], queryId: string): string[] {
  return log.flatMap((message) => {
    if (message.type === "query_cancelled" && message.payload.query_id === queryId) return ["cancelled"];
    if (message.type !== "query_progress" || message.payload.query_id !== queryId) return [];
    const { stage } = message.payload;
    return stage === "completed" || stage === "failed" ? [stage] : [];
  });
}

test("[WATCH-5] another device of the user attaches, gets the same messages from the start, and goes on", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 1_000 }) });
  await using phone = await openAs(server, "ada");
  await using desk = await openAs(server, "ada");
  phone.send("query_request", { sparql: ALL, stream: true, credit: 250, limit: 1_000 }, { message_id: "q" });
  await untilRows(phone, "q", 250);
  desk.send("query_attach", { query_id: "q", credit: 1_000 });
  await desk.run("q");
  phone.send("query_credit", { query_id: "q", rows: 750 });
  await phone.run("q");
  expect(numbersOf(desk.log, "q")).toEqual(upTo(1_000));
  expect(framesOf(desk, "q")).toEqual(framesOf(phone, "q"));
  expect([terminalsOf(phone.log, "q"), terminalsOf(desk.log, "q")]).toEqual([["completed"], ["completed"]]);
});

test("[WATCH-5] since names the last chunk that was seen: the current stage comes, then what follows it", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 1_000 }) });
  await using phone = await openAs(server, "ada");
  await using desk = await openAs(server, "ada");
  phone.send("query_request", { sparql: ALL, stream: true, credit: 250, limit: 1_000 }, { message_id: "q" });
  await untilRows(phone, "q", 250);
  desk.send("query_attach", { query_id: "q", since: 0, credit: 1_000 });
  const messages = await desk.run("q");
  expect(messages[0]).toMatchObject({ type: "query_progress", payload: { stage: "executing" } });
  expect(messages[1]).toMatchObject({ type: "query_rows", payload: { seq: 1 } });
  expect(numbersOf(messages, "q")).toEqual(upTo(1_000).slice(100));
  const progress = messages.flatMap(({ type, payload }) =>
    type === "query_progress" && "progress" in payload ? [payload.progress] : [],
  );
  expect(progress).toEqual(progress.toSorted((one, other) => one - other));
});

test("[WATCH-5] who attaches again begins anew, in the place of the watching before, with one terminal event", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  await using client = await openAs(server, "ada");
  client.send("query_request", { sparql: ALL, stream: true, credit: 100, limit: 300 }, { message_id: "q" });
  await untilRows(client, "q", 100);
  client.send("query_attach", { query_id: "q", credit: 300 });
  await client.run("q");
  client.send("ping");
  await client.next("pong");
  expect(numbersOf(client.log, "q")).toEqual([...upTo(100), ...upTo(300)]);
  expect(terminalsOf(client.log, "q")).toEqual(["completed"]);
});

test("[WATCH-5] one who streams and one who collects watch the same run", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 500 }) });
  await using phone = await openAs(server, "ada");
  await using desk = await openAs(server, "ada");
  phone.send("query_request", { sparql: ALL, stream: true, credit: 1, limit: 500 }, { message_id: "q" });
  await untilRows(phone, "q", 1);
  desk.send("query_attach", { query_id: "q", stream: false });
  const { payload } = await desk.next("query_result", "q");
  expect(payload.results?.bindings.map(({ n }) => Number(n?.value))).toEqual(upTo(500));
  phone.send("query_credit", { query_id: "q", rows: 1_000 });
  await phone.run("q");
  expect(numbersOf(phone.log, "q")).toEqual(upTo(500));
});

test("[WATCH-6] a run that is over is attached to up to its terminal event", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 250 }) });
  await using ada = await openAs(server, "ada");
  ada.send("query_request", { sparql: ALL, stream: true, limit: 250 }, { message_id: "q" });
  await ada.run("q");
  await using later = await openAs(server, "ada");
  later.send("query_attach", { query_id: "q" });
  await later.run("q");
  expect(framesOf(later, "q")).toEqual(framesOf(ada, "q"));

  await using bare = await openAs(server, "ada");
  bare.send("query_attach", { query_id: "q", since: 2 });
  const messages = await bare.run("q");
  expect(messages.map(({ type }) => type)).toEqual([
    "query_progress",
    "query_progress",
    "query_result",
    "query_progress",
  ]);
});

test.each([
  ["that was cancelled", { sparql: ENDLESS, stream: true, credit: 150 }, "query_cancelled"],
  ["that failed", { sparql: "SELECT * { GRAPH <urn:test:broken> { ?s ?p ?o } }" }, "error_message"],
  ["that was collected", { sparql: "SELECT ?s { ?s ?p ?o }" }, "query_result"],
])("[WATCH-6] a run %s is told to who attaches as it was told before", async (_, payload, told) => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(100)) });
  await using ada = await openAs(server, "ada");
  ada.send("query_request", payload, { message_id: "q" });
  if (told === "query_cancelled") {
    await untilRows(ada, "q", 150);
    ada.send("query_cancel", { query_id: "q" });
  }
  await ada.run("q");
  await using later = await openAs(server, "ada");
  later.send("query_attach", { query_id: "q" });
  const messages = await later.run("q");
  expect(messages.some(({ type }) => type === told)).toBe(true);
  expect(framesOf(later, "q")).toEqual(framesOf(ada, "q"));
});

test("[WATCH-6] what is not there, or belongs to another user, is query_not_found", async () => {
  await using server = await startServer();
  await using ada = await openAs(server, "ada");
  ada.send("query_request", { sparql: STUCK }, { message_id: "q" });
  await ada.next("query_progress", "q");
  await using bob = await openAs(server, "bob");
  for (const id of ["q", "nope"]) {
    bob.send("query_attach", { query_id: id }, { message_id: "m" });
    expect(await bob.next("error_message")).toMatchObject({
      correlation_id: "m",
      payload: { code: "query_not_found", query_id: id },
    });
  }
});

test("[WATCH-6] since a chunk that there is not yet is a bad_request", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  await using client = await openAs(server, "ada");
  client.send("query_request", { sparql: ALL, stream: true, credit: 100 }, { message_id: "q" });
  await untilRows(client, "q", 100);
  client.send("query_attach", { query_id: "q", since: 1 });
  expect((await client.next("error_message", "q")).payload.code).toBe("bad_request");
});

test("[WATCH-6] a run outlives its server: it is stored, and sent byte for byte", async () => {
  const storage = createMemoryStorage();
  let first: string[];
  {
    await using server = await startServer({ engine: createStreamEngine({ rowCount: 250 }), storage });
    await using ada = await openAs(server, "ada");
    ada.send("query_request", { sparql: ALL, stream: true, limit: 250 }, { message_id: "q" });
    await ada.run("q");
    first = framesOf(ada, "q");
  }
  await using server = await startServer({ storage });
  await using later = await openAs(server, "ada");
  later.send("query_attach", { query_id: "q" });
  await later.run("q");
  expect(framesOf(later, "q")).toEqual(first);

  await using collecting = await openAs(server, "ada", { protocols: ["sparql-live.v1.msgpack"] });
  collecting.send("query_attach", { query_id: "q", stream: false });
  const { payload } = await collecting.next("query_result", "q");
  expect(payload.results?.bindings).toHaveLength(250);
});

test("[WATCH-6] what was in progress when its server ended is query_lost", async () => {
  const storage = createMemoryStorage();
  await using dying = await startServer({ storage });
  await using ada = await openAs(dying, "ada");
  ada.send("query_request", { sparql: STUCK }, { message_id: "q" });
  await ada.next("query_progress", "q");
  // It knows nothing of the other but what that has stored.
  await using server = await startServer({ storage });
  await using later = await openAs(server, "ada");
  later.send("query_attach", { query_id: "q" });
  expect((await later.next("error_message", "q")).payload.code).toBe("query_lost");
});

test("[WATCH-6] what is over for longer than it is kept, or was too large to be stored, is query_expired", async () => {
  const storage = createMemoryStorage();
  await using server = await startServer({
    engine: createStreamEngine({ rowCount: 100 }),
    storage,
    settings: { runBounds: { retentionMs: 1 } },
  });
  await using ada = await openAs(server, "ada");
  ada.send("query_request", { sparql: ALL, stream: true }, { message_id: "q" });
  await ada.run("q");
  const key = runKey("user:ada", "q");
  await expect.poll(async () => (await storage.broker.runs.get(key))?.endedAtMs ?? null).not.toBeNull();
  await storage.broker.runs.delete(key);
  // As long as it is still there it is shown once more, without an error.
  await expect
    .poll(() => {
      ada.send("query_attach", { query_id: "q", since: 0 });
      return ada.log.some(({ type }) => type === "error_message");
    })
    .toBe(true);
  expect((await ada.next("error_message", "q")).payload.code).toBe("query_expired");

  await storage.broker.runs.put({ key, startedAtMs: Date.now(), endedAtMs: Date.now(), log: null });
  await using other = await startServer({ storage });
  await using later = await openAs(other, "ada");
  later.send("query_attach", { query_id: "q" });
  expect((await later.next("error_message", "q")).payload.code).toBe("query_expired");
});

test("[WATCH-7] of a long run the oldest rows are dropped: who needs them is told query_expired, who does not goes on", async () => {
  const engine = createMemoryEngine(manyTriples(100));
  await using server = await startServer({ engine, settings: { runBounds: { maxLogBytes: 100_000 } } });
  await using ada = await openAs(server, "ada");
  ada.send("query_request", { sparql: ENDLESS, stream: true, credit: 5_000 }, { message_id: "q" });
  await untilRows(ada, "q", 5_000);
  const last = chunksOf(ada.log, "q").at(-1)?.seq ?? 0;
  await using late = await openAs(server, "ada");
  for (const since of [undefined, 0]) {
    late.send("query_attach", { query_id: "q", since });
    expect((await late.next("error_message", "q")).payload.code).toBe("query_expired");
  }
  late.send("query_attach", { query_id: "q", since: last - 2, credit: 1_000 });
  await untilRows(late, "q", 300);
  expect(chunksOf(late.log, "q").map(({ seq }) => seq)).toEqual(
    expect.arrayContaining([last - 1, last, last + 1]),
  );
});

test("[WATCH-7] who falls behind what is kept ends with query_expired and `failed`, the others go on", async () => {
  const engine = createMemoryEngine(manyTriples(100));
  await using server = await startServer({ engine, settings: { runBounds: { maxLogBytes: 100_000 } } });
  await using ada = await openAs(server, "ada");
  await using slow = await openAs(server, "ada");
  ada.send("query_request", { sparql: ENDLESS, stream: true, credit: 100 }, { message_id: "q" });
  await untilRows(ada, "q", 100);
  slow.send("query_attach", { query_id: "q", credit: 100 });
  await untilRows(slow, "q", 100);
  ada.send("query_credit", { query_id: "q", rows: 5_000 });
  await untilRows(ada, "q", 5_000);
  slow.send("query_credit", { query_id: "q", rows: 100 });
  expect((await slow.next("error_message", "q")).payload.code).toBe("query_expired");
  expect((await slow.next("query_progress", "q")).payload.stage).toBe("failed");
  ada.send("query_credit", { query_id: "q", rows: 100 });
  await untilRows(ada, "q", 5_100);
});

test("[WATCH-7] while somebody collects the rows nothing of them is dropped", async () => {
  const settings = { runBounds: { maxLogBytes: 10_000 } };
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 2_000 }), settings });
  await using streaming = await openAs(server, "ada");
  await using collecting = await openAs(server, "ada");
  streaming.send(
    "query_request",
    { sparql: ALL, stream: true, credit: 50, limit: 2_000 },
    { message_id: "q" },
  );
  await untilRows(streaming, "q", 50);
  collecting.send("query_attach", { query_id: "q", stream: false });
  expect((await collecting.next("query_result", "q")).payload.results?.bindings).toHaveLength(2_000);
});

test("[WATCH-7] the logs of ended runs are bounded together: the oldest goes, and is read from the store", async () => {
  const storage = createMemoryStorage();
  const engine = createStreamEngine({ rowCount: 500 });
  await using server = await startServer({
    engine,
    storage,
    settings: { runBounds: { maxEndedLogsBytes: 150_000 } },
  });
  await using ada = await openAs(server, "ada");
  for (const id of ["a", "b", "c"]) {
    ada.send("query_request", { sparql: ALL, stream: true, limit: 500 }, { message_id: id });
    await ada.run(id);
    const key = runKey("user:ada", id);
    await expect.poll(async () => (await storage.broker.runs.get(key))?.log ?? null).not.toBeNull();
  }
  await storage.broker.runs.delete(runKey("user:ada", "a"));
  ada.send("query_attach", { query_id: "a" });
  expect((await ada.next("error_message", "a")).payload.code).toBe("query_expired");
  for (const id of ["b", "c"]) {
    await using later = await openAs(server, "ada");
    later.send("query_attach", { query_id: id });
    await later.run(id);
    expect(numbersOf(later.log, id)).toEqual(upTo(500));
  }
});

test("[QUERY-17] equal requests at the same time run once, and each has its own run", async () => {
  const engine = createStreamEngine({ rowCount: 400 });
  await using server = await startServer({ engine });
  await using ada = await openAs(server, "ada");
  await using bob = await openAs(server, "bob");
  const request = { sparql: ALL, stream: true, credit: 150, limit: 400 };
  ada.send("query_request", request, { message_id: "a" });
  await untilRows(ada, "a", 150);
  bob.send("query_request", { ...request, credit: 1_000 }, { message_id: "b" });
  await bob.run("b");
  expect([engine.startedCount, engine.openCount]).toEqual([1, 0]);
  expect(numbersOf(bob.log, "b")).toEqual(upTo(400));
  ada.send("query_credit", { query_id: "a", rows: 1_000 });
  await ada.run("a");
  expect(numbersOf(ada.log, "a")).toEqual(upTo(400));
  expect(chunksOf(bob.log, "b").every(({ query_id: id }) => id === "b")).toBe(true);
});

test("[QUERY-17] a run that is cancelled leaves the others what they share", async () => {
  await using server = await startServer();
  await using ada = await openAs(server, "ada");
  await using bob = await openAs(server, "bob");
  for (const client of [ada, bob]) {
    client.send("query_request", { sparql: STUCK }, { message_id: "q" });
    while ((await client.next("query_progress", "q")).payload.stage !== "executing");
  }
  expect(server.engine.openCount).toBe(1);
  ada.send("query_cancel", { query_id: "q" });
  await ada.next("query_cancelled", "q");
  expect(server.engine.openCount).toBe(1);
  bob.send("query_cancel", { query_id: "q" });
  await bob.next("query_cancelled", "q");
  expect(server.engine.openCount).toBe(0);
});

test.each([
  ["another limit", { limit: 99 }],
  ["another timeout", { timeout: 5 }],
  ["another projection", { projection: "answer" }],
  ["another text", { sparql: `${STUCK} ` }],
])("[QUERY-17] a request with %s is not equal", async (_, other) => {
  await using server = await startServer();
  await using client = await openAs(server, "ada");
  client.send("query_request", { sparql: STUCK }, { message_id: "a" });
  client.send("query_request", { sparql: STUCK, ...other }, { message_id: "b" });
  await expect.poll(() => server.engine.openCount).toBe(2);
});

test("[CANCEL-4] the close of its only watcher cancels a run at once", async () => {
  await using server = await startServer();
  await using client = await openAs(server, "ada");
  client.send("query_request", { sparql: STUCK }, { message_id: "q" });
  while ((await client.next("query_progress", "q")).payload.stage !== "executing");
  client.socket.close(1000);
  await expect.poll(() => server.engine.openCount).toBe(0);
});

test("[CANCEL-4] a run whose only watcher is lost goes on for the grace, then it is cancelled", async () => {
  await using server = await startServer({ settings: { runBounds: { watcherGraceMs: 700 } } });
  await using client = await openAs(server, "ada");
  await using other = await openAs(server, "ada");
  client.send("query_request", { sparql: STUCK }, { message_id: "q" });
  while ((await client.next("query_progress", "q")).payload.stage !== "executing");
  const lostAt = performance.now();
  client.socket.terminate();
  await expect.poll(() => server.logged.some((line) => line.includes("connection closed"))).toBe(true);
  expect(server.engine.openCount).toBe(1);
  await expect.poll(() => server.engine.openCount, { timeout: 10_000 }).toBe(0);
  expect(performance.now() - lostAt).toBeGreaterThanOrEqual(699);
  other.send("query_attach", { query_id: "q" });
  expect((await other.next("query_cancelled", "q")).payload.reason).toBe("disconnected");
});

test("[CANCEL-4] a second watcher keeps a run going when the first is gone", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  await using phone = await openAs(server, "ada");
  await using desk = await openAs(server, "ada");
  phone.send("query_request", { sparql: ALL, stream: true, credit: 100, limit: 300 }, { message_id: "q" });
  await untilRows(phone, "q", 100);
  desk.send("query_attach", { query_id: "q", credit: 100 });
  await untilRows(desk, "q", 100);
  phone.socket.close(1000);
  await phone.closed;
  desk.send("query_credit", { query_id: "q", rows: 200 });
  await desk.run("q");
  expect(numbersOf(desk.log, "q")).toEqual(upTo(300));
});
