import { once } from "node:events";
import type { Socket } from "node:net";
import { setInterval } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { printFigures, quantile } from "../support/figures.js";
import { clientFrame, openRawSocket } from "../support/raw-socket.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const SLOW_COUNT = 200;
const READERS_COUNT = 10;
const MESSAGE_BYTES = 16 * 1024;
const TICK_MS = 25;
const MEASURED_COUNT = 100 * READERS_COUNT;
const MIB = 1024 * 1024;
/** What waits for each, its write under way, and what the process needs for the rest. */
const MAX_GROWTH_BYTES = SLOW_COUNT * (MIB + 64 * 1024) + 64 * MIB;
const MAX_CLOSING_MS = 30_000;
/** Of the others' p99: at most doubled, and what another process may take of the machine meanwhile. */
const latencyBoundMs = (beforeMs: number) => 2 * beforeMs + 2_000;
const WATCH_MS = 250;
const DEADLINE = { timeout: 20_000, interval: 20 };
const SETTINGS = ["--rate-limit-per-minute", "0", "--max-connections-per-address", "10000"];

/** A member that reads: when each message came after it was sent, and whether one was missed. */
interface Reader {
  readonly socket: WebSocket;
  latenciesMs: number[];
  missedCount: number;
}

test("[LIMIT-3] 200 members of a busy room that stop reading cost bounded memory, are closed, and disturb nobody", {
  timeout: 90_000,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  const stop = new AbortController();
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=busy&max_members=500`, { method: "POST" });
  expect(made.status).toBe(200);
  const slow = await Promise.all(Array.from({ length: SLOW_COUNT }, (_, index) => join(server, index)));
  const readers = await Promise.all(Array.from({ length: READERS_COUNT }, (_, index) => read(server, index)));
  const publisher = await open(server, "publisher");
  const load = publish(publisher, stop.signal);
  try {
    await expect.poll(() => countOf(readers), DEADLINE).toBeGreaterThan(MEASURED_COUNT);
    const before = quantile(takeLatencies(readers), 0.99);
    const bytesBefore = await server.residentBytes();
    for (const socket of slow) socket.pause();
    const { givenUpCount, closingMs, mostBytes } = await untilGivenUp(server, slow);
    const during = quantile(takeLatencies(readers), 0.99);
    printFigures("200 slow readers", {
      "given up": givenUpCount,
      "after ms": Math.round(closingMs),
      "memory grew by MiB": Math.round((mostBytes - bytesBefore) / MIB),
      "p99 of the others before, ms": Math.round(before),
      "and meanwhile": Math.round(during),
    });
    expect(givenUpCount).toBe(SLOW_COUNT);
    expect(mostBytes - bytesBefore).toBeLessThan(MAX_GROWTH_BYTES);
    expect(during).toBeLessThan(latencyBoundMs(before));
    expect(readers.map(({ missedCount }) => missedCount)).toEqual(readers.map(() => 0));
    // Now that they read again they see the end.
    await Promise.all(slow.map(endOf));
  } finally {
    stop.abort();
    await load;
    for (const socket of slow) socket.destroy();
    for (const { socket } of readers) socket.terminate();
    publisher.terminate();
  }
});

async function join(server: ServerProcess, index: number): Promise<Socket> {
  const socket = await openRawSocket(`${server.webSocketUrl}?user_id=slow-${index}`);
  socket.write(clientFrame("text", JSON.stringify({ type: "join_room", payload: { room_id: "busy" } })));
  // Read and thrown away until it is paused.
  socket.resume();
  return socket;
}

async function open(server: ServerProcess, name: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.webSocketUrl}?user_id=${name}`);
  const joined = new Promise((resolve) => {
    socket.on("message", (data) => {
      if (JSON.parse(String(data)).type === "join_room") resolve(undefined);
    });
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "join_room", payload: { room_id: "busy" } }));
  await joined;
  return socket;
}

async function read(server: ServerProcess, index: number): Promise<Reader> {
  const reader: Reader = { socket: await open(server, `reader-${index}`), latenciesMs: [], missedCount: 0 };
  let lastSeq: number | null = null;
  reader.socket.on("message", (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type !== "room_message") return;
    reader.latenciesMs.push(performance.now() - payload.message.sentAtMs);
    reader.missedCount += payload.seq - 1 - (lastSeq ?? payload.seq - 1);
    lastSeq = payload.seq;
  });
  return reader;
}

async function publish(publisher: WebSocket, signal: AbortSignal): Promise<void> {
  const pad = "x".repeat(MESSAGE_BYTES);
  for await (const _ of setInterval(TICK_MS)) {
    if (signal.aborted) return;
    const message = { sentAtMs: performance.now(), pad };
    publisher.send(JSON.stringify({ type: "room_message", payload: { room_id: "busy", message } }));
  }
}

function countOf(readers: readonly Reader[]): number {
  return readers.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
}

function takeLatencies(readers: readonly Reader[]): number[] {
  return readers.flatMap((reader) => reader.latenciesMs.splice(0));
}

/** Half of them go on to send pongs: that they live does not make them readers. */
async function untilGivenUp(server: ServerProcess, slow: readonly Socket[]) {
  const beganAtMs = performance.now();
  let mostBytes = 0;
  for await (const _ of setInterval(WATCH_MS)) {
    mostBytes = Math.max(mostBytes, await server.residentBytes());
    const givenUpCount = server.logLines.filter((line) => line.includes('"slow_consumer"')).length;
    const closingMs = performance.now() - beganAtMs;
    if (givenUpCount === SLOW_COUNT || closingMs > MAX_CLOSING_MS)
      return { givenUpCount, closingMs, mostBytes };
    slow.forEach((socket, index) => {
      if (index % 2 === 0 && socket.writable) socket.write(clientFrame("pong"));
    });
  }
  throw new Error("The interval ended");
}

async function endOf(socket: Socket): Promise<void> {
  if (socket.closed) return;
  socket.resume();
  await once(socket, "close", { signal: AbortSignal.timeout(DEADLINE.timeout) });
}
