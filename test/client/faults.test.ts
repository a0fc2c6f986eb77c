import { setInterval } from "node:timers/promises";
import { CLIENT_LIMITS, SparqlLiveError } from "@sparql-live/client";
import { expect, test } from "vitest";
import { manyTriples, startServer } from "../../packages/server/src/testing/start-server.js";
import { createStreamEngine } from "../../packages/server/src/testing/stream-engine.js";
import { printFigures } from "../support/figures.js";
import { createHistoryChecker } from "../support/history-checker.js";
import { readHistory } from "../support/history-reader.js";
import { startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { openLibraryClient } from "./support.js";
import { watchClient } from "./watched-client.js";

const DEADLINE = { timeout: 60_000, interval: 10 };
const SETTINGS = ["--rate-limit-per-minute", "0", "--log-level", "warn"];
const ALL = { sparql: "SELECT ?s ?o { ?s ?p ?o }" };

test("[CLIENT-13] kill -9 in the middle of a conversation: the room goes on where it was, nothing lost or doubled", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  const checker = createHistoryChecker();
  const clients = ["ada", "bob", "cyd"].map((name) => watchClient(server.webSocketUrl, { name, checker }));
  try {
    await Promise.all(clients.map((client) => client.join("lab")));
    const sayAll = (count: number) => {
      for (let index = 0; index < count; index++) for (const client of clients) client.publish("lab");
    };
    sayAll(30);
    await expect.poll(() => clients[1]?.counts.deliveredCount ?? 0, DEADLINE).toBeGreaterThan(20);
    await server.kill();
    await expect.poll(() => clients.map(({ client }) => client.state.kind), DEADLINE).not.toContain("open");
    sayAll(10);
    await server.start();
    await expect.poll(() => clients.reduce((sum, { unanswered }) => sum + unanswered, 0), DEADLINE).toBe(0);
    await expect
      .poll(() => clients.map(({ counts }) => counts.deliveredCount), DEADLINE)
      .toEqual([120, 120, 120]);
    checker.history(await readHistory(server.webSocketUrl, "lab"));
    expect(checker.violations()).toEqual([]);
    expect(clients.map(({ counts }) => [counts.gapCount, counts.refusedCount])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

test("[CLIENT-4] a server that is ended in good order says so, and the conversation goes on after its next start", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  const checker = createHistoryChecker();
  using ada = watchClient(server.webSocketUrl, { name: "ada", checker });
  using bob = watchClient(server.webSocketUrl, { name: "bob", checker });
  await ada.join("lab");
  await bob.join("lab");
  const kinds: string[] = [];
  ada.client.on("state", ({ kind }) => kinds.push(kind));
  for (let index = 0; index < 20; index++) ada.publish("lab");
  expect(await server.terminate()).toBe(0);
  for (let index = 0; index < 20; index++) bob.publish("lab");
  await server.start();
  await expect
    .poll(() => [ada, bob].map(({ counts, unanswered }) => [counts.deliveredCount, unanswered]), DEADLINE)
    .toEqual([
      [40, 0],
      [40, 0],
    ]);
  expect(kinds.slice(0, 2)).toEqual(["draining", "reconnecting"]);
  checker.history(await readHistory(server.webSocketUrl, "lab"));
  expect(checker.violations()).toEqual([]);
});

test("[CLIENT-26] kill -9 in the middle of a stream: its rows came once and in order, then it is told as lost; what was not begun is asked again", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS, data: manyTriples(9_000) });
  using client = openLibraryClient(server.webSocketUrl, { userId: "ada" });
  const whole = await client.sendQuery(ALL);
  const expected = whole.results?.bindings.map(({ s }) => s?.value) ?? [];
  expect(expected).toHaveLength(9_000);
  const stream = client.query(ALL, { bufferRows: 500 });
  const seen: unknown[] = [];
  for (let index = 0; index < 100; index++) {
    const { value } = await stream.next();
    seen.push(value?.s?.value);
  }
  await server.kill();
  const waiting = client.sendQuery({ sparql: "ASK { ?s ?p ?o }" });
  await server.start();
  const error: unknown = await (async () => {
    for await (const { s } of stream) seen.push(s?.value);
  })().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SparqlLiveError);
  expect(error).toMatchObject({ code: "query_lost", retry: true });
  expect(seen.length).toBeGreaterThanOrEqual(100);
  expect(seen).toEqual(expected.slice(0, seen.length));
  expect((await waiting).results?.boolean).toBe(true);
});

test("[CLIENT-26] a stream whose connection is lost goes on behind the last chunk", async () => {
  const engine = createStreamEngine({ rowCount: 20_000 });
  await using server = await startServer({ engine });
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`);
  let expected = 0;
  for await (const { n } of client.query({ sparql: "SELECT * {}" }, { bufferRows: 300 })) {
    expect(n?.value).toBe(String(expected));
    if (++expected % 5_000 === 0) proxy.drop();
  }
  expect(expected).toBe(20_000);
  expect(proxy.connectionsCount).toBeGreaterThan(2);
  expect(engine.startedCount).toBe(1);
});

test("[CLIENT-8] a silent cut is noticed, and what was said meanwhile arrives", async () => {
  await using server = await startServer();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  const checker = createHistoryChecker();
  const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
  using ada = watchClient(url, { name: "ada", checker, heartbeatInterval: 200, heartbeatTimeout: 200 });
  using bob = watchClient(server.ws, { name: "bob", checker });
  await ada.join("lab");
  await bob.join("lab");
  const states: string[] = [];
  ada.client.on("state", (state) => {
    states.push(state.kind);
    if (state.kind === "reconnecting") expect(state.close.reason).toBe("heartbeat_timeout");
  });
  proxy.stall();
  bob.publish("lab");
  ada.publish("lab");
  await expect.poll(() => [ada.counts.deliveredCount, bob.counts.deliveredCount], DEADLINE).toEqual([2, 2]);
  expect(states).toEqual(["reconnecting", "connecting", "open"]);
  expect(checker.violations()).toEqual([]);
});

test("[CLIENT-22] 4,000 rows a second into a slow reader: what waits is bounded by the buffer and a chunk", {
  timeout: 60_000,
}, async () => {
  const engine = createStreamEngine({ rowCount: 1_000_000, batchRows: 100 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const stream = client.query({ sparql: "SELECT * {}" }, { bufferRows: 400 });
  let count = 0;
  let most = 0;
  const begunMs = performance.now();
  for await (const _ of setInterval(25)) {
    for (let taken = 0; taken < 100; taken++) {
      most = Math.max(most, stream.bufferedCount);
      const { value } = await stream.next();
      expect(value?.n?.value).toBe(String(count++));
    }
    if (count >= 8_000) break;
  }
  await stream.cancel();
  const perSecond = Math.round(count / ((performance.now() - begunMs) / 1_000));
  printFigures("slow reader", { rows: count, "rows per second": perSecond, "most buffered": most });
  expect(most).toBeLessThanOrEqual(400 + 100);
  expect(most).toBeGreaterThan(0);
});

test("[CLIENT-13] a server that comes back and keeps nothing: rooms are told as gone, and whatever waited is answered", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({
    settings: [...SETTINGS, "--store", "memory"],
    data: manyTriples(9_000),
  });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  using client = openLibraryClient(server.webSocketUrl, { userId: "ada" });
  const room = await client.joinRoom("lab");
  await room.send("before");
  const stream = client.query(ALL, { bufferRows: 500, room_id: "lab" });
  await stream.next();
  await server.kill();
  await expect.poll(() => client.state.kind, DEADLINE).toBe("reconnecting");
  const waiting = ["one", "two"].map((text) => room.send(text).catch((error: unknown) => error));
  await server.start();
  for (const refused of waiting) expect(await refused).toMatchObject({ code: "room_not_found" });
  expect(room.view.getSnapshot().status).toMatchObject({
    kind: "left",
    error: { code: "room_not_found" },
  });
  const read = async () => {
    for await (const _ of stream);
  };
  await expect(read()).rejects.toMatchObject({ code: "query_lost" });
  expect(client.deliveries.getSnapshot()).toEqual([]);
  // A room that is made anew is another one: it begins with what is said in it.
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  const again = await client.joinRoom("lab");
  await again.send("after");
  expect(again.messages.getSnapshot().map(({ message }) => message)).toEqual(["after"]);
});

test("[CLIENT-11] 10,000 messages in a row, as many as fit at a time: each once and in order", {
  timeout: 120_000,
}, async () => {
  const TOTAL = 10_000;
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const room = await ada.joinRoom("lab");
  const seen: unknown[] = [];
  (await bob.joinRoom("lab")).on("message", ({ message }) => seen.push(message));
  let fullCount = 0;
  const settled: Promise<unknown>[] = [];
  const hasSpace = () => ada.deliveries.getSnapshot().length < CLIENT_LIMITS.outboxMessagesCount;
  for (let next = 0; next < TOTAL; next++) {
    if (!hasSpace()) {
      fullCount++;
      await expect(room.send("too much")).rejects.toMatchObject({ code: "outbox_full" });
      await expect.poll(hasSpace, DEADLINE).toBe(true);
    }
    settled.push(room.send(next));
    if (next % 2_500 === 1_500) proxy.drop();
  }
  await Promise.all(settled);
  await expect.poll(() => seen.length, DEADLINE).toBe(TOTAL);
  expect(seen).toEqual(Array.from({ length: TOTAL }, (_, index) => index));
  expect(fullCount).toBeGreaterThan(0);
});
