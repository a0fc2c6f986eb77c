import { createHash } from "node:crypto";
import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { openAs, openMember } from "../../testing/room-clients.js";
import { chunksOf, framesOf, numbersOf, untilRows, upTo } from "../../testing/run-clients.js";
import { startServer, type TestServer } from "../../testing/start-server.js";
import { createStreamEngine } from "../../testing/stream-engine.js";
import type { TestClient } from "../../testing/test-client.js";

const ALL = "SELECT ?n ?value { ?n ?p ?value }";
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

async function openWithToken(server: TestServer, user: string) {
  const client = await openAs(server, user);
  const { payload } = await client.next("connection_ack");
  return { client, token: payload.session.resume_token };
}

async function resume(server: TestServer, token: string, runs: Record<string, number>) {
  const client = await openAs(server, "ada");
  client.send("resume", { resume_token: token, positions: { runs } }, { message_id: "resume" });
  const { payload } = await client.next("resumed");
  return { client, outcomes: payload.runs };
}

/** What a client has that keeps each chunk once, by its number. */
function rowsOnce(logs: readonly (readonly ServerMessage[])[]): number[] {
  const bySeq = new Map(logs.flatMap((log) => chunksOf(log, "q")).map((chunk) => [chunk.seq, chunk]));
  return [...bySeq.values()].flatMap(({ rows }) => rows.map(({ n }) => Number(n?.value)));
}

function lastSeq(client: TestClient): number {
  return chunksOf(client.log, "q").at(-1)?.seq ?? -1;
}

test("[WATCH-11] lost in the middle of the rows and resumed behind the last chunk: nothing lost, nothing doubled", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 1_000 }) });
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("query_request", { sparql: ALL, stream: true, credit: 300, limit: 1_000 }, { message_id: "q" });
  await untilRows(before, "q", 300);
  before.socket.terminate();
  const { client, outcomes } = await resume(server, token, { q: lastSeq(before) });
  expect(outcomes).toEqual({ q: { recovered: true } });
  // With the credit of the request, anew.
  await untilRows(client, "q", 300);
  client.send("query_credit", { query_id: "q", rows: 1_000 });
  await client.run("q");
  expect([...numbersOf(before.log, "q"), ...numbersOf(client.log, "q")]).toEqual(upTo(1_000));
  expect(client.log.findIndex(({ type }) => type === "resumed")).toBeLessThan(
    client.log.findIndex(({ type }) => type === "query_rows"),
  );
});

test("[WATCH-11] cut off at any moment, again and again, a client ends with every row once", async () => {
  const rowCount = 20_000;
  const engine = createStreamEngine({ rowCount, valueCharacters: 100 });
  await using server = await startServer({ engine, settings: { rateLimitPerMinute: 0, maxRows: rowCount } });
  let { client, token } = await openWithToken(server, "ada");
  const request = { sparql: ALL, stream: true, credit: rowCount, limit: rowCount };
  client.send("query_request", request, { message_id: "q" });
  const logs: (readonly ServerMessage[])[] = [];
  for (let cut = 1; cut <= 5; cut++) {
    await untilRows(client, "q", 1);
    client.socket.terminate();
    await client.closed;
    logs.push([...client.log]);
    const resumed = await openAs(server, "ada");
    const positions = {
      runs: { q: Math.max(...logs.flatMap((log) => chunksOf(log, "q")).map(({ seq }) => seq)) },
    };
    resumed.send("resume", { resume_token: token, positions });
    const { payload } = await resumed.next("resumed");
    expect(payload.runs).toEqual({ q: { recovered: true } });
    token = payload.resume_token;
    client = resumed;
  }
  await client.run("q");
  logs.push(client.log);
  const digest = (rows: readonly number[]) => createHash("sha256").update(rows.join()).digest("hex");
  expect(digest(rowsOnce(logs))).toBe(digest(upTo(rowCount)));
  expect(engine.startedCount).toBe(1);
});

test("[WATCH-11] a run that ended meanwhile is sent up to its terminal event", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 500 }) });
  const { client: before, token } = await openWithToken(server, "ada");
  await using desk = await openAs(server, "ada");
  before.send("query_request", { sparql: ALL, stream: true, credit: 200, limit: 500 }, { message_id: "q" });
  await untilRows(before, "q", 200);
  before.socket.terminate();
  desk.send("query_attach", { query_id: "q", credit: 500 });
  await desk.run("q");
  const { client } = await resume(server, token, { q: lastSeq(before) });
  client.send("query_credit", { query_id: "q", rows: 500 });
  await client.run("q");
  expect([...numbersOf(before.log, "q"), ...numbersOf(client.log, "q")]).toEqual(upTo(500));
});

test("[WATCH-11] a run of which the client has no chunk yet is named with -1", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 200 }) });
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("query_request", { sparql: ALL, stream: true, credit: 0, limit: 200 }, { message_id: "q" });
  while ((await before.next("query_progress", "q")).payload.stage !== "executing");
  before.socket.terminate();
  const { client } = await resume(server, token, { q: -1 });
  client.send("query_credit", { query_id: "q", rows: 500 });
  const messages = await client.run("q");
  expect(messages[0]).toMatchObject({ type: "query_progress", payload: { stage: "executing" } });
  expect(numbersOf(messages, "q")).toEqual(upTo(200));
});

test("[WATCH-11] a run that the connection watched and does not name is sent again from its start", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 300 }) });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: before, token } = await openMember(server, "ada", "lab");
  const request = { sparql: ALL, stream: true, credit: 100, limit: 300, room_id: "lab" };
  bob.send("query_request", request, { message_id: "q" });
  await untilRows(before, "q", 100);
  before.socket.terminate();
  bob.send("query_credit", { query_id: "q", rows: 300 });
  await bob.run("q");
  const { client, outcomes } = await resume(server, token, {});
  expect(outcomes).toEqual({ q: { recovered: true } });
  client.send("query_credit", { query_id: "q", rows: 300 });
  await client.run("q");
  expect(framesOf(client, "q")).toEqual(framesOf(bob, "q"));
});

test("[WATCH-11] a member who was lost when a room's run began watches it on the return", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: before, token, position } = await openMember(server, "ada", "lab");
  before.socket.terminate();
  await expect.poll(() => server.logged.some((line) => line.includes("connection closed"))).toBe(true);
  bob.send("query_request", { sparql: STUCK, room_id: "lab" }, { message_id: "q" });
  await bob.next("query_progress", "q");
  await using client = await openAs(server, "ada");
  client.send("resume", { resume_token: token, positions: { rooms: { lab: position } } });
  expect((await client.next("query_progress", "q")).payload).toMatchObject({
    room_id: "lab",
    details: { user_id: "bob" },
  });
});

test("[WATCH-8] who came back to a run that is over, and leaves the room, stops watching", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 1_000 }) });
  const { client: bob } = await openMember(server, "bob", "lab");
  const request = { sparql: ALL, stream: true, credit: 500, limit: 1_000, room_id: "lab" };
  bob.send("query_request", request, { message_id: "q" });
  await untilRows(bob, "q", 500);
  bob.send("query_credit", { query_id: "q", room_id: "lab", rows: 500 });
  await bob.run("q");
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("join_room", { room_id: "lab" });
  const { payload: room } = await before.next("join_room");
  before.socket.terminate();
  await before.closed;
  const client = await openAs(server, "ada");
  const positions = { rooms: { lab: { epoch: room.epoch, seq: room.seq } }, runs: { q: -1 } };
  client.send("resume", { resume_token: token, positions });
  expect((await client.next("resumed")).payload.runs).toEqual({ q: { recovered: true } });
  await untilRows(client, "q", 500);
  client.send("leave_room", { room_id: "lab" });
  expect((await client.next("query_cancelled", "q")).payload.reason).toBe("detached");
});

test("[CANCEL-5] a viewer who stopped watching does not watch again by coming back", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 1_000 }) });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("join_room", { room_id: "lab" });
  const { payload: room } = await before.next("join_room");
  bob.send("room_member_update", { room_id: "lab", user_id: "ada", action: "role", role: "viewer" });
  await before.next("room_member_update");
  const request = { sparql: ALL, stream: true, credit: 500, limit: 1_000, room_id: "lab" };
  bob.send("query_request", request, { message_id: "q" });
  await untilRows(before, "q", 500);
  before.send("query_cancel", { query_id: "q", room_id: "lab" });
  await before.next("query_cancelled", "q");
  before.socket.terminate();
  await before.closed;
  const client = await openAs(server, "ada");
  const rooms = { lab: { epoch: room.epoch, seq: room.seq } };
  client.send("resume", { resume_token: token, positions: { rooms } });
  expect((await client.next("resumed")).payload.rooms.lab).toEqual({ recovered: true });
  bob.send("room_message", { room_id: "lab", message: "are you back?" });
  await client.next("room_message");
  expect(chunksOf(client.log, "q")).toEqual([]);
  client.send("leave_room", { room_id: "lab" });
  client.send("join_room", { room_id: "lab" });
  await untilRows(client, "q", 500);
});

test("[WATCH-8] who was put out of the room while the connection was lost does not come back to its runs", async () => {
  for (const ending of ["ban", "deletion"]) {
    await using server = await startServer({ engine: createStreamEngine({ rowCount: 100_000 }) });
    await server.server.live.rooms.create({ id: "lab", ownerId: "bob" });
    await using bob = await openAs(server, "bob", { room: "lab" });
    const { client: before, token } = await openWithToken(server, "ada");
    before.send("join_room", { room_id: "lab" });
    const { payload: room } = await before.next("join_room");
    bob.send(
      "query_request",
      { sparql: ALL, stream: true, credit: 500, room_id: "lab" },
      { message_id: "q" },
    );
    await untilRows(before, "q", 500);
    before.socket.terminate();
    await before.closed;
    if (ending === "ban") {
      bob.send("room_member_update", { room_id: "lab", user_id: "ada", action: "ban" });
      await bob.next("room_member_update");
    } else await server.server.live.rooms.delete("lab");
    const client = await openAs(server, "ada");
    const rooms = { lab: { epoch: room.epoch, seq: room.seq } };
    const positions = { rooms, runs: { q: lastSeq(before) } };
    client.send("resume", { resume_token: token, positions }, { message_id: "resume" });
    const { payload } = await client.next("resumed");
    expect(payload.rooms.lab).toMatchObject({ recovered: false });
    expect(payload.runs).toEqual({ q: { recovered: false, code: "query_not_found" } });
  }
});

test("[WATCH-11] runs that are not there, or not for the user, are not recovered, each with its code", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 100 }) });
  await using bob = await openAs(server, "bob");
  bob.send("query_request", { sparql: ALL }, { message_id: "bobs" });
  await bob.run("bobs");
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("query_request", { sparql: ALL, stream: true }, { message_id: "mine" });
  await before.run("mine");
  before.socket.terminate();
  const { outcomes } = await resume(server, token, { mine: 0, bobs: 0, __proto__x: 7 });
  expect(outcomes).toEqual({
    mine: { recovered: true },
    bobs: { recovered: false, code: "query_not_found" },
    __proto__x: { recovered: false, code: "query_not_found" },
  });
});

test("[WATCH-11] of more than 50 runs that are looked for the rest is not recovered", async () => {
  await using server = await startServer();
  const { client: before, token } = await openWithToken(server, "ada");
  before.socket.terminate();
  const named = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`q${index}`, 0]));
  const { outcomes } = await resume(server, token, named);
  const codes = Object.values(outcomes).map(({ code }) => code);
  expect(codes.filter((code) => code === "query_not_found")).toHaveLength(50);
  expect(codes.at(-1)).toBe("too_many_queries");
});

test("[WATCH-11] a socket that takes over one that still lives goes on without a row twice", async () => {
  await using server = await startServer({ engine: createStreamEngine({ rowCount: 500 }) });
  const { client: before, token } = await openWithToken(server, "ada");
  before.send("query_request", { sparql: ALL, stream: true, credit: 200, limit: 500 }, { message_id: "q" });
  await untilRows(before, "q", 200);
  const { client } = await resume(server, token, { q: lastSeq(before) });
  client.send("query_credit", { query_id: "q", rows: 500 });
  await client.run("q");
  expect([...numbersOf(before.log, "q"), ...numbersOf(client.log, "q")]).toEqual(upTo(500));
  expect((await before.closed).code).toBe(4409);
});
