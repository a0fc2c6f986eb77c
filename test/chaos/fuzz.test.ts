import { once } from "node:events";
import { connect } from "node:net";
import { setInterval } from "node:timers/promises";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../../packages/server/src/limits.js";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { bearer, SECRET, tokenOf } from "../../packages/server/src/testing/tokens.js";
import { EFFORT } from "../support/effort.js";
import { printFigures } from "../support/figures.js";
import { brokenFrame, type Dialect, fuzzedMessage, goodFrame } from "../support/fuzz-bytes.js";
import { adminRequest, mutated } from "../support/fuzz-messages.js";
import { fuzzedRequest } from "../support/fuzz-requests.js";
import { createRandom, type Random } from "../support/random.js";
import { clientFrame, closeFrame, connectRaw } from "../support/raw-socket.js";
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
/** Of WebSockets those whose messages are compressed. */
const COMPRESSED_SHARE = 0.5;
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

/** To a server that wants tokens: enough to fill what it keeps, within its bounds. */
const SIGNED_IN_COUNT = 100_000;
const USERS_COUNT = 50;
const ADMIN_KEY = "k".repeat(32);

/** How somebody comes to a WebSocket. */
interface Visit {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isAdmin: boolean;
}

/** A server, and what is shown to it. */
interface Target {
  readonly server: ServerProcess;
  readonly visit: (random: Random) => Visit;
  /** What HTTP requests show in `Authorization`. */
  readonly credentials: readonly string[];
  /** Of who behaves. */
  readonly good: { readonly headers: Readonly<Record<string, string>> };
  readonly count: number;
}

const seed = process.env.CHAOS_SEED === undefined ? EFFORT.firstSeed : Number(process.env.CHAOS_SEED);

test("[FRAME-1] fuzzed frames, messages and requests crash nothing, leave nothing behind, and keep nobody waiting", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  const visit = (random: Random) => ({ path: pathOf(random), headers: {}, isAdmin: false });
  const credentials = ["Bearer x"];
  await fuzzBesideService({ server, visit, credentials, good: { headers: {} }, count: EFFORT.fuzzedCount });
});

test("[AUTH-4] [FRAME-1] nor do they where users, strangers and admins send them to a server that wants tokens", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({
    settings: [...SETTINGS, "--trusted-proxies", "127.0.0.1"],
    secrets: { SPARQL_LIVE_AUTH_JWT_SECRET: SECRET, SPARQL_LIVE_ADMIN_KEY: ADMIN_KEY },
  });
  const tokens = await Promise.all(
    Array.from({ length: USERS_COUNT }, (_, index) => tokenOf(`fuzz${index}`)),
  );
  const users = tokens.map((token) => `Bearer ${token}`);
  const admin = `Bearer ${ADMIN_KEY}`;
  await fuzzBesideService({
    server,
    visit: (random) => visitOf(random, users, admin),
    credentials: [...users, admin, "Bearer x", "Bearer a.b.c", "Basic eDp5", "bearer"],
    good: bearer(await tokenOf("good")),
    count: SIGNED_IN_COUNT,
  });
});

function visitOf(random: Random, users: readonly string[], admin: string): Visit {
  // Wrong ones of one address would soon be looked at no more.
  const from = { "X-Forwarded-For": `192.0.${random.below(256)}.${random.below(256)}` };
  const path = pathOf(random);
  switch (random.below(6)) {
    case 0:
      return { path: "/api/ws/admin", headers: { ...from, Authorization: admin }, isAdmin: true };
    case 1:
      return { path, headers: from, isAdmin: false };
    case 2:
      return { path: `${path}?ticket=x`, headers: from, isAdmin: false };
    case 3:
      return { path, headers: { ...from, Authorization: "Bearer a.b.c" }, isAdmin: random.chance(0.5) };
    default:
      return { path, headers: { ...from, Authorization: random.pick(users) ?? "" }, isAdmin: false };
  }
}

function pathOf(random: Random): string {
  return random.chance(0.5) ? "/api/ws/room/red" : `/api/ws/query`;
}

async function fuzzBesideService(target: Target): Promise<void> {
  const { server, good, count } = target;
  const stop = new AbortController();
  const startedAtMs = performance.now();
  const [bytesBefore, servedCount] = await Promise.all([
    fuzzInTwoParts(target).finally(() => stop.abort()),
    serveBeside(target, stop.signal),
  ]);
  const mostBytes = bytesBefore * MAX_GROWTH;
  let bytesAfter = await heldBytes(target, 0);
  // The queries of who behaves are kept too, for their time: the more the longer it takes.
  const look = async () => {
    bytesAfter = await heldBytes(target, 0);
    return bytesAfter;
  };
  const forgotten = { timeout: SERVER_LIMITS.runRetentionMs + END_DEADLINE_MS, interval: 5_000 };
  if (bytesAfter >= mostBytes) await expect.poll(look, forgotten).toBeLessThan(mostBytes);
  const metrics = await (await fetch(`${server.url}/api/ws/metrics`, good)).json();
  printFigures(`fuzz, seed ${seed}`, {
    sent: count,
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
}

/** The first part fills what is kept of rooms and runs, up to its bounds. */
async function fuzzInTwoParts(target: Target): Promise<number> {
  const warmUpCount = target.count * WARM_UP_SHARE;
  await fuzz(target, 0, warmUpCount);
  const bytesBefore = await heldBytes(target, 1);
  await fuzz(target, warmUpCount, target.count);
  return bytesBefore;
}

/** What the server logged as a fault of its own. */
function faultsOf({ logLines }: ServerProcess): string[] {
  return logLines.filter((line) => JSON.parse(line).level >= PINO_ERROR);
}

/** Sends what has the numbers from `first` to below `end`, on several connections at a time. */
async function fuzz(target: Target, first: number, end: number): Promise<void> {
  let next = first;
  const work = async () => {
    while (next < end && target.server.isRunning) {
      // A script follows from the seed and its first number.
      const random = createRandom(seed * 1_000_003 + next);
      const isHttp = random.chance(HTTP_SHARE);
      const count = Math.min(isHttp ? REQUESTS_PER_CONNECTION : MESSAGES_PER_CONNECTION, end - next);
      const from = next;
      next += count;
      const ended = await (isHttp ? askOnce(target, count, random) : speakOnce(target, count, random));
      if (!ended) throw new Error(`The connection of seed ${seed}, number ${from}, was not ended`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_COUNT }, work));
}

/** One connection of WebSocket: fuzzed messages, good ones between, and something broken at the end. */
async function speakOnce({ server, visit }: Target, count: number, random: Random): Promise<boolean> {
  const { path, headers, isAdmin } = visit(random);
  const dialect: Dialect = { isBinary: random.chance(0.5), isCompressed: random.chance(COMPRESSED_SHARE) };
  const user = `user_id=fuzz${random.below(1_000)}`;
  const socket = connectRaw(`${server.url}${path}${path.includes("?") ? "&" : "?"}${user}`, {
    ...headers,
    ...(dialect.isBinary ? { "Sec-WebSocket-Protocol": "sparql-live.v1.msgpack" } : {}),
    ...(dialect.isCompressed ? { "Sec-WebSocket-Extensions": "permessage-deflate" } : {}),
  });
  await once(socket, "data", { signal: AbortSignal.timeout(END_DEADLINE_MS) });
  socket.resume();
  for (let sent = 1; sent < count; sent++) {
    if (sent % BAD_IN_A_ROW === 0) socket.write(goodFrame(dialect));
    socket.write(isAdmin && !dialect.isBinary ? fuzzedAction(random) : fuzzedMessage(dialect, random));
  }
  socket.write(random.chance(0.3) ? closeFrame(1000) : brokenFrame(dialect, random));
  socket.end();
  return hasEnded(socket);
}

/** What an admin asks for, in text. */
function fuzzedAction(random: Random): Buffer {
  const request = adminRequest(random);
  return clientFrame("text", JSON.stringify(random.chance(0.5) ? request : mutated(request, random)));
}

/** One connection of HTTP: requests behind each other; the first that cannot be read ends it. */
async function askOnce({ server, credentials }: Target, count: number, random: Random): Promise<boolean> {
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => socket.destroy());
  socket.resume();
  socket.end(Buffer.concat(Array.from({ length: count }, () => fuzzedRequest(random, credentials))));
  return hasEnded(socket);
}

/** A reset ends it too: it comes where the server closes before it has read all that was sent. */
async function hasEnded(socket: ReturnType<typeof connect>): Promise<boolean> {
  if (socket.closed) return true;
  const deadline = AbortSignal.timeout(END_DEADLINE_MS);
  return new Promise((resolve) => {
    socket.once("close", () => resolve(true));
    deadline.addEventListener("abort", () => resolve(false), { once: true });
  });
}

/** A client that behaves, and how often it was answered. Rejects where it was not. */
async function serveBeside({ server, good }: Target, signal: AbortSignal): Promise<number> {
  await using client = await openClient(`${server.webSocketUrl}?user_id=good`, good);
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

/** When all connections but so many are gone and forgotten. */
async function heldBytes({ server, good }: Target, connectionsCount: number): Promise<number> {
  await expect
    .poll(async () => (await (await fetch(`${server.url}/api/ws/metrics`, good)).json()).active_connections, {
      timeout: END_DEADLINE_MS,
    })
    .toBe(connectionsCount);
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
