import { setInterval } from "node:timers/promises";
import { expect } from "vitest";
import { createHistoryChecker, type HistoryChecker } from "./history-checker.js";
import { readHistory } from "./history-reader.js";
import { createRandom } from "./random.js";
import { openRoomClient, type RoomClient } from "./room-client.js";
import type { ServerProcess } from "./server-process.js";

/** So many that the window of each log holds for longer than a slow machine is away. */
const ROOMS_COUNT = 40;
const CLIENTS_COUNT = 50;
const ROOMS_PER_CLIENT = 2;
const TICK_MS = 10;
const DEADLINE = { timeout: 60_000, interval: 20 };

/** Settings under which a server takes such a load. */
export const LOAD_SETTINGS = [
  "--rate-limit-per-minute",
  "0",
  "--max-connections-per-address",
  "10000",
  "--log-level",
  "warn",
];

/** Fifty clients that come back by themselves, each in two of forty rooms, and a checker that sees what they see. */
export interface RoomLoad extends Disposable {
  count(name: keyof RoomClient["session"]["counts"]): number;
  /** Messages without an answer. */
  unansweredCount(): number;
  /** Publishes at the rate, also while the server is away: clients keep what they cannot send. */
  publish(messagesPerSecond: number, signal: AbortSignal): Promise<void>;
  /** Settles when so many further messages are acknowledged. */
  acknowledged(count: number): Promise<void>;
  /** Settles, once nothing is published, when all is answered and all members of each room have seen the same. */
  settled(): Promise<void>;
  /** Settles with when they came back (on the clock of `performance.now()`), once all did so after a time. */
  returned(afterMs: number): Promise<number[]>;
  /** Reads the logs of all rooms, and compares everything. */
  check(): Promise<void>;
}

export async function openRoomLoad(server: ServerProcess): Promise<RoomLoad> {
  const checker: HistoryChecker = createHistoryChecker();
  const random = createRandom(1);
  const rooms = Array.from({ length: ROOMS_COUNT }, (_, index) => `room-${index}`);
  for (const room of rooms) {
    const made = await fetch(`${server.url}/api/ws/rooms?room_id=${room}`, { method: "POST" });
    expect(made.status).toBe(200);
  }
  const clients = Array.from({ length: CLIENTS_COUNT }, (_, index) => {
    const own = Array.from(
      { length: ROOMS_PER_CLIENT },
      (_, offset) => rooms[(index + offset) % rooms.length] ?? "",
    );
    return openRoomClient({ url: server.webSocketUrl, name: `client-${index}`, rooms: own, checker, random });
  });
  const count: RoomLoad["count"] = (name) =>
    clients.reduce((total, { session }) => total + session.counts[name], 0);
  const unansweredCount = () => clients.reduce((total, { session }) => total + session.unanswered.length, 0);
  const isIn = ({ session }: RoomClient) => session.rooms.length === ROOMS_PER_CLIENT;
  /** Rooms whose members have not all seen the same. */
  const differing = () =>
    rooms.filter((room) => {
      const positions = clients.flatMap(({ session }) => session.positionIn(room) ?? []);
      return new Set(positions.map(({ epoch, seq }) => `${epoch} ${seq}`)).size > 1;
    });
  const close = () => {
    for (const client of clients) client.close();
  };

  try {
    await expect.poll(() => clients.filter(isIn).length, DEADLINE).toBe(CLIENTS_COUNT);
  } catch (error) {
    close();
    throw error;
  }
  return {
    count,
    unansweredCount,
    async publish(messagesPerSecond, signal) {
      const beganAtMs = performance.now();
      let publishedCount = 0;
      for await (const _ of setInterval(TICK_MS)) {
        if (signal.aborted) return;
        const dueCount = ((performance.now() - beganAtMs) / 1_000) * messagesPerSecond;
        for (; publishedCount < dueCount; publishedCount++) {
          const session = random.pick(clients)?.session;
          const room = random.pick(session?.rooms ?? []);
          if (room !== undefined) session?.publish(room);
        }
      }
    },
    async acknowledged(further) {
      const before = count("acknowledgedCount");
      await expect.poll(() => count("acknowledgedCount") - before, DEADLINE).toBeGreaterThan(further);
    },
    async settled() {
      await expect.poll(unansweredCount, DEADLINE).toBe(0);
      await expect.poll(differing, DEADLINE).toEqual([]);
    },
    async returned(afterMs) {
      const times = () => clients.map(returnedAtMs).filter((atMs) => atMs > afterMs);
      await expect.poll(() => times().length, DEADLINE).toBe(CLIENTS_COUNT);
      return times();
    },
    async check() {
      for (const room of rooms) checker.history(await readHistory(server.webSocketUrl, room));
      expect(checker.violations()).toEqual([]);
      expect(count("gapCount")).toBe(0);
      expect(count("refusedCount")).toBe(0);
    },
    [Symbol.dispose]: close,
  };
}

function returnedAtMs({ state }: RoomClient): number {
  if (state.kind === "ended") throw new Error(`A client was sent away: ${state.code} ${state.reason}`);
  return state.kind === "ready" ? state.sinceMs : 0;
}
