import { expect, test } from "vitest";
import { EFFORT } from "../support/effort.js";
import { printFigures, quantile } from "../support/figures.js";
import { LOAD_SETTINGS, openRoomLoad, type RoomLoad } from "../support/room-load.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const MESSAGES_PER_SECOND = 1_000;
/** Acknowledged before the kill, and again after it. */
const ACKNOWLEDGED_COUNT = 1_500;

test("[DELIVERY-1] kill -9 under 1,000 messages a second loses nothing acknowledged, doubles nothing and keeps the order", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({ settings: LOAD_SETTINGS });
  using load = await openRoomLoad(server);
  for (let round = 1; round <= EFFORT.killRounds; round++) {
    printFigures(`kill -9, round ${round} of ${EFFORT.killRounds}`, await killRound(server, load));
  }
  await load.check();
  expect(load.count("acknowledgedCount")).toBeGreaterThan(2 * ACKNOWLEDGED_COUNT * EFFORT.killRounds);
});

async function killRound(server: ServerProcess, load: RoomLoad) {
  const publishedBefore = load.count("publishedCount");
  const before = load.count("acknowledgedCount");
  const beganAtMs = performance.now();
  const stop = new AbortController();
  const publishing = load.publish(MESSAGES_PER_SECOND, stop.signal);
  try {
    await load.acknowledged(ACKNOWLEDGED_COUNT);
    const killedAtMs = performance.now();
    const acknowledgedAtKill = load.count("acknowledgedCount");
    const unanswered = load.unansweredCount();
    await server.kill();
    await server.start();
    const startedAtMs = performance.now();
    const returnedAtMs = await load.returned(killedAtMs);
    await load.acknowledged(ACKNOWLEDGED_COUNT);
    stop.abort();
    await publishing;
    await load.settled();
    return {
      published: load.count("publishedCount") - publishedBefore,
      acknowledged: load.count("acknowledgedCount") - before,
      "acknowledged per second before": perSecond(acknowledgedAtKill - before, killedAtMs - beganAtMs),
      "unanswered at the kill": unanswered,
      "down for ms": Math.round(startedAtMs - killedAtMs),
      "99 % resumed after ms more": Math.round(quantile(returnedAtMs, 0.99) - startedAtMs),
    };
  } finally {
    stop.abort();
  }
}

function perSecond(count: number, durationMs: number): number {
  return Math.round((count / durationMs) * 1_000);
}
