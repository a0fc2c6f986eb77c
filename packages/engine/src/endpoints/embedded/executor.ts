import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Executor } from "../../executor.js";
import type { DataSource } from "./data-files.js";
import { startDataThread } from "./data-thread.js";
import type { LoadProgress } from "./loader.js";
import { DataPool, type PoolStats } from "./pool.js";
import { createRun } from "./run.js";

export interface EmbeddedOptions {
  /**
   * Read by every worker when it starts, also by one that replaces another: the files must stay as they are. An
   * empty list is an empty graph.
   */
  readonly sources: readonly DataSource[];
  /** Queries at the same time. Default: the number of cores, at most 2. Each holds the data once (about 350 MB per million triples). */
  readonly workers?: number;
  /** Loaded threads beyond those, which step in for one that had to be ended. Default 1. */
  readonly spares?: number;
  /** Of JavaScript in one worker, which holds a step's rows as text; the data lie outside. Default 1024. */
  readonly maxOldGenerationSizeMb?: number;
  /** Queries that may wait for a worker. Default 100. */
  readonly maxQueued?: number;
  /** How long a query waits while no worker has its data; then it fails with `endpoint_unavailable`. Default 10 000. */
  readonly maxLoadingWaitMs?: number;
  /** Before the first new try to load after a failed one; doubled up to 30 s, given up after eight. Default 250. */
  readonly reloadDelayMs?: number;
  /** Until the first worker is ready, at most ten times a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/**
 * Queries over local data in worker threads. While its caller does not pull, a query computes nothing but keeps its
 * worker: whoever lets results rest must end them (the time in which nobody pulls counts against no timeout here).
 */
export interface EmbeddedExecutor extends Executor {
  /** Resolves when the first worker has its data. Rejects with `data_unreadable` or `endpoint_unavailable`. */
  readonly ready: Promise<void>;
  stats(): PoolStats;
}

/** Loading begins at once. Queries may come before it ends and wait for it. */
export function createEmbeddedExecutor(options: EmbeddedOptions): EmbeddedExecutor {
  const cores = availableParallelism();
  const {
    workers = Math.min(2, cores),
    spares = 1,
    maxOldGenerationSizeMb = 1_024,
    maxQueued = 100,
    maxLoadingWaitMs = 10_000,
    reloadDelayMs = 250,
    onProgress = () => undefined,
  } = options;
  const sources = options.sources.map((source) =>
    "path" in source ? { path: resolve(source.path) } : source,
  );
  const pool = new DataPool({
    start: (events) => startDataThread({ sources }, maxOldGenerationSizeMb, events),
    workers,
    spares,
    loaders: Math.max(1, cores - 1),
    maxQueued,
    reloadDelayMs,
    onProgress,
  });
  return {
    ready: pool.ready,
    stats: () => pool.stats(),
    execute: (query, limits) => createRun(pool, query, limits, maxLoadingWaitMs),
    close: () => pool.close(),
  };
}
