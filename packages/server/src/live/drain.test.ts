import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { openFileStorage } from "../file-storage.js";
import { SERVER_LIMITS } from "../limits.js";
import { createMemoryStorage } from "../memory-storage.js";
import { createGate } from "../testing/gate.js";
import { openMemoryLive } from "../testing/memory-live.js";
import { startServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openClient } from "../testing/test-client.js";
import { bearer, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { returnSpreadMs } from "./drain.js";

const QUERY = "SELECT ?s { ?s ?p ?o } LIMIT 1";
/** What one write takes. */
const SLOW_STORE_MS = 300;
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

test("[DRAIN-1] readiness ends at once, and for the grace everything else goes on", async () => {
  await using server = await startServer();
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  const draining = server.server.live.drain({ graceMs: 10_000 });
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { status: "not_ready", reasons: ["The server is shutting down."] },
  ]);
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: QUERY }, { message_id: "q" });
  expect((await client.run("q")).at(-1)).toMatchObject({ payload: { stage: "completed" } });
  expect(client.log.map(({ type }) => type)).not.toContain("server_draining");
  await server.server.live.close();
  await draining;
});

test("[DRAIN-2] everybody is told, and new queries and handshakes are refused with when to return", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: STUCK }, { message_id: "stuck" });
  await client.next("query_progress", "stuck");
  const draining = server.server.live.drain({ queriesMs: 17_000 });
  const { payload } = await client.next("server_draining");
  expect(payload).toEqual({ retry_after_ms: expect.any(Number), closes_in_ms: 17_000 });
  expect(payload.retry_after_ms).toBeGreaterThanOrEqual(SERVER_LIMITS.minReturnMs);

  client.send("query_request", { sparql: QUERY }, { message_id: "late" });
  expect((await client.next("error_message", "late")).payload).toMatchObject({
    code: "going_away",
    retry_after: SERVER_LIMITS.drainRetryAfterMs / 1_000,
  });
  for (const path of [
    `/sparql?query=${encodeURIComponent(QUERY)}`,
    "/text2sparql?dataset=local&question=cities",
  ]) {
    const answer = await fetch(`${server.url}${path}`);
    expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toMatchObject([
      503,
      "2",
      { code: "going_away" },
    ]);
  }
  const [, refused] = await once(new WebSocket(server.ws), "unexpected-response");
  refused.resume();
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "2"]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);

  client.send("ping");
  await client.next("pong");
  await server.server.live.close();
  await draining;
  expect(JSON.parse((await client.closed).reason)).toEqual({
    code: "going_away",
    retry_after_ms: payload.retry_after_ms,
  });
});

test("[DRAIN-2] who authenticates only while the server drains is told, too; who never does is closed with a time of its own", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  await using busy = await openClient(server.ws, bearer(await tokenOf("bob")));
  busy.send("query_request", { sparql: STUCK }, { message_id: "stuck" });
  await busy.next("query_progress", "stuck");
  await using late = await openClient(server.ws);
  await using strangers = await openAll(server.ws, 5);
  await late.next("connection_ack");
  const draining = server.server.live.drain({ queriesMs: 17_000 });
  await busy.next("server_draining");
  late.send("authenticate", { token: await tokenOf("ada") });
  await late.next("authenticated");
  const { payload } = await late.next("server_draining");
  expect(payload.closes_in_ms).toBeLessThanOrEqual(17_000);
  late.send("query_request", { sparql: QUERY }, { message_id: "late" });
  expect((await late.next("error_message", "late")).payload.code).toBe("going_away");
  await server.server.live.close();
  await draining;
  expect(JSON.parse((await late.closed).reason)).toEqual({
    code: "going_away",
    retry_after_ms: payload.retry_after_ms,
  });
  const closes = await Promise.all(strangers.clients.map((client) => client.closed));
  expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1012]));
  expect(new Set(closes.map(({ reason }) => reason)).size).toBeGreaterThan(1);
  for (const { log } of strangers.clients) expect(log.map(({ type }) => type)).toEqual(["connection_ack"]);
});

test("[DRAIN-3] a draft that still waits for its turn is cancelled like a query, and not begun after the end", async () => {
  await using server = await startServer();
  const { runs } = server.server.live;
  const path = `/sparql?query=${encodeURIComponent(STUCK)}`;
  const running = [1, 2, 3].map(() => fetch(server.url + path));
  await expect.poll(() => runs.activeCount).toBe(3);
  const waiting = fetch(`${server.url}/text2sparql?dataset=local&question=all%20cities`);
  await expect.poll(() => runs.activeCount).toBe(4);
  await server.server.live.drain({ queriesMs: 100 });
  const answer = await waiting;
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: "query_cancelled" }]);
  for (const { status } of await Promise.all(running)) expect(status).toBe(503);
});

test("[DRAIN-3] a query that runs may end by itself", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send(
    "query_request",
    { sparql: "SELECT ?s { ?s ?p ?o }", stream: true, credit: 0 },
    { message_id: "q" },
  );
  await client.next("query_progress", "q");
  const draining = server.server.live.drain({ queriesMs: 17_000 });
  await client.next("server_draining");
  client.send("query_credit", { query_id: "q", rows: 100 });
  expect((await client.run("q")).at(-1)).toMatchObject({ payload: { stage: "completed" } });
  expect((await client.closed).code).toBe(1012);
  await draining;
});

test("[DRAIN-3] a query that does not end in time is cancelled", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: STUCK }, { message_id: "q" });
  await client.next("query_progress", "q");
  await server.server.live.drain({ queriesMs: 50 });
  expect((await client.next("query_cancelled", "q")).payload.reason).toBe("shutdown");
  expect((await client.closed).code).toBe(1012);
});

test("[DRAIN-4] each connection is told another time to return, and closed with it", async () => {
  const { live, connect } = await openMemoryLive(null, { maxConnectionsPerAddress: 1_000 });
  const clients = Array.from({ length: 200 }, (_, index) => connect(`user-${index}`));
  await live.drain();
  const hints = clients.map((client) => {
    const told = client.messages().find(({ type }) => type === "server_draining")?.payload;
    const { code, reason } = client.peer.closed ?? { code: 0, reason: "{}" };
    expect(code).toBe(1012);
    const hint: unknown = JSON.parse(reason).retry_after_ms;
    expect(told).toEqual({ retry_after_ms: hint, closes_in_ms: expect.any(Number) });
    return hint;
  });
  expect(new Set(hints).size).toBeGreaterThan(50);
});

test("[DRAIN-4] ten thousand connections return over twenty seconds, a few over one", () => {
  expect([1, 500, 501, 10_000, 100_000].map(returnSpreadMs)).toEqual([1_000, 1_000, 1_002, 20_000, 20_000]);
});

test("[DRAIN-6] no wait is longer than its bound, whatever is asked for", async () => {
  const { live, connect } = await openMemoryLive(null);
  const client = connect("ada");
  const draining = live.drain({ graceMs: 0, queriesMs: Number.MAX_SAFE_INTEGER });
  await draining;
  const told = client.messages().find(({ type }) => type === "server_draining");
  expect(told?.payload).toMatchObject({ closes_in_ms: SERVER_LIMITS.drainWaitMs });
  await Promise.all([live.drained, live.close(), live.drain()]);
});

test("[DRAIN-6] a grace has a bound of its own, and what it takes queries have no more", {
  timeout: 60_000,
}, async () => {
  const { live, connect } = await openMemoryLive(null);
  const client = connect("ada");
  await live.drain({ graceMs: 1_000_000_000, queriesMs: 1_000_000_000 });
  const told = client.messages().find(({ type }) => type === "server_draining");
  const { drainWaitMs, maxDrainGraceMs } = SERVER_LIMITS;
  expect(told?.payload).toMatchObject({ closes_in_ms: drainWaitMs - maxDrainGraceMs });
});

test("[QUEUE-8] a delivery that is under way when the server closes ends before its storage is closed", {
  timeout: 60_000,
}, async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  const { queues } = storage.broker;
  const gate = createGate();
  const broker: typeof storage.broker = {
    ...storage.broker,
    queues: {
      ...queues,
      async list(userId) {
        await gate.pass();
        return queues.list(userId);
      },
    },
  };
  const logged: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void logged.push(line) });
  const { live, connect } = await openMemoryLive(null, { storage: { broker, store: storage.store }, log });
  await live.mailboxes.send("ada", "notification", { message: "waits" });
  connect("ada");
  await gate.reached;
  let isClosed = false;
  const closed = live.close().then(() => {
    isClosed = true;
  });
  await expect.poll(() => [...live.hub.all()], { timeout: 20_000 }).toEqual([]);
  expect(isClosed).toBe(false);
  gate.open();
  await closed;
  await storage.close();
  expect(logged).toEqual([]);

  const { broker: again, close } = await openFileStorage(folder.path("store.db"));
  expect((await again.queues.list("ada")).entries).toHaveLength(1);
  await close();
});

/** So many clients that say nothing, greeted. */
async function openAll(url: string, count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => openClient(url)));
  await Promise.all(clients.map((client) => client.next("connection_ack")));
  return {
    clients,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

test("[ANALYTICS-1] what was asked just before the end is counted, however slowly it is stored", async () => {
  const storage = createMemoryStorage();
  const { analytics } = storage.store;
  const counted: string[] = [];
  await using server = await startServer({
    storage: {
      ...storage,
      store: {
        ...storage.store,
        analytics: {
          ...analytics,
          async add(sample) {
            await setTimeout(SLOW_STORE_MS);
            await analytics.add(sample);
            counted.push(sample.outcome);
          },
        },
      },
    },
  });
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql: QUERY }, { message_id: "q" });
  await client.run("q");
  await server.server.close();
  expect(counted).toEqual(["completed"]);
});
