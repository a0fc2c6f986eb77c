import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createMemoryStorage, openFileStorage } from "sparql-live";
import { type Figure, printTable, writeJson } from "./figures.js";

type Logs = ReturnType<typeof createMemoryStorage>["broker"]["logs"];

/** About an envelope of a room message. */
const DATA = JSON.stringify({
  type: "room_message",
  payload: { room_id: "bench", message: "x".repeat(140) },
});
const WRITERS_COUNTS = [1, 16, 256];
/** Appends in memory are so many times cheaper, about. */
const MEMORY_FACTOR = 20;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      appends: { type: "string", default: "20000" },
      folder: { type: "string", default: tmpdir() },
      json: { type: "string" },
    },
  });
  const rounds = Number(values.rounds);
  const appends = Number(values.appends);
  const figures = [
    ...(await measureFile(values.folder, rounds, appends)),
    ...(await measureMemory(rounds, appends * MEMORY_FACTOR)),
  ];
  const title = `Appends of ${Buffer.byteLength(DATA)} bytes to one log`;
  printTable(title, figures);
  if (values.json !== undefined) await writeJson(values.json, title, figures);
}

async function measureFile(parent: string, rounds: number, appends: number): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(parent, "bench-store-"));
  const { broker, close } = await openFileStorage(join(folder, "store.db"));
  try {
    await appendConcurrently(broker.logs, "warm", 16, 1_000);
    const measured = WRITERS_COUNTS.map((writers) => ({
      writers,
      perSecond: [] as number[],
      p50: [] as number[],
      p99: [] as number[],
    }));
    for (let round = 0; round < rounds; round++) {
      for (const { writers, perSecond, p50, p99 } of measured) {
        // One writer waits for the disk each time.
        const count = writers === 1 ? Math.ceil(appends / 20) : appends;
        const run = await appendConcurrently(broker.logs, `${round}-${writers}`, writers, count);
        perSecond.push(run.perSecond);
        p50.push(percentile(run.latenciesMs, 0.5));
        p99.push(percentile(run.latenciesMs, 0.99));
      }
    }
    return measured.flatMap(({ writers, perSecond, p50, p99 }) => [
      { name: `durable, ${writers} writers`, unit: "appends/s", samples: perSecond },
      { name: "  p50", unit: "ms", samples: p50 },
      { name: "  p99", unit: "ms", samples: p99 },
    ]);
  } finally {
    await close();
    await rm(folder, { recursive: true });
  }
}

/** Each writer waits for its append before it makes the next. */
async function appendConcurrently(logs: Logs, run: string, writers: number, count: number) {
  const latenciesMs: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const write = async () => {
    while (next < count) {
      const id = `${run}-${next++}`;
      const askedMs = performance.now();
      await logs.append("room:bench", { id, data: DATA });
      latenciesMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return { perSecond: (count / (performance.now() - startMs)) * 1_000, latenciesMs };
}

async function measureMemory(rounds: number, appends: number): Promise<readonly Figure[]> {
  const alone: number[] = [];
  const followed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await appendToMemory(appends, 0));
    followed.push(await appendToMemory(appends, 1));
  }
  return [
    { name: "memory, full log", unit: "µs", samples: alone },
    { name: "  with a follower", unit: "µs", samples: followed },
  ];
}

/** Microseconds of one append, of bursts as long as a log; the making of the ids is not counted. */
async function appendToMemory(appends: number, followersCount: number): Promise<number> {
  const { broker, close } = createMemoryStorage();
  let toldCount = 0;
  for (let n = 0; n < followersCount; n++) broker.logs.follow("room:bench", () => toldCount++);
  globalThis.gc?.();
  let spentMs = 0;
  for (let from = 0; from < appends; from += 1_000) {
    const ids = Array.from({ length: 1_000 }, (_, n) => `message-${from + n}`);
    const startMs = performance.now();
    for (const id of ids) void broker.logs.append("room:bench", { id, data: DATA });
    spentMs += performance.now() - startMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await close();
  if (toldCount < followersCount * appends) throw new Error("A follower was not told of everything.");
  return (spentMs * 1_000) / (Math.ceil(appends / 1_000) * 1_000);
}

function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
