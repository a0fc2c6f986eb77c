import { once } from "node:events";
import { connect } from "node:net";
import { setInterval } from "node:timers/promises";
import { expect, test } from "vitest";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { EFFORT } from "../support/effort.js";
import { printFigures } from "../support/figures.js";
import { brokenFrame, type Dialect, fuzzedMessage, goodFrame } from "../support/fuzz-bytes.js";
import { fuzzedRequest } from "../support/fuzz-requests.js";
import { createRandom, type Random } from "../support/random.js";
import { closeFrame, connectRaw } from "../support/raw-socket.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const PARALLEL_COUNT = 8;
const MESSAGES_PER_CONNECTION = 100;
const REQUESTS_PER_CONNECTION = 20;
/** Of the connections those that speak HTTP. */
const HTTP_SHARE = 0.3;
/** So many bad messages in a row are borne. */
const BAD_IN_A_ROW = 5;
const SERVED_INTERVAL_MS = 100;
const MIN_SERVED_COUNT = 20;
/** How long the server may hold a connection of which the peer has said its last. */
const END_DEADLINE_MS = 30_000;
const WARM_UP_SHARE = 0.4;
const MAX_GROWTH = 1.1;
const MIB = 1024 * 1024;
const PINO_ERROR = 50;
const SETTINGS = [
  ...["--rate-limit-per-minute", "0", "--max-connections-per-address", "10000", "--compression", "true"],
  // So that what is lost is soon forgotten, and what is held afterwards is held by mistake.
  ...["--presence-grace-ms", "200", "--resume-window-ms", "500"],
];

const seed = process.env.CHAOS_SEED === undefined ? EFFORT.firstSeed : Number(process.env.CHAOS_SEED);

test("[FRAME-1] fuzzed frames, messages and requests crash nothing, leave nothing behind, and keep nobody waiting", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  const stop = new AbortController();
  const startedAtMs = performance.now();
  const [{ bytesBefore, bytesAfter }, servedCount] = await Promise.all([
    fuzzInTwoParts(server).finally(() => stop.abort()),
    serveBeside(server, stop.signal),
  ]);
  const metrics = await (await fetch(`${server.url}/api/ws/metrics`)).json();
  printFigures(`fuzz, seed ${seed}`, {
    sent: EFFORT.fuzzedCount,
    seconds: Math.round((performance.now() - startedAtMs) / 1_000),
    "read as messages": metrics.total_messages_received,
    "held before, MiB": Math.round(bytesBefore / MIB),
    "held after, MiB": Math.round(bytesAfter / MIB),
    "answered beside it": servedCount,
  });
  expect(server.isRunning).toBe(true);
  expect(faultsOf(server)).toEqual([]);
  expect(server.errorText).not.toMatch(/error|exception|warning/i);
  expect(metrics.errors).toBe(0);
  expect(servedCount).toBeGreaterThanOrEqual(MIN_SERVED_COUNT);
  expect(bytesAfter).toBeLessThan(bytesBefore * MAX_GROWTH);
});

/** The first part fills what is kept of rooms and runs, up to its bounds. */
async function fuzzInTwoParts(server: ServerProcess) {
  const warmUpCount = EFFORT.fuzzedCount * WARM_UP_SHARE;
  await fuzz(server, 0, warmUpCount);
  const bytesBefore = await heldBytes(server);
  await fuzz(server, warmUpCount, EFFORT.fuzzedCount);
  return { bytesBefore, bytesAfter: await heldBytes(server) };
}

/** What the server logged as a fault of its own. */
function faultsOf({ logLines }: ServerProcess): string[] {
  return logLines.filter((line) => JSON.parse(line).level >= PINO_ERROR);
}

/** Sends what has the numbers from `first` to below `end`, on several connections at a time. */
async function fuzz(server: ServerProcess, first: number, end: number): Promise<void> {
  let next = first;
  const work = async () => {
    while (next < end && server.isRunning) {
      // A script follows from the seed and its first number.
      const random = createRandom(seed * 1_000_003 + next);
      const isHttp = random.chance(HTTP_SHARE);
      const count = Math.min(isHttp ? REQUESTS_PER_CONNECTION : MESSAGES_PER_CONNECTION, end - next);
      const from = next;
      next += count;
      const ended = await (isHttp ? askOnce(server, count, random) : speakOnce(server, count, random));
      if (!ended) throw new Error(`The connection of seed ${seed}, number ${from}, was not ended`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_COUNT }, work));
}

/** One connection of WebSocket: fuzzed messages, good ones between, and something broken at the end. */
async function speakOnce(server: ServerProcess, count: number, random: Random): Promise<boolean> {
  const dialect: Dialect = { isBinary: random.chance(0.5), isCompressed: random.chance(0.5) };
  const path = random.chance(0.5) ? "/api/ws/room/red" : "/api/ws/query";
  const socket = connectRaw(`${server.url}${path}?user_id=fuzz${random.below(1_000)}`, {
    ...(dialect.isBinary ? { "Sec-WebSocket-Protocol": "sparql-live.v1.msgpack" } : {}),
    ...(dialect.isCompressed ? { "Sec-WebSocket-Extensions": "permessage-deflate" } : {}),
  });
  await once(socket, "data", { signal: AbortSignal.timeout(END_DEADLINE_MS) });
  socket.resume();
  for (let sent = 1; sent < count; sent++) {
    if (sent % BAD_IN_A_ROW === 0) socket.write(goodFrame(dialect));
    socket.write(fuzzedMessage(dialect, random));
  }
  socket.write(random.chance(0.3) ? closeFrame(1000) : brokenFrame(dialect, random));
  socket.end();
  return hasEnded(socket);
}

/** One connection of HTTP: requests behind each other; the first that cannot be read ends it. */
async function askOnce(server: ServerProcess, count: number, random: Random): Promise<boolean> {
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => socket.destroy());
  socket.resume();
  socket.end(Buffer.concat(Array.from({ length: count }, () => fuzzedRequest(random))));
  return hasEnded(socket);
}

async function hasEnded(socket: ReturnType<typeof connect>): Promise<boolean> {
  if (socket.closed) return true;
  try {
    await once(socket, "close", { signal: AbortSignal.timeout(END_DEADLINE_MS) });
    return true;
  } catch {
    return false;
  }
}

/** A client that behaves, and how often it was answered. Rejects where it was not. */
async function serveBeside(server: ServerProcess, signal: AbortSignal): Promise<number> {
  await using client = await openClient(`${server.webSocketUrl}?user_id=good`);
  let count = 0;
  for await (const _ of setInterval(SERVED_INTERVAL_MS)) {
    if (signal.aborted) break;
    const id = `good-${count}`;
    client.send("query_request", { sparql: "SELECT * { ?s ?p ?o }" }, { message_id: id });
    expect((await client.next("query_result", id)).payload.row_count).toBe(1);
    client.send("ping");
    await client.next("pong");
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    count++;
  }
  return count;
}

/** When all connections but the one that behaves are gone and forgotten. */
async function heldBytes(server: ServerProcess): Promise<number> {
  await expect
    .poll(async () => (await (await fetch(`${server.url}/api/ws/metrics`)).json()).active_connections, {
      timeout: END_DEADLINE_MS,
    })
    .toBe(1);
  let bytes = Number.POSITIVE_INFINITY;
  const shrunkBytes = async () => {
    const before = bytes;
    server.collectGarbage();
    bytes = await server.residentBytes();
    return before - bytes;
  };
  await expect.poll(shrunkBytes, { timeout: END_DEADLINE_MS, interval: 1_000 }).toBeLessThan(MIB);
  return bytes;
}
