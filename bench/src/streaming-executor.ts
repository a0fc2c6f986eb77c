import type { Figure } from "./figures.js";
import { openEmbeddedSource, type RowSource, type SourceQuery } from "./row-source.js";
import {
  heldBytes,
  LONG_QUERY_MS,
  LONG_SPARQL,
  loopDelayP99Ms,
  MANY_ROWS,
  ROWS_SPARQL,
  repeat,
} from "./streaming-measures.js";

const SLOW_READER_PAUSE_MS = 10;

function rowsQuery(changes: Partial<SourceQuery> = {}): SourceQuery {
  const signal = new AbortController().signal;
  return {
    sparql: ROWS_SPARQL,
    windowable: true,
    maxRows: MANY_ROWS,
    timeoutMs: 120_000,
    signal,
    ...changes,
  };
}

function longQuery(changes: Partial<SourceQuery>): SourceQuery {
  return rowsQuery({ sparql: LONG_SPARQL, windowable: false, ...changes });
}

async function firstRowsMs(source: RowSource): Promise<number> {
  const startedAt = performance.now();
  for await (const _count of source.stream(rowsQuery())) return performance.now() - startedAt;
  throw new Error("The query has no rows.");
}

async function rowsPerSecond(source: RowSource): Promise<number> {
  const startedAt = performance.now();
  let rows = 0;
  for await (const count of source.stream(rowsQuery())) rows += count;
  return (rows * 1_000) / (performance.now() - startedAt);
}

/** The highest heap and external memory over the start, in megabytes, while a reader takes its time over each batch. */
async function slowReaderGrowthMb(source: RowSource): Promise<number> {
  globalThis.gc?.();
  const before = heldBytes();
  let highest = before;
  for await (const _count of source.stream(rowsQuery())) {
    highest = Math.max(highest, heldBytes());
    await new Promise((resolve) => setTimeout(resolve, SLOW_READER_PAUSE_MS));
  }
  return (highest - before) / 1e6;
}

async function runLongQuery(source: RowSource): Promise<void> {
  try {
    for await (const _count of source.stream(longQuery({ timeoutMs: LONG_QUERY_MS })));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "query_timeout") throw error;
  }
}

/** From the abort of a running query to the first rows of the next one, all other workers being taken. */
async function cancelMs(source: RowSource, workers: number): Promise<number> {
  await source.settled();
  const holders = Array.from({ length: workers }, () => new AbortController());
  const running = holders.map(async ({ signal }) => {
    try {
      for await (const _count of source.stream(longQuery({ signal })));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const startedAt = performance.now();
  holders[0]?.abort();
  await firstRowsMs(source);
  const elapsedMs = performance.now() - startedAt;
  for (const holder of holders) holder.abort();
  await Promise.all(running);
  return elapsedMs;
}

/** Of the embedded executor alone, in this process, without a server around it. */
export async function measureExecutor(path: string, rounds: number): Promise<readonly Figure[]> {
  const few = Math.min(3, rounds);
  const rssBefore = process.memoryUsage.rss();
  const startedAt = performance.now();
  const source = await openEmbeddedSource(path);
  try {
    const readyMs = performance.now() - startedAt;
    const cold = await firstRowsMs(source);
    await source.settled();
    const allReadyMs = performance.now() - startedAt;
    const rssMb = (process.memoryUsage.rss() - rssBefore) / 1e6;
    const warm = await repeat(rounds, () => firstRowsMs(source));
    const rates = await repeat(few, () => rowsPerSecond(source));
    const growth = await repeat(few, () => slowReaderGrowthMb(source));
    const streamingDelay = await repeat(few, () => loopDelayP99Ms(() => rowsPerSecond(source)));
    const longDelay = await loopDelayP99Ms(() => runLongQuery(source));
    const cancels = await repeat(few, () => cancelMs(source, 2));
    return [
      { name: "load, first worker ready", unit: "ms", samples: [readyMs] },
      { name: "load, all workers and the spare ready", unit: "ms", samples: [allReadyMs] },
      { name: "memory of all workers (RSS)", unit: "MB", samples: [rssMb] },
      { name: "first rows, first query while others load", unit: "ms", samples: [cold], goal: "≤ 50" },
      { name: "first rows, warm", unit: "ms", samples: warm, goal: "≤ 50" },
      { name: `rows per second, ${MANY_ROWS} rows`, unit: "1/s", samples: rates },
      { name: "main thread growth, slow reader", unit: "MB", samples: growth, goal: "< 50" },
      { name: "event-loop delay p99 while streaming", unit: "ms", samples: streamingDelay, goal: "< 20" },
      { name: "event-loop delay p99, 10 s query", unit: "ms", samples: [longDelay], goal: "< 20" },
      { name: "cancel to first rows of the next query", unit: "ms", samples: cancels, goal: "≤ 1000" },
    ];
  } finally {
    await source.close();
  }
}
