import { expect, test } from "vitest";
import { EFFORT } from "../support/effort.js";
import { printFigures, quantile } from "../support/figures.js";
import { LOAD_SETTINGS, openRoomLoad, type RoomLoad } from "../support/room-load.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

/** Acknowledged before the restart, and again after it. */
const ACKNOWLEDGED_COUNT = 500;
const EXIT_DEADLINE_MS = 30_000;
/** A grace as behind a load balancer: everything goes on within it. */
const SETTINGS = [...LOAD_SETTINGS, "--drain-grace-ms", "500"];

test("[DRAIN-5] rolling restarts under load lose nothing acknowledged, double nothing and end with 0 in time [DRAIN-6]", {
  timeout: EFFORT.timeoutMs,
}, async () => {
  await using server = await startServerProcess({ settings: SETTINGS });
  using load = await openRoomLoad(server);
  for (let round = 1; round <= EFFORT.restartRounds; round++) {
    printFigures(`SIGTERM, round ${round} of ${EFFORT.restartRounds}`, await restartRound(server, load));
  }
  await load.check();
  expect(load.count("acknowledgedCount")).toBeGreaterThan(2 * ACKNOWLEDGED_COUNT * EFFORT.restartRounds);
});

async function restartRound(server: ServerProcess, load: RoomLoad) {
  const stop = new AbortController();
  const publishing = load.publish(EFFORT.restartMessagesPerSecond, stop.signal);
  try {
    await load.acknowledged(ACKNOWLEDGED_COUNT);
    const askedAtMs = performance.now();
    const unanswered = load.unansweredCount();
    expect(await server.terminate()).toBe(0);
    const exitMs = performance.now() - askedAtMs;
    expect(exitMs).toBeLessThan(EXIT_DEADLINE_MS);
    await server.start();
    const startedAtMs = performance.now();
    const returnedAtMs = await load.returned(askedAtMs);
    await load.acknowledged(ACKNOWLEDGED_COUNT);
    stop.abort();
    await publishing;
    await load.settled();
    return {
      acknowledged: load.count("acknowledgedCount"),
      "unanswered at SIGTERM": unanswered,
      "exit after ms": Math.round(exitMs),
      "99 % resumed after ms more": Math.round(quantile(returnedAtMs, 0.99) - startedAtMs),
    };
  } finally {
    stop.abort();
  }
}
