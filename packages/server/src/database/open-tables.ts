import { SERVER_LIMITS } from "../limits.js";
import { createAnalyticsTable } from "./analytics-table.js";
import { createEndpointTable } from "./endpoint-table.js";
import { createHistoryTable, type HistoryTable } from "./history-table.js";
import { createLogRows, type LogRows } from "./log-rows.js";
import { createLogTable } from "./log-table.js";
import type { WorkerInput } from "./messages.js";
import { openFile } from "./open-file.js";
import type { Handlers } from "./operations.js";
import { createQueueTable, type QueueTable } from "./queue-table.js";
import { createRevocationTable } from "./revocation-table.js";
import { createRoomTable } from "./room-table.js";
import { createRunTable, type RunTable } from "./run-table.js";
import { toStorageError } from "./storage-error.js";
import { createTransactions, type Transactions } from "./transactions.js";

/** Logs that one sweep looks at. */
const SWEPT_LOGS_COUNT = 500;

/** Remembered runs that one sweep looks at: they are read for it. */
const SWEPT_RUNS_COUNT = 200;

export interface Tables {
  readonly transactions: Transactions;
  readonly queuedCount: number;
  /** The file is closed when the thread ends: until then statements keep it open. */
  close(): void;
}

/** Opens the file and everything in it. Throws `StorageError`. */
export function openTables({ path, bounds, openedAtMs }: WorkerInput): Tables {
  const sql = openFile(path);
  try {
    const logs = createLogRows(sql, bounds);
    const queues = createQueueTable(sql, bounds);
    const runs = createRunTable(sql, bounds, openedAtMs);
    const history = createHistoryTable(sql, bounds);
    const handlers: Handlers = {
      ...createLogTable(sql, logs, bounds),
      ...queues.handlers,
      ...runs.handlers,
      ...createRoomTable(sql),
      ...createRevocationTable(sql),
      ...history.handlers,
      ...createEndpointTable(sql),
      ...createAnalyticsTable(sql),
      // What both are about is done by what runs the transactions, between two of them.
      checkpoint: createClearing(logs, runs),
      backUp: () => null,
      sweep: createSweep(logs, queues, runs, history),
    };
    const forget = () => {
      for (const table of [logs, queues, runs, history]) table.forget();
    };
    const transactions = createTransactions({ sql, handlers, flush: logs.flush, forget });
    return { transactions, queuedCount: queues.totalCount(), close: sql.close };
  } catch (error) {
    throw toStorageError(error, path);
  }
}

/** Takes away all that is only waiting for a sweep. */
function createClearing(logs: LogRows, runs: RunTable): Handlers["checkpoint"] {
  return (_, nowMs) => {
    let next = logs.namesAfter(0, SWEPT_LOGS_COUNT);
    while (next.length > 0) {
      for (const { name } of next) logs.clearStale(logs.open(name, nowMs), 1);
      next = logs.namesAfter(next.at(-1)?.id ?? 0, SWEPT_LOGS_COUNT);
    }
    while (runs.expire(nowMs, SERVER_LIMITS.sweepRowsCount) >= SERVER_LIMITS.sweepRowsCount);
    return null;
  };
}

/** Each takes up where the one before it stopped, so that none holds up the others for long. */
function createSweep(
  logs: LogRows,
  queues: QueueTable,
  runs: RunTable,
  history: HistoryTable,
): Handlers["sweep"] {
  let sweptLogId = 0;
  const sweepLogs = (nowMs: number): number => {
    let removedCount = 0;
    const next = logs.namesAfter(sweptLogId, SWEPT_LOGS_COUNT);
    if (next.length === 0) sweptLogId = 0;
    for (const { id, name } of next) {
      removedCount += logs.clearStale(logs.open(name, nowMs), 1);
      sweptLogId = id;
      if (removedCount >= SERVER_LIMITS.sweepRowsCount) break;
    }
    return removedCount;
  };
  return (_, nowMs) => {
    const removedCounts = [
      sweepLogs(nowMs),
      queues.expire(nowMs, SERVER_LIMITS.sweepRowsCount),
      runs.expire(nowMs, SERVER_LIMITS.sweepRowsCount),
    ];
    const removedRunsCount = history.expire(nowMs, SWEPT_RUNS_COUNT);
    const more =
      removedRunsCount === SWEPT_RUNS_COUNT ||
      removedCounts.some((count) => count >= SERVER_LIMITS.sweepRowsCount);
    return { result: { more }, totalCount: queues.totalCount() };
  };
}
