import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { createStreamEngine } from "../../packages/server/src/testing/stream-engine.js";
import { EFFORT } from "../support/effort.js";
import { printFigures } from "../support/figures.js";
import { createHistoryChecker } from "../support/history-checker.js";
import { readHistory } from "../support/history-reader.js";
import { createRandom, type Random } from "../support/random.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { type WatchedClient, watchClient } from "./watched-client.js";

const CLIENTS_COUNT = 3;
const MESSAGES_COUNT = 40;
const ROWS_COUNT = 3_000;
const BREAKS_COUNT = 12;
/** Most of a schedule is waiting. */
const PARALLEL_COUNT = 3;
const DEADLINE = { timeout: 60_000, interval: 10 };
const SETTINGS = { rateLimitPerMinute: 0, maxConnectionsPerAddress: 10_000, maxConnectionsPerUser: 1_000 };
/** Silence is noticed soon, so that a schedule does not take minutes. */
const IMPATIENT = { heartbeatInterval: 150, heartbeatTimeout: 150, connectTimeout: 1_000 };

test("[CLIENT-12] whatever connections are lost, at whatever byte: nothing is lost, doubled, or out of order", {
  timeout: EFFORT.reconnectionSchedules * 6_000,
}, async () => {
  const engine = createStreamEngine({ rowCount: ROWS_COUNT });
  await using server = await startServer({ engine, settings: SETTINGS });
  const totals = { schedules: 0, broken: 0, delivered: 0, rows: 0 };
  const first = Number(process.env.CHAOS_SEED ?? EFFORT.firstSeed);
  let next = first;
  const runOneAfterAnother = async () => {
    while (next < first + EFFORT.reconnectionSchedules) {
      const seed = next++;
      const figures = await runSchedule(server, seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      totals.schedules++;
      totals.broken += figures.broken;
      totals.delivered += figures.delivered;
      totals.rows += figures.rows;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_COUNT }, runOneAfterAnother));
  printFigures("reconnection schedules", totals);
  expect(totals.broken).toBeGreaterThan(EFFORT.reconnectionSchedules);
});

async function runSchedule(server: TestServer, seed: number) {
  const random = createRandom(seed);
  const room = `schedule-${seed}`;
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=${room}`, { method: "POST" });
  expect(made.status).toBe(200);
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const checker = createHistoryChecker();
  const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
  const clients = Array.from({ length: CLIENTS_COUNT }, (_, index) =>
    watchClient(url, { name: `${room}-${index}`, checker, ...IMPATIENT }),
  );
  try {
    await Promise.all(clients.map((client) => client.join(room)));
    proxy.nextFate = fates(proxy, random);
    proxy.drop();
    const rows = Promise.all(clients.map((client) => readRows(client)));
    for (let sent = 0; sent < MESSAGES_COUNT; sent++) {
      random.pick(clients)?.publish(room);
      if (random.chance(0.2)) await turns(random);
    }
    await rows;
    await expect.poll(() => clients.reduce((sum, { unanswered }) => sum + unanswered, 0), DEADLINE).toBe(0);
    proxy.nextFate = () => ({});
    await expect
      .poll(() => new Set(clients.map(({ client }) => client.room(room)?.position?.seq)).size, DEADLINE)
      .toBe(1);
    checker.history(await readHistory(server.ws, room));
    expect(checker.violations()).toEqual([]);
    expect(clients.map(({ counts }) => [counts.gapCount, counts.refusedCount])).toEqual(
      clients.map(() => [0, 0]),
    );
    const delivered = clients.reduce((sum, { counts }) => sum + counts.deliveredCount, 0);
    expect(delivered).toBe(MESSAGES_COUNT * CLIENTS_COUNT);
    return { broken: proxy.brokenCount, delivered, rows: ROWS_COUNT * CLIENTS_COUNT };
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

/** The first connections break somewhere; then all are good, so that a schedule ends. */
function fates(proxy: TcpProxy, random: Random): TcpProxy["nextFate"] {
  return () => {
    if (proxy.brokenCount >= BREAKS_COUNT) return {};
    const bytes = random.below(random.chance(0.5) ? 3_000 : 60_000);
    return random.chance(0.25) ? { stallAfterBytes: bytes } : { dropAfterBytes: bytes };
  };
}

/** Each row once, in order. */
async function readRows({ client }: WatchedClient): Promise<void> {
  let expected = 0;
  for await (const { n } of client.query({ sparql: "SELECT * {}" }, { bufferRows: 500 })) {
    if (n?.value !== String(expected)) throw new Error(`row ${n?.value} where ${expected} is next`);
    expected++;
  }
  expect(expected).toBe(ROWS_COUNT);
}

async function turns(random: Random): Promise<void> {
  for (let left = random.below(200); left > 0; left--) await setImmediate();
}
