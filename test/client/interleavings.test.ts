import { setImmediate } from "node:timers/promises";
import { type SPARQLWebSocketClient, SparqlLiveError } from "@sparql-live/client";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { createStreamEngine } from "../../packages/server/src/testing/stream-engine.js";
import { EFFORT } from "../support/effort.js";
import { printFigures } from "../support/figures.js";
import { createRandom, type Random } from "../support/random.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { openLibraryClient } from "./support.js";

const CLIENTS_COUNT = 2;
const STEPS_COUNT = 60;
const BREAKS_COUNT = 8;
/** Most of a schedule is waiting. */
const PARALLEL_COUNT = 3;
const DEADLINE = { timeout: 60_000, interval: 10 };
const SETTINGS = {
  presenceGraceMs: 500,
  rateLimitPerMinute: 0,
  maxConnectionsPerAddress: 10_000,
  maxConnectionsPerUser: 1_000,
};
/** Silence is noticed soon, so that a schedule does not take minutes. */
const IMPATIENT = { heartbeatInterval: 150, heartbeatTimeout: 150, connectTimeout: 1_000 };
const ROWS_COUNT = 2_000;
const ROWS = { sparql: "SELECT * {}" };

interface User {
  readonly client: SPARQLWebSocketClient;
  readonly random: Random;
  readonly roomId: string;
  /** Of the client's own, those that are over too. */
  readonly queryIds: string[];
  readonly maySwitchOff: boolean;
  /** Aborted soon; or nothing. */
  readonly signal: AbortSignal | undefined;
}

/** What an application does. Each begins something, and nobody waits for it. */
const HABITS: readonly ((user: User) => unknown)[] = [
  ({ client, roomId, signal }) => client.joinRoom(roomId, { signal, timeoutMs: 0 }),
  ({ client, roomId, signal }) => client.joinRoom(roomId, { signal, timeoutMs: 0 }),
  ({ client, roomId }) => client.leaveRoom(roomId),
  ({ client, roomId, signal }) => client.sendToRoom(roomId, "x", { signal }),
  ({ client, roomId, signal }) => client.sendToRoom(roomId, "x", { signal }),
  ({ client, roomId, signal }) => client.room(roomId)?.history({ signal, timeoutMs: 0 }),
  ({ client, roomId, random }) => client.sendTypingIndicator(roomId, random.chance(0.5)),
  ({ client, signal }) => client.searchOntology("a", { signal, timeoutMs: 0 }),
  ({ client, signal }) => client.endpoints(undefined, { signal, timeoutMs: 0 }),
  ({ client, queryIds, signal }) =>
    client.sendQuery(ROWS, { signal, onProgress: ({ query_id: id }) => queryIds.push(id) }),
  ({ client, queryIds, roomId, signal }) =>
    client.sendQuery(ROWS, {
      room_id: roomId,
      signal,
      onProgress: ({ query_id: id }) => queryIds.push(id),
    }),
  async ({ client, random, signal }) => {
    let left = random.below(2 * ROWS_COUNT);
    for await (const _ of client.query(ROWS, { signal, bufferRows: 300 })) if (left-- === 0) break;
  },
  ({ client, queryIds, random }) => client.cancelQuery(random.pick(queryIds) ?? "none"),
  ({ client, queryIds, random, signal }) =>
    client.attachQuery(random.pick(queryIds) ?? "none", { signal, onRows: () => undefined }),
  ({ client, queryIds, random, signal }) => client.attachQuery(random.pick(queryIds) ?? "none", { signal }),
  ({ client, maySwitchOff }) => {
    if (!maySwitchOff) return;
    client.disconnect();
    return client.connect();
  },
];

test("[CLIENT-19] [CLIENT-23] whatever is begun, taken back and lost: everything settles, and who is in a room sees who is", {
  timeout: EFFORT.usageSchedules * 6_000,
}, async () => {
  const engine = createStreamEngine({ rowCount: ROWS_COUNT });
  await using server = await startServer({ engine, settings: SETTINGS });
  const totals = { schedules: 0, broken: 0, settled: 0, refused: 0 };
  const first = Number(process.env.CHAOS_SEED ?? EFFORT.firstSeed);
  let next = first;
  const runOneAfterAnother = async () => {
    while (next < first + EFFORT.usageSchedules) {
      const seed = next++;
      const figures = await runSchedule(server, seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      totals.schedules++;
      totals.broken += figures.broken;
      totals.settled += figures.settled;
      totals.refused += figures.refused;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_COUNT }, runOneAfterAnother));
  printFigures("interleavings", totals);
  await expect.poll(() => engine.openCount, DEADLINE).toBe(0);
});

async function runSchedule(server: TestServer, seed: number) {
  const random = createRandom(seed);
  const roomIds = [`one-${seed}`, `two-${seed}`];
  for (const roomId of roomIds) {
    const made = await fetch(`${server.url}/api/ws/rooms?room_id=${roomId}`, { method: "POST" });
    expect(made.status).toBe(200);
  }
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  // That somebody left over a connection which is dead already, a server learns by its time-out alone.
  const maySwitchOff = random.chance(0.5);
  proxy.nextFate = fates(proxy, random, maySwitchOff ? 0 : 0.25);
  const clients = Array.from({ length: CLIENTS_COUNT }, (_, index) =>
    openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
      userId: `user-${seed}-${index}`,
      ...IMPATIENT,
    }),
  );
  const users = clients.map((client) => ({ client, random, maySwitchOff, queryIds: [] as string[] }));
  const figures = { broken: 0, settled: 0, refused: 0 };
  const begin = async (user: User, habit: (user: User) => unknown) => {
    await Promise.resolve(habit(user)).catch((error: unknown) => {
      if (!(error instanceof SparqlLiveError) || error.code === "timeout") throw error;
      figures.refused++;
    });
    figures.settled++;
  };
  try {
    const begun: Promise<void>[] = [];
    for (let step = 0; step < STEPS_COUNT; step++) {
      const user = random.pick(users);
      const habit = random.pick(HABITS);
      if (user === undefined || habit === undefined) continue;
      const signal = random.chance(0.4) ? abortedSoon(random) : undefined;
      begun.push(begin({ ...user, roomId: random.pick(roomIds) ?? "", signal }, habit));
      if (random.chance(0.3)) await turns(random.below(200));
    }
    proxy.nextFate = () => ({});
    await Promise.all([Promise.all(begun), expect.poll(() => figures.settled, DEADLINE).toBe(begun.length)]);
    await Promise.all(clients.map((client) => client.connect()));
    for (const roomId of roomIds) {
      await expect.poll(() => areTogether(clients, roomId), DEADLINE).toBe(true);
    }
    // What was taken back on its way is still answered.
    const waiting = () => clients.flatMap(({ deliveries }) => deliveries.getSnapshot());
    await expect.poll(waiting, DEADLINE).toEqual([]);
    return { ...figures, broken: proxy.brokenCount };
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

/** The first connections break somewhere; then all are good, so that a schedule ends. */
function fates(proxy: TcpProxy, random: Random, stalled: number): TcpProxy["nextFate"] {
  return () => {
    if (proxy.brokenCount >= BREAKS_COUNT) return {};
    const bytes = random.below(random.chance(0.5) ? 3_000 : 60_000);
    return random.chance(stalled) ? { stallAfterBytes: bytes } : { dropAfterBytes: bytes };
  };
}

function abortedSoon(random: Random): AbortSignal {
  const control = new AbortController();
  void turns(random.below(100)).then(() => control.abort());
  return control.signal;
}

/** Each is in the room and sees all who are, or is not in it. */
function areTogether(clients: readonly SPARQLWebSocketClient[], roomId: string): boolean {
  const inside = clients.flatMap((client) => {
    const room = client.room(roomId);
    return room === undefined ? [] : [{ userId: client.userId, view: room.view.getSnapshot() }];
  });
  const userIds = inside.map(({ userId }) => userId).toSorted();
  return inside.every(({ view: { status, members } }) => {
    const seen = members.map((member) => member.user_id).toSorted();
    return status.kind === "joined" && JSON.stringify(seen) === JSON.stringify(userIds);
  });
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await setImmediate();
}
