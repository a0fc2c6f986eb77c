import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { startServerProcess } from "../support/server-process.js";
import { describeWithPackage } from "./debian-package.js";

const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("fixtures/foreign_client.py", import.meta.url));
const installed = spawnSync(PYTHON, ["-c", "import websockets"]).status === 0;
const DEADLINE_MS = 50_000;
const RIVERS = `
@prefix e: <http://e/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:River rdfs:label "river" .
e:elbe a e:River ; rdfs:label "Elbe" .
e:oder a e:River ; rdfs:label "Oder" .
`;

interface Message {
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

interface Transcript {
  readonly ann: readonly Message[];
  readonly ben: readonly Message[];
  readonly still_open: readonly boolean[];
  readonly rest: Readonly<Record<string, { readonly status: number; readonly body: unknown }>>;
}

describeWithPackage("python3-websockets", installed, "a client that somebody else wrote", () => {
  let transcript: Transcript;

  beforeAll(async () => {
    const settings = [
      "--heartbeat-interval-ms",
      "500",
      "--heartbeat-timeout-ms",
      "2500",
      "--log-level",
      "warn",
    ];
    await using server = await startServerProcess({ settings, data: RIVERS });
    const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, server.url], { timeout: DEADLINE_MS });
    transcript = JSON.parse(stdout) as Transcript;
  });

  const payloads = (messages: readonly Message[], type: string) =>
    messages.filter((message) => message.type === type).map(({ payload }) => payload);

  test("[CONN-1] the greeting comes first, then the room of the address is entered", () => {
    expect(transcript.ann.slice(0, 2).map(({ type }) => type)).toEqual(["connection_ack", "join_room"]);
    expect(transcript.ann[0]?.payload).toMatchObject({ user_id: "ann", heartbeat_interval: 0.5 });
    expect(transcript.ann[1]?.payload).toMatchObject({ room_id: "lab", member_count: 1, metadata: {} });
  });

  test("who comes and who leaves is told to the others with its name and the new count", () => {
    const ben = { room_id: "lab", user_id: "ben", user_name: "Ben", connection_id: expect.any(String) };
    expect(payloads(transcript.ben, "join_room")).toMatchObject([{ room_id: "lab", member_count: 2 }]);
    expect(payloads(transcript.ann, "user_joined")).toEqual([{ ...ben, member_count: 2 }]);
    expect(payloads(transcript.ann, "user_left")).toEqual([{ ...ben, member_count: 1 }]);
  });

  test("messages without an id reach the others as they were sent, and not their sender", () => {
    const told = { room_id: "lab", timestamp: expect.any(Number) };
    expect(payloads(transcript.ben, "room_message")).toMatchObject([
      { ...told, user_id: "ann", user_name: "Ann", message: "Which rivers are there?" },
    ]);
    expect(payloads(transcript.ann, "room_message")).toMatchObject([
      { ...told, user_id: "ben", user_name: "Ben", message: { text: "Elbe and Oder", rows: 2 } },
    ]);
  });

  test("typing and cursors reach the others with their user", () => {
    expect(payloads(transcript.ben, "typing_indicator")[0]).toMatchObject({
      ...{ room_id: "lab", user_id: "ann", user_name: "Ann", is_typing: true },
    });
    expect(payloads(transcript.ann, "cursor_position")).toMatchObject([
      { room_id: "lab", user_id: "ben", user_name: "Ben", position: { line: 1, column: 4 } },
    ]);
  });

  test("[QUERY-1] a question with the old members alone is answered", () => {
    const stages = payloads(transcript.ben, "query_progress").map(({ stage }) => stage);
    expect([stages[0], stages.at(-1)]).toEqual(["parsing", "completed"]);
    expect(payloads(transcript.ben, "query_result")).toMatchObject([{ row_count: 2 }]);
  });

  test("[PING-1] a bare ping is answered, and who answers heartbeats stays", () => {
    expect(payloads(transcript.ann, "pong")).toEqual([{ timestamp: expect.any(Number) }]);
    expect(payloads(transcript.ann, "heartbeat").length).toBeGreaterThanOrEqual(4);
    expect(transcript.still_open).toEqual([true, true]);
  });

  test("nothing that it did was refused", () => {
    expect(payloads([...transcript.ann, ...transcript.ben], "error_message")).toEqual([]);
  });

  test("rooms are made, read and deleted by HTTP", () => {
    const hall = { room_id: "hall", name: "Hall", member_count: 0, max_members: 7, is_public: true };
    expect(transcript.rest).toMatchObject({
      made: { status: 200, body: hall },
      made_again: { status: 400 },
      one: { status: 200, body: { ...hall, owner_id: null, metadata: {} } },
      metrics: {
        status: 200,
        body: { active_connections: expect.any(Number), active_rooms: expect.any(Number) },
      },
      deleted: { status: 200, body: { success: true } },
      gone: { status: 404 },
    });
    const named = (room_id: string) => expect.objectContaining({ room_id });
    expect(transcript.rest.list).toMatchObject({
      status: 200,
      body: { rooms: expect.arrayContaining([named("lab"), named("hall")]) },
    });
  });
});
