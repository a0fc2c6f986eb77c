import { setInterval } from "node:timers/promises";
import { expect, test } from "vitest";
import { EFFORT } from "../support/effort.js";
import { printFigures, quantile } from "../support/figures.js";
import { createHistoryChecker } from "../support/history-checker.js";
import { readHistory } from "../support/history-reader.js";
import { createRandom, type Random } from "../support/random.js";
import { openRoomClient, type RoomClient } from "../support/room-client.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

/** So many that the window of each log holds for longer than a slow machine is away. */
const ROOMS = Array.from({ length: 40 }, (_, index) => `room-${index}`);
const CLIENTS_COUNT = 50;
const ROOMS_PER_CLIENT = 2;
const MESSAGES_PER_SECOND = 1_000;
const TICK_MS = 10;
/** Acknowledged before the kill, and again after it. */
const ACKNOWLEDGED_COUNT = 1_500;
const DEADLINE = { timeout: 30_000, interval: 20 };
const SETTINGS = [
  "--rate-limit-per-minute",
  "0",
  "--max-connections-per-address",
  "10000",
  "--log-level",
  "warn",
];

test("[DELIVERY-1] kill -9 under 1,000 messages a second loses nothing acknowledged, doubles nothing and keeps the order", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  const checker = createHistoryChecker();
  const random = createRandom(1);
  for (const room of ROOMS) {
    const made = await fetch(`${server.url}/api/ws/rooms?room_id=${room}`, { method: "POST" });
    expect(made.status).toBe(200);
  }
  const clients = Array.from({ length: CLIENTS_COUNT }, (_, index) => {
    const rooms = Array.from(
      { length: ROOMS_PER_CLIENT },
      (_, offset) => ROOMS[(index + offset) % ROOMS.length] ?? "",
    );
    return openRoomClient({ url: server.webSocketUrl, name: `client-${index}`, rooms, checker, random });
  });
  try {
    const isIn = ({ session }: RoomClient) => session.rooms.length === ROOMS_PER_CLIENT;
    await expect.poll(() => clients.filter(isIn).length, DEADLINE).toBe(CLIENTS_COUNT);
    for (let round = 1; round <= EFFORT.killRounds; round++) {
      printFigures(
        `kill -9, round ${round} of ${EFFORT.killRounds}`,
        await killRound(server, clients, random),
      );
    }
    for (const room of ROOMS) checker.history(await readHistory(server.webSocketUrl, room));
    expect(checker.violations()).toEqual([]);
    expect(sum(clients, "gapCount")).toBe(0);
    expect(sum(clients, "refusedCount")).toBe(0);
  } finally {
    for (const client of clients) client.close();
  }
});

async function killRound(server: ServerProcess, clients: readonly RoomClient[], random: Random) {
  const acknowledged = () => sum(clients, "acknowledgedCount");
  const publishedBefore = sum(clients, "publishedCount");
  const before = acknowledged();
  const beganAtMs = performance.now();
  const stop = new AbortController();
  const load = publish(clients, random, stop.signal);
  try {
    await expect.poll(() => acknowledged() - before, DEADLINE).toBeGreaterThan(ACKNOWLEDGED_COUNT);
    const killedAtMs = performance.now();
    const acknowledgedAtKill = acknowledged();
    const unanswered = pendingCount(clients);
    await server.kill();
    await server.start();
    const startedAtMs = performance.now();
    const returned = () => clients.map(returnedAtMs).filter((atMs) => atMs > killedAtMs);
    await expect.poll(() => returned().length, DEADLINE).toBe(CLIENTS_COUNT);
    const again = acknowledged();
    await expect.poll(() => acknowledged() - again, DEADLINE).toBeGreaterThan(ACKNOWLEDGED_COUNT);
    stop.abort();
    await load;
    await expect.poll(() => pendingCount(clients), DEADLINE).toBe(0);
    await expect.poll(() => differingRooms(clients), DEADLINE).toEqual([]);
    const resumedMs = quantile(returned(), 0.99) - startedAtMs;
    return {
      published: sum(clients, "publishedCount") - publishedBefore,
      acknowledged: acknowledged() - before,
      "acknowledged per second before": perSecond(acknowledgedAtKill - before, killedAtMs - beganAtMs),
      "unanswered at the kill": unanswered,
      "down for ms": Math.round(startedAtMs - killedAtMs),
      "99 % resumed after ms more": Math.round(resumedMs),
    };
  } finally {
    stop.abort();
  }
}

/** At the rate, also while the server is away: clients keep what they cannot send. */
async function publish(clients: readonly RoomClient[], random: Random, signal: AbortSignal): Promise<void> {
  const beganAtMs = performance.now();
  let count = 0;
  for await (const _ of setInterval(TICK_MS)) {
    if (signal.aborted) return;
    const dueCount = ((performance.now() - beganAtMs) / 1_000) * MESSAGES_PER_SECOND;
    for (; count < dueCount; count++) {
      const session = random.pick(clients)?.session;
      const room = random.pick(session?.rooms ?? []);
      if (room !== undefined) session?.publish(room);
    }
  }
}

/** Rooms whose members have not all seen the same. */
function differingRooms(clients: readonly RoomClient[]): string[] {
  return ROOMS.filter((room) => {
    const positions = clients.flatMap(({ session }) => session.positionIn(room) ?? []);
    return new Set(positions.map(({ epoch, seq }) => `${epoch} ${seq}`)).size > 1;
  });
}

function returnedAtMs({ state }: RoomClient): number {
  if (state.kind === "ended") throw new Error(`A client was sent away: ${state.code} ${state.reason}`);
  return state.kind === "ready" ? state.sinceMs : 0;
}

function sum(clients: readonly RoomClient[], count: keyof RoomClient["session"]["counts"]): number {
  return clients.reduce((total, { session }) => total + session.counts[count], 0);
}

function pendingCount(clients: readonly RoomClient[]): number {
  return clients.reduce((total, { session }) => total + session.unanswered.length, 0);
}

function perSecond(count: number, durationMs: number): number {
  return Math.round((count / durationMs) * 1_000);
}
