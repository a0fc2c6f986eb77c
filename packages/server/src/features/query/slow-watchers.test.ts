import type { ServerMessage } from "@sparql-live/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type MemoryClient, openMemoryLive } from "../../testing/memory-live.js";
import { numbersOf, upTo } from "../../testing/run-clients.js";
import { createStreamEngine } from "../../testing/stream-engine.js";

const ALL = "SELECT ?n ?value { ?n ?p ?value }";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets what can happen happen, without any time going by. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await turn();
}

/** Time goes by for peers that live. */
async function pass(seconds: number, clients: readonly MemoryClient[]): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    vi.advanceTimersByTime(1_000);
    for (const { peer } of clients) peer.pong();
    await settle();
  }
}

function endOf(client: MemoryClient, id = "q"): unknown[] {
  const ofRun = client.messages().filter(({ payload }) => "query_id" in payload && payload.query_id === id);
  return ofRun.slice(-2).map(({ type, payload }: ServerMessage) => {
    if ("code" in payload) return [type, payload.code];
    return "stage" in payload ? [type, payload.stage] : [type];
  });
}

const GIVEN_UP = [
  ["error_message", "query_timeout"],
  ["query_progress", "failed"],
];

/** Two who watch a run: one was granted `granted` rows more, the other has used up its 100. */
async function openBoth(rowCount: number, granted: number) {
  const { connect } = await openMemoryLive(createStreamEngine({ rowCount }));
  const [fast, slow] = [connect("ada"), connect("ada")];
  fast.send("query_request", { sparql: ALL, stream: true, credit: 100, limit: rowCount }, "q");
  await settle();
  slow.send("query_attach", { query_id: "q" });
  await settle();
  fast.send("query_credit", { query_id: "q", rows: granted });
  await settle();
  return { fast, slow, both: [fast, slow] };
}

test("[STREAM-8] after the end who grants nothing for 30 s is let go, and may attach again", async () => {
  const { fast, slow, both } = await openBoth(300, 200);
  expect(endOf(fast)).toEqual([["query_result"], ["query_progress", "completed"]]);
  await pass(29, both);
  expect(numbersOf(slow.messages(), "q")).toHaveLength(100);
  slow.send("query_credit", { query_id: "q", rows: 1 });
  await settle();
  await pass(29, both);
  expect(numbersOf(slow.messages(), "q")).toHaveLength(200);
  await pass(1, both);
  expect(endOf(slow)).toEqual(GIVEN_UP);

  slow.send("query_credit", { query_id: "q", rows: 1_000 });
  await settle();
  expect(endOf(slow)).toEqual(GIVEN_UP);
  slow.send("query_attach", { query_id: "q", since: 1, credit: 1_000 });
  await settle();
  expect(numbersOf(slow.messages(), "q")).toEqual(upTo(300));
  expect(endOf(slow)).toEqual([["query_result"], ["query_progress", "completed"]]);
});

test("[STREAM-8] while the run goes on who grants nothing is not let go", async () => {
  const { slow, fast, both } = await openBoth(10_000, 100);
  for (let round = 0; round < 4; round++) {
    fast.send("query_credit", { query_id: "q", rows: 100 });
    await pass(20, both);
  }
  expect(endOf(slow)).not.toEqual(GIVEN_UP);
  slow.send("query_credit", { query_id: "q", rows: 100 });
  await settle();
  expect(numbersOf(slow.messages(), "q")).toEqual(upTo(200));
});

test("[STREAM-7] when nobody has credit for 30 s the run fails for everybody", async () => {
  const engine = createStreamEngine({ rowCount: 1_000 });
  const { connect } = await openMemoryLive(engine);
  const both = [connect("ada"), connect("ada")];
  both[0]?.send("query_request", { sparql: ALL, stream: true, credit: 100, limit: 1_000 }, "q");
  await settle();
  both[1]?.send("query_attach", { query_id: "q" });
  await pass(29, both);
  expect(engine.openCount).toBe(1);
  await pass(1, both);
  for (const client of both) expect(endOf(client)).toEqual(GIVEN_UP);
  expect(engine.openCount).toBe(0);
});

test("[STREAM-5] who watches many runs at once is sent one chunk after the other, and is not cut off", async () => {
  const engine = createStreamEngine({ rowCount: 500, valueCharacters: 600 });
  const { connect } = await openMemoryLive(engine);
  const users = Array.from({ length: 6 }, (_, index) => connect(`user-${index}`, { roomId: "lab" }));
  const slow = connect("slow", { roomId: "lab" });
  await settle();
  slow.peer.pause();
  const ids: string[] = [];
  for (const [index, user] of users.entries()) {
    for (let query = 0; query < 3; query++) {
      const id = `${index}-${query}`;
      const sparql = `${ALL} # ${id}`;
      user.send("query_request", { sparql, stream: true, limit: 500, room_id: "lab" }, id);
      ids.push(id);
    }
  }
  await settle();
  expect(engine.startedCount).toBe(18);
  slow.peer.resume();
  for (let round = 0; round < 20; round++) await settle();
  expect(slow.peer.closed).toBeNull();
  const messages = slow.messages();
  for (const id of ids) expect(numbersOf(messages, id)).toEqual(upTo(500));
});

test("[WATCH-11] what befalls a run while somebody is on the way back to it is told on the return", async () => {
  const engine = createStreamEngine({ rowCount: 1_000 });
  const live = await openMemoryLive(engine, { runBounds: { maxLogBytes: 20_000 } });
  const [ada, other] = [live.connect("ada"), live.connect("ada")];
  const request = { sparql: ALL, stream: true, credit: 200, limit: 1_000 };
  for (const id of ["q", "r"]) ada.send("query_request", request, id);
  await settle();
  const back = live.live.queries?.resume(ada.connection, new Map(Object.entries({ q: 0, r: 0 })));
  other.send("query_cancel", { query_id: "q" });
  other.send("query_attach", { query_id: "r", since: 1, credit: 1_000 });
  await settle();
  expect(endOf(other, "r").at(-1)).toEqual(["query_progress", "completed"]);
  expect(await back?.outcomes([])).toEqual({ q: { recovered: true }, r: { recovered: true } });
  expect(endOf(ada, "q")).not.toContainEqual(["query_cancelled"]);
  back?.start();
  await settle();
  expect(endOf(ada, "q")).toEqual([["query_progress", "executing"], ["query_cancelled"]]);
  expect(endOf(ada, "r")).toEqual([
    ["error_message", "query_expired"],
    ["query_progress", "failed"],
  ]);
});

test("[QUERY-16] without an engine what is about queries is answered with feature_unavailable", async () => {
  const { connect } = await openMemoryLive(null);
  const client = connect("ada");
  client.send("query_request", { sparql: ALL }, "q");
  client.send("query_attach", { query_id: "q" }, "a");
  client.send("query_cancel", { query_id: "q" }, "c");
  client.send("query_credit", { query_id: "q", rows: 1 }, "d");
  await settle();
  const answers = client
    .messages()
    .flatMap(({ type, payload, correlation_id: id }) =>
      type === "error_message" ? [[id, payload.code, payload.query_id]] : [],
    );
  expect(answers).toEqual([
    ["q", "feature_unavailable", "q"],
    ["a", "feature_unavailable", "q"],
    ["c", "feature_unavailable", "q"],
  ]);
});
