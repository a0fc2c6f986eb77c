import { createEngine, type Engine } from "@sparql-live/engine";
import { createServer, readSettings } from "sparql-live";
import type { Figure } from "./figures.js";
import type { ClientFigures, StreamRequest } from "./stream-client.js";
import { openStreamReader, type StreamReader } from "./stream-reader.js";
import {
  heldBytes,
  LONG_QUERY_MS,
  LONG_SPARQL,
  loopDelayP99Ms,
  MANY_ROWS,
  ROWS_SPARQL,
  repeat,
} from "./streaming-measures.js";

const WORKERS = 2;
/** A reader that keeps up: the server never has to wait for its grants. */
const WIDE_CREDIT_ROWS = 10_000;
const SMALL_CREDIT_ROWS = 500;
const SLOW_READER_PAUSE_MS = 20;
const MEMORY_SAMPLE_MS = 10;
const WITHOUT_CREDIT_MS = 3_000;
const PINGERS = 4;
const SETTLE_SAMPLE_MS = 500;
const MAX_SETTLE_MS = 300_000;
const MAX_REFUSALS = 5;

const ROWS: StreamRequest = {
  sparql: ROWS_SPARQL,
  limit: MANY_ROWS,
  timeoutSeconds: 120,
  creditRows: WIDE_CREDIT_ROWS,
  pauseMs: 0,
};
const ENDLESS: StreamRequest = { ...ROWS, sparql: LONG_SPARQL };

interface Bench {
  readonly reader: StreamReader;
  /** Rows that the server took from the engine, ever. */
  readonly pulledRows: () => number;
  readonly settled: () => Promise<void>;
}

/** Of the whole server in this process; the reader is a process of its own, on the other end of a WebSocket. */
export async function measureServer(path: string, rounds: number): Promise<readonly Figure[]> {
  const settings = readSettings({
    flags: { port: "0", logLevel: "silent", maxRows: String(MANY_ROWS), maxResultBytes: "1000000000" },
  });
  const { maxRows, maxResultBytes } = settings;
  const entries = [{ id: "local", title: "Generated graph", data: [path] }];
  const startedAt = performance.now();
  const engine = createEngine({ entries, maxRows, maxResultBytes, workers: WORKERS });
  const counted = countRows(engine);
  const server = await createServer(settings, { engine: counted.engine });
  try {
    const url = await server.listen();
    await engine.ready();
    const readyMs = performance.now() - startedAt;
    const reader = await openStreamReader(`${url.replace("http", "ws")}/api/ws/query`);
    try {
      const bench = { reader, pulledRows: counted.pulledRows, settled: untilIdle };
      const few = Math.min(3, rounds);
      const figures: Figure[] = [{ name: "load, first worker ready", unit: "ms", samples: [readyMs] }];
      for (const measure of [
        () => measureFirstRows(bench, rounds),
        () => measureStream(bench, few),
        () => measurePause(bench),
        () => measureLongQuery(bench),
        () => measureCancels(bench, few),
      ]) {
        const more = await measure();
        // A run takes minutes; what is known is told, should a later part fail.
        for (const { name, unit, samples } of more) console.error(`${name}: ${samples.at(-1)} ${unit}`);
        figures.push(...more);
      }
      return figures;
    } finally {
      await reader.close();
    }
  } finally {
    await server.close();
    await engine.close();
  }
}

function countRows(engine: Engine): { readonly engine: Engine; readonly pulledRows: () => number } {
  let pulled = 0;
  const answer: Engine["answer"] = async function* (request, signal) {
    for await (const event of engine.answer(request, signal)) {
      if (event.kind === "rows") pulled += event.rows.length;
      yield event;
    }
  };
  return { engine: { ...engine, answer }, pulledRows: () => pulled };
}

/** Workers load in the background after the first is ready and after each that was ended; then no thread is busy. */
async function untilIdle(): Promise<void> {
  const deadlineAt = performance.now() + MAX_SETTLE_MS;
  for (;;) {
    if ((await busyShare(SETTLE_SAMPLE_MS)) < 0.1) return;
    if (performance.now() > deadlineAt) throw new Error("The workers did not finish loading.");
  }
}

/** The share of one core that all threads of this process use meanwhile. */
async function busyShare(duringMs: number): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, duringMs));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startedAt);
}

async function measureFirstRows({ reader, settled }: Bench, rounds: number): Promise<readonly Figure[]> {
  const firstRowsMs = async () => of("firstRowsMs", await reader.perform({ kind: "first", request: ROWS }));
  const startedAt = performance.now();
  const refusals = await untilAnswered(firstRowsMs, settled);
  const cold = performance.now() - startedAt;
  await settled();
  // The first of these may still meet a worker that has not answered anything yet.
  await firstRowsMs();
  const warm = await repeat(rounds, firstRowsMs);
  return [
    { name: "first query while the profile is made and workers load", unit: "ms", samples: [cold] },
    { name: "refusals of that query (endpoint_unavailable)", unit: "", samples: [refusals], goal: "0" },
    { name: "request to first rows, warm", unit: "ms", samples: warm, goal: "≤ 50" },
  ];
}

/** Asks again, once the workers are loaded, where the endpoint refuses. Settles with the count of the refusals. */
async function untilAnswered(ask: () => Promise<number>, settled: () => Promise<void>): Promise<number> {
  for (let refusals = 0; ; refusals += 1) {
    try {
      await ask();
      return refusals;
    } catch (error) {
      if (refusals === MAX_REFUSALS || !String(error).includes("endpoint_unavailable")) throw error;
      await settled();
    }
  }
}

async function measureStream({ reader }: Bench, rounds: number): Promise<readonly Figure[]> {
  const rates: number[] = [];
  const slowRates: number[] = [];
  let rowCount = 0;
  const read = async (request: StreamRequest, into: number[]) => {
    const figures = await reader.perform({ kind: "read", request, pingers: 0 });
    if (figures.outcome !== "completed") throw new Error(`The stream ended with ${figures.outcome}.`);
    rowCount = of("rows", figures);
    into.push((rowCount * 1_000) / of("totalMs", figures));
  };
  const delays = await repeat(rounds, () => loopDelayP99Ms(() => read(ROWS, rates)));
  const slow = { ...ROWS, creditRows: SMALL_CREDIT_ROWS, pauseMs: SLOW_READER_PAUSE_MS };
  const growths = await repeat(rounds, () => growthMb(() => read(slow, slowRates)));
  return [
    { name: `rows per second, ${rowCount} rows`, unit: "1/s", samples: rates },
    { name: "event-loop delay p99 while streaming", unit: "ms", samples: delays, goal: "< 20" },
    { name: "rows per second, slow reader", unit: "1/s", samples: slowRates },
    { name: "main thread growth, slow reader", unit: "MB", samples: growths, goal: "< 50" },
  ];
}

/** The highest of what the main thread holds meanwhile, over what it held before. */
async function growthMb(during: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const before = heldBytes();
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, heldBytes());
  }, MEMORY_SAMPLE_MS);
  try {
    await during();
  } finally {
    clearInterval(timer);
  }
  return (highest - before) / 1e6;
}

/** Whether the engine rests while its reader grants nothing, and goes on afterwards. */
async function measurePause({ reader, pulledRows, settled }: Bench): Promise<readonly Figure[]> {
  await settled();
  const pulledBefore = pulledRows();
  const request = { ...ROWS, creditRows: SMALL_CREDIT_ROWS };
  const sent = of("rows", await reader.perform({ kind: "hold", request }));
  await settled();
  const pulled = pulledRows();
  const busy = await busyShare(WITHOUT_CREDIT_MS);
  const pulledMeanwhile = pulledRows() - pulled;
  const sentAfter = of("rows", await reader.perform({ kind: "resume", rows: SMALL_CREDIT_ROWS }));
  return [
    { name: "rows read ahead of the credit", unit: "rows", samples: [pulled - pulledBefore - sent] },
    { name: "rows pulled in 3 s without credit", unit: "rows", samples: [pulledMeanwhile], goal: "0" },
    { name: "one core's use in 3 s without credit", unit: "%", samples: [busy * 100] },
    {
      name: "rows sent beyond the credit",
      unit: "rows",
      samples: [sentAfter - 2 * SMALL_CREDIT_ROWS],
      goal: "0",
    },
  ];
}

async function measureLongQuery({ reader, settled }: Bench): Promise<readonly Figure[]> {
  await settled();
  const request = { ...ENDLESS, timeoutSeconds: LONG_QUERY_MS / 1_000 };
  let pongs: readonly number[] = [];
  const delay = await loopDelayP99Ms(async () => {
    const figures = await reader.perform({ kind: "read", request, pingers: PINGERS });
    if (figures.outcome !== "query_timeout") throw new Error(`The long query ended with ${figures.outcome}.`);
    pongs = figures.pongMs ?? [];
  });
  return [
    { name: "event-loop delay p99, 10 s query", unit: "ms", samples: [delay], goal: "< 20" },
    { name: `ping to pong, ${PINGERS} others, 10 s query`, unit: "ms", samples: pongs },
  ];
}

/** All workers are taken by endless queries; one is cancelled, and another query asked. */
async function measureCancels({ reader, settled }: Bench, rounds: number): Promise<readonly Figure[]> {
  const cancels: number[] = [];
  const nexts = await repeat(rounds, async () => {
    await settled();
    const figures = await reader.perform({ kind: "cancel", endless: ENDLESS, holders: WORKERS, next: ROWS });
    cancels.push(of("cancelMs", figures));
    return of("nextRowsMs", figures);
  });
  return [
    { name: "query_cancel to query_cancelled", unit: "ms", samples: cancels, goal: "≤ 1000" },
    { name: "query_cancel to first rows of the next query", unit: "ms", samples: nexts, goal: "≤ 1000" },
  ];
}

function of(
  name: Exclude<keyof ClientFigures, "outcome" | "pongMs">,
  figures: Partial<ClientFigures>,
): number {
  const figure = figures[name];
  if (figure === undefined) throw new Error(`The reader measured no ${name}.`);
  return figure;
}
