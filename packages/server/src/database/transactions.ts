import { ProtocolFailure } from "@sparql-live/protocol";
import { writeBackup } from "./backup-file.js";
import type { Call, Outcome } from "./messages.js";
import type { Handlers, OperationName } from "./operations.js";
import { Damage, type Sql } from "./sql.js";
import { codeOf, isCorruption } from "./storage-error.js";

export interface Transactions {
  /** All in one transaction. Throws where the file cannot be used any more. */
  run(calls: readonly Call[], nowMs: number): BatchOutcome;
}

interface BatchOutcome {
  readonly outcomes: readonly Outcome[];
  /** Rows that do not hold what was written; what wanted them was refused. */
  readonly damages: readonly string[];
}

export interface TransactionParts {
  readonly sql: Sql;
  readonly handlers: Handlers;
  /** Writes what the handlers keep back until the end of a transaction. */
  readonly flush: () => void;
  /** Gives up what the handlers remember of a transaction that was rolled back. */
  readonly forget: () => void;
}

/** Go on while the disk is full. Of these only the first look at a log writes. */
const READS: ReadonlySet<OperationName> = new Set<OperationName>([
  "findEntry",
  "logHead",
  "readLog",
  "logState",
  "listQueue",
  "getRun",
  "getRoom",
  "listRooms",
  "countRooms",
  "historyOfRoom",
  "historyOfUser",
  "getEndpoint",
  "endpointsOfUser",
  "endpointsOfRoom",
  "backUp",
  "analyticsBetween",
]);

export function createTransactions(parts: TransactionParts): Transactions {
  const { sql, flush, forget } = parts;

  const rollBack = () => {
    // SQLite has done so itself where the disk is full.
    if (sql.inTransaction) sql.exec("ROLLBACK");
    forget();
  };
  const transact = (calls: readonly Call[], nowMs: number, handle: typeof call): readonly Outcome[] => {
    sql.exec("BEGIN");
    try {
      const outcomes = calls.map((each) => handle(parts, each, nowMs));
      flush();
      sql.exec("COMMIT");
      return outcomes;
    } catch (error) {
      rollBack();
      throw error;
    }
  };
  /** One by one, so that one that fails takes nothing along. */
  const runSingly = (calls: readonly Call[], nowMs: number): BatchOutcome => {
    const damages: string[] = [];
    const outcomes = transact(calls, nowMs, (_, each) => {
      flush();
      sql.exec("SAVEPOINT single");
      try {
        const outcome = call(parts, each, nowMs);
        flush();
        sql.exec("RELEASE single");
        return outcome;
      } catch (error) {
        if (!(error instanceof Damage)) throw error;
        sql.exec("ROLLBACK TO single; RELEASE single");
        forget();
        damages.push(error.message);
        return damaged(error);
      }
    });
    return { outcomes, damages };
  };
  const runOnFullDisk = (calls: readonly Call[], nowMs: number): BatchOutcome => {
    const damages: string[] = [];
    const outcomes = calls.map((each) => {
      if (!READS.has(each.name)) return full();
      try {
        return transact([each], nowMs, call)[0] ?? full();
      } catch (error) {
        if (isFull(error)) return full();
        if (!(error instanceof Damage)) throw error;
        damages.push(error.message);
        return damaged(error);
      }
    });
    return { outcomes, damages };
  };

  const runBatch = (calls: readonly Call[], nowMs: number): BatchOutcome => {
    try {
      return { outcomes: transact(calls, nowMs, call), damages: [] };
    } catch (error) {
      if (isFull(error)) return runOnFullDisk(calls, nowMs);
      if (!(error instanceof Damage)) throw error;
    }
    try {
      return runSingly(calls, nowMs);
    } catch (error) {
      if (isFull(error)) return runOnFullDisk(calls, nowMs);
      throw error;
    }
  };

  return {
    run(calls, nowMs) {
      const { outcomes, damages } = runBatch(calls, nowMs);
      const settled = outcomes.map((outcome, index) => {
        const each = calls[index];
        if (!outcome.done) return outcome;
        if (each?.name === "checkpoint") sql.pragma("wal_checkpoint(TRUNCATE)");
        return each?.name === "backUp" ? backUp(sql, each.request.path) : outcome;
      });
      return { outcomes: settled, damages };
    },
  };
}

function backUp(sql: Sql, path: string): Outcome {
  try {
    writeBackup(sql, path);
    return { done: true, result: null };
  } catch (error) {
    if (isCorruption(codeOf(error))) throw error;
    if (isFull(error)) {
      return {
        done: false,
        code: "storage_full",
        message: "There is not enough space for the backup. Make space, or write it elsewhere.",
      };
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { done: false, code: "unavailable", message: `The backup could not be written: ${reason}` };
  }
}

function call({ handlers }: TransactionParts, { name, request }: Call, nowMs: number): Outcome {
  // A `Call` pairs each name with its own request; the compiler cannot follow that through the index.
  const handle = handlers[name] as (request: unknown, nowMs: number) => unknown;
  try {
    return { done: true, result: handle(request, nowMs) };
  } catch (error) {
    if (!(error instanceof ProtocolFailure)) throw error;
    return { done: false, code: error.code, message: error.message };
  }
}

function isFull(error: unknown): boolean {
  return codeOf(error) === "SQLITE_FULL";
}

function full(): Outcome {
  return {
    done: false,
    code: "storage_full",
    message: "The disk of the store is full. Nothing was stored; try again when there is space.",
  };
}

function damaged({ message }: Damage): Outcome {
  return {
    done: false,
    code: "unavailable",
    message: `The store is damaged: ${message}. Put a backup in its place.`,
  };
}
