import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../../testing/memory-engine.js";
import { openAs, openMember } from "../../testing/room-clients.js";
import { chunksOf, framesOf, numbersOf, untilRows, upTo } from "../../testing/run-clients.js";
import { manyTriples, startServer } from "../../testing/start-server.js";
import { createStreamEngine } from "../../testing/stream-engine.js";
import type { TestClient } from "../../testing/test-client.js";

const ALL = "SELECT ?n ?value { ?n ?p ?value }";
const ENDLESS = "SELECT ?s ?o { ?s ?p ?o } # urn:test:endless";
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

async function untilExecuting(client: TestClient): Promise<void> {
  while ((await client.next("query_progress", "q")).payload.stage !== "executing");
}

test("[WATCH-1] a room of four: one reads well, one is slow, one has little credit, one comes late – all get the same", async () => {
  const engine = createStreamEngine({ rowCount: 6_000, valueCharacters: 200 });
  await using server = await startServer({ engine });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: cy } = await openMember(server, "cy", "lab");
  bob.socket.pause();
  const request = { sparql: ALL, stream: true, credit: 30, limit: 6_000, room_id: "lab" };
  ada.send("query_request", request, { message_id: "q" });
  await untilRows(ada, "q", 30);
  await untilRows(cy, "q", 30);
  ada.send("query_credit", { query_id: "q", rows: 2_000 });
  await untilRows(ada, "q", 2_030);
  expect(numbersOf(cy.log, "q")).toHaveLength(30);

  const { client: dora, joined } = await openMember(server, "dora", "lab");
  expect(joined.runs).toMatchObject([{ query_id: "q", user_id: "ada", text: ALL, kind: "sparql" }]);
  ada.send("query_credit", { query_id: "q", rows: 10_000 });
  await ada.run("q");
  bob.socket.resume();
  for (const client of [bob, cy, dora]) client.send("query_credit", { query_id: "q", rows: 10_000 });
  for (const client of [bob, cy, dora]) await client.run("q");

  expect(numbersOf(ada.log, "q")).toEqual(upTo(6_000));
  for (const client of [bob, cy, dora]) expect(framesOf(client, "q")).toEqual(framesOf(ada, "q"));
  expect([engine.startedCount, engine.openCount]).toEqual([1, 0]);
});

test("[WATCH-1] the first message says who asked what, also to those who come later; all say the room", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const request = { sparql: ALL, stream: true, credit: 100, limit: 300, room_id: "lab" };
  ada.send("query_request", request, { message_id: "q" });
  await untilRows(bob, "q", 100);
  const { client: late } = await openMember(server, "late", "lab");
  for (const client of [ada, bob, late]) {
    client.send("query_credit", { query_id: "q", rows: 200 });
    const messages = await client.run("q");
    expect(messages[0]).toMatchObject({
      type: "query_progress",
      correlation_id: "q",
      payload: {
        room_id: "lab",
        stage: "parsing",
        details: { user_id: "ada", user_name: "ADA", sparql: ALL },
      },
    });
    expect(messages.every(({ payload }) => "room_id" in payload && payload.room_id === "lab")).toBe(true);
    expect(numbersOf(messages, "q")).toEqual(upTo(300));
  }
});

test("[WATCH-1] a failure and a cancellation say the room too", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("query_request", { sparql: "nonsense", room_id: "lab" }, { message_id: "bad" });
  expect((await bob.next("error_message", "bad")).payload).toMatchObject({
    code: "bad_query",
    room_id: "lab",
  });
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await untilExecuting(bob);
  ada.send("query_cancel", { query_id: "q" });
  expect((await bob.next("query_cancelled", "q")).payload).toMatchObject({
    room_id: "lab",
    reason: "requested",
  });
});

test("[WATCH-2] who is not in the room is answered not_in_room, a viewer role_forbidden", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: vera } = await openMember(server, "vera", "lab");
  ada.send("room_member_update", { room_id: "lab", user_id: "vera", action: "role", role: "viewer" });
  await vera.next("room_member_update");
  await using outside = await openAs(server, "eve");
  for (const [client, code] of [
    [vera, "role_forbidden"],
    [outside, "not_in_room"],
  ] as const) {
    client.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
    expect((await client.next("error_message", "q")).payload).toMatchObject({ code, room_id: "lab" });
  }
  expect(server.engine.openCount).toBe(0);
});

test("[WATCH-2] a query sent behind join_room without waiting runs in the room", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  await using bob = await openAs(server, "bob");
  bob.send("join_room", { room_id: "lab" });
  bob.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await untilExecuting(ada);
  await untilExecuting(bob);
});

test("[QUERY-5] in a room a query_id is unique for the room, beside those of its users", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await untilExecuting(ada);
  bob.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  expect((await bob.next("error_message", "q")).payload.code).toBe("duplicate_query");
  bob.send("query_request", { sparql: "SELECT ?s { ?s ?p ?o }" }, { message_id: "q" });
  const { payload } = await bob.next("query_result", "q");
  expect(payload.room_id).toBeUndefined();
});

test("[QUERY-5] query_cancel without a room means the user's own query where one of a room has the same id", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await untilExecuting(bob);
  bob.send("query_request", { sparql: STUCK, timeout: 100 }, { message_id: "q" });
  await untilExecuting(bob);
  bob.send("query_cancel", { query_id: "q" });
  expect((await bob.next("query_cancelled", "q")).payload).toEqual({ query_id: "q", reason: "requested" });
  bob.send("query_cancel", { query_id: "q", room_id: "lab" });
  expect((await bob.next("query_cancelled", "q")).payload.room_id).toBe("lab");
});

test("[WATCH-3] the pace is that of who grants most; who has little gets a chunk on any credit and owes the rest", async () => {
  const engine = createStreamEngine({ rowCount: 1_000 });
  await using server = await startServer({ engine });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: cy } = await openMember(server, "cy", "lab");
  const request = { sparql: ALL, stream: true, credit: 10, limit: 1_000, room_id: "lab" };
  ada.send("query_request", request, { message_id: "q" });
  await untilRows(cy, "q", 10);
  ada.send("query_credit", { query_id: "q", rows: 200 });
  await untilRows(ada, "q", 210);
  expect(chunksOf(ada.log, "q").map(({ rows }) => rows.length)).toEqual([10, 90, 100, 10]);
  const rowsAfter = async (rows: number) => {
    cy.send("query_credit", { query_id: "q", rows });
    // What the grant brought stands before the answer.
    cy.send("ping");
    await cy.next("pong");
    cy.send("endpoint_status");
    await cy.next("endpoint_status");
    return numbersOf(cy.log, "q").length;
  };
  // 90 rows on a credit of 1: 89 are owed.
  expect(await rowsAfter(1)).toBe(100);
  expect(await rowsAfter(89)).toBe(100);
  expect(await rowsAfter(1)).toBe(200);
  expect(await rowsAfter(98)).toBe(200);
  ada.send("query_credit", { query_id: "q", rows: 1_000 });
  await ada.run("q");
  await rowsAfter(2_000);
  await cy.run("q");
  expect(numbersOf(cy.log, "q")).toEqual(upTo(1_000));
});

test("[WATCH-4] members of other subprotocols watch the same run", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  await using bob = await openAs(server, "bob", { room: "lab", protocols: ["sparql-live.v1.msgpack"] });
  await bob.next("join_room");
  ada.send("query_request", { sparql: ALL, stream: true, limit: 300, room_id: "lab" }, { message_id: "q" });
  const seenByBob = await bob.run("q");
  const lasting = (messages: readonly ServerMessage[]) =>
    messages.filter(({ message_id: id }) => !id.includes("-passing-"));
  expect(lasting(seenByBob)).toEqual(lasting(await ada.run("q")));
});

test("[WATCH-4] without stream every member gets all rows in the result", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("query_request", { sparql: ALL, limit: 300, room_id: "lab" }, { message_id: "q" });
  for (const client of [ada, bob]) {
    const { payload } = await client.next("query_result", "q");
    expect(payload.results?.bindings.map(({ n }) => Number(n?.value))).toEqual(upTo(300));
  }
});

test("[QUERY-11] every member is told the place of a room's query that waits", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  for (const id of ["a", "b", "c"]) ada.send("query_request", { sparql: STUCK }, { message_id: id });
  await expect.poll(() => server.engine.openCount).toBe(1);
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await bob.next("query_progress", "q");
  expect((await bob.next("query_progress", "q")).payload).toMatchObject({
    room_id: "lab",
    details: { queue_position: 1 },
  });
});

test.each([
  ["who began it", "bob"],
  ["the owner", "ada"],
  ["another editor", "cy"],
])("[CANCEL-5] %s cancels a room's run for everybody", async (_, canceller) => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: cy } = await openMember(server, "cy", "lab");
  bob.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  const clients = new Map([
    ["ada", ada],
    ["bob", bob],
    ["cy", cy],
  ]);
  for (const client of clients.values()) await untilExecuting(client);
  clients.get(canceller)?.send("query_cancel", { query_id: "q" });
  for (const client of clients.values()) {
    expect((await client.next("query_cancelled", "q")).payload.reason).toBe("requested");
  }
  expect(server.engine.openCount).toBe(0);
});

test("[CANCEL-5] a viewer who cancels only stops watching, and may attach again", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: vera } = await openMember(server, "vera", "lab");
  ada.send("room_member_update", { room_id: "lab", user_id: "vera", action: "role", role: "viewer" });
  await vera.next("room_member_update");
  const request = { sparql: ALL, stream: true, credit: 100, limit: 300, room_id: "lab" };
  ada.send("query_request", request, { message_id: "q" });
  await untilRows(vera, "q", 100);
  vera.send("query_cancel", { query_id: "q" });
  expect((await vera.next("query_cancelled", "q")).payload).toEqual({
    query_id: "q",
    room_id: "lab",
    reason: "detached",
  });
  vera.send("query_cancel", { query_id: "q", room_id: "lab" });
  expect((await vera.next("error_message", "q")).payload.code).toBe("role_forbidden");
  ada.send("query_credit", { query_id: "q", rows: 100 });
  await untilRows(ada, "q", 200);
  vera.send("query_attach", { query_id: "q", room_id: "lab", since: 0, credit: 1_000 });
  await untilRows(vera, "q", 300);
  expect(numbersOf(vera.log, "q")).toEqual(upTo(300));
  ada.send("query_credit", { query_id: "q", rows: 100 });
  await ada.run("q");
});

test("[WATCH-8] who leaves the room stops watching; the last one's leaving cancels the run", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  for (const client of [ada, bob]) await untilExecuting(client);
  ada.send("leave_room", { room_id: "lab" });
  expect((await ada.next("query_cancelled", "q")).payload.reason).toBe("detached");
  expect(server.engine.openCount).toBe(1);
  ada.send("query_attach", { query_id: "q", room_id: "lab" });
  expect((await ada.next("error_message", "q")).payload.code).toBe("not_in_room");
  bob.send("leave_room", { room_id: "lab" });
  expect((await bob.next("query_cancelled", "q")).payload.reason).toBe("detached");
  await expect.poll(() => server.engine.openCount).toBe(0);
});

test("[WATCH-8] that holds for a run that is over too, and not sent to its end yet", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const request = { sparql: ALL, stream: true, credit: 100, limit: 300, room_id: "lab" };
  ada.send("query_request", request, { message_id: "q" });
  await untilRows(bob, "q", 100);
  ada.send("query_credit", { query_id: "q", rows: 200 });
  await ada.run("q");
  bob.send("leave_room", { room_id: "lab" });
  expect((await bob.next("query_cancelled", "q")).payload.reason).toBe("detached");
  bob.send("join_room", { room_id: "lab" });
  await bob.next("join_room");
  bob.send("query_attach", { query_id: "q", room_id: "lab", since: 0 });
  await untilRows(bob, "q", 200);
  bob.send("leave_room", { room_id: "lab" });
  expect((await bob.next("query_cancelled", "q")).payload.reason).toBe("detached");
});

test("[WATCH-6] the runs of a room that was deleted are not those of a room that is made anew under its id", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 10 }) });
  const { client: ada } = await openMember(server, "ada", "lab");
  ada.send("query_request", { sparql: ALL, room_id: "lab" }, { message_id: "q" });
  await ada.run("q");
  await server.server.live.rooms.delete("lab");
  const { client: eve } = await openMember(server, "eve", "lab");
  eve.send("query_attach", { query_id: "q", room_id: "lab" });
  expect((await eve.next("error_message", "q")).payload.code).toBe("query_not_found");
  eve.send("query_request", { sparql: ALL, room_id: "lab" }, { message_id: "q" });
  await eve.next("query_result", "q");
});

test("[WATCH-9] join_room tells the runs in progress, the newest first, and behind them those that are over", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  ada.send("query_request", { sparql: "ASK { ?s ?p ?o }", room_id: "lab" }, { message_id: "over" });
  await ada.run("over");
  ada.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "one" });
  ada.send("query_request", { sparql: ENDLESS, room_id: "lab" }, { message_id: "two" });
  await expect.poll(() => server.engine.openCount).toBe(2);
  const { joined } = await openMember(server, "bob", "lab");
  expect(joined.runs.map(({ query_id: id }) => id)).toEqual(["two", "one", "over"]);
  expect(joined.runs[2]).toMatchObject({ query_id: "over", outcome: "completed" });
  expect(joined.runs[1]).toEqual({
    query_id: "one",
    user_id: "ada",
    user_name: "ADA",
    text: STUCK,
    kind: "sparql",
    started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
});

test("[WATCH-10] what was run is remembered with how it ended, for its room or its user", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(5)) });
  const { client: ada } = await openMember(server, "ada", "lab");
  ada.send("query_request", { sparql: "SELECT ?s { ?s ?p ?o }", room_id: "lab" }, { message_id: "a" });
  await ada.run("a");
  ada.send("query_request", { natural_language: "Wozu?" }, { message_id: "b" });
  await ada.run("b");
  ada.send("query_request", { sparql: STUCK }, { message_id: "c" });
  await ada.next("query_progress", "c");
  ada.send("query_cancel", { query_id: "c" });
  await ada.run("c");
  const { history } = server.server.live.store;
  expect(await history.ofRoom("lab", 10)).toMatchObject([
    { queryId: "a", userId: "ada", userName: "ADA", kind: "sparql", outcome: "completed", rowCount: 5 },
  ]);
  const ofUser = (await history.ofUser("ada", 10)).filter(({ roomId }) => roomId === null);
  expect(ofUser).toMatchObject([
    { queryId: "c", outcome: "cancelled", rowCount: 0 },
    { queryId: "b", kind: "question", text: "Wozu?", outcome: "failed" },
  ]);
});
