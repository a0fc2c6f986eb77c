import type { AnswerEvent, AnswerRequest, Binding } from "@sparql-live/engine";
import { createMemoryEngine, type MemoryEngine } from "./memory-engine.js";

export interface StreamEngine extends MemoryEngine {
  /** Rows that were taken, ever. */
  readonly rowsTakenCount: number;
  /** Answers that were begun, ever. */
  readonly startedCount: number;
}

export interface StreamEngineOptions {
  readonly rowCount: number;
  /** Of one batch. Default 100. */
  readonly batchRows?: number;
  /** Of the value in each row. Default 10. */
  readonly valueCharacters?: number;
}

/** An engine that makes its rows when they are asked for: any number of them, numbered from 0 in `?n`. */
export function createStreamEngine({
  rowCount,
  batchRows = 100,
  valueCharacters = 10,
}: StreamEngineOptions): StreamEngine {
  const engine = createMemoryEngine("");
  const value = "x".repeat(valueCharacters);
  let openCount = 0;
  let rowsTakenCount = 0;
  let startedCount = 0;

  async function* answer(
    request: AnswerRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    openCount++;
    startedCount++;
    try {
      yield { kind: "progress", stage: "parsing", progress: 0.05, message: "Reading" };
      yield { kind: "progress", stage: "executing", progress: 0.4, message: "Asking" };
      yield { kind: "head", variables: ["n", "value"] };
      for (let start = 0; start < rowCount; start += batchRows) {
        const rows = rowsFrom(start, Math.min(rowCount, start + batchRows), value);
        rowsTakenCount += rows.length;
        yield { kind: "rows", rows };
        signal.throwIfAborted();
        const progress = 0.4 + (0.5 * start) / rowCount;
        yield { kind: "progress", stage: "executing", progress, message: `${start + rows.length} rows` };
      }
      yield { kind: "progress", stage: "formatting", progress: 0.95, message: "Closing" };
      yield { kind: "result", result: resultOf(request.sparql ?? "", rowCount) };
      yield { kind: "progress", stage: "completed", progress: 1, message: "Done" };
    } finally {
      openCount--;
    }
  }

  return {
    ...engine,
    answer,
    get openCount() {
      return openCount;
    },
    get rowsTakenCount() {
      return rowsTakenCount;
    },
    get startedCount() {
      return startedCount;
    },
  };
}

function rowsFrom(start: number, end: number, value: string): Binding[] {
  return Array.from({ length: end - start }, (_, index) => ({
    n: { type: "literal" as const, value: String(start + index) },
    value: { type: "literal" as const, value },
  }));
}

function resultOf(query: string, rowCount: number) {
  return {
    query,
    form: "select" as const,
    executed: true,
    variables: ["n", "value"],
    rowCount,
    executionTimeMs: 1,
    explanation: "The query as it was given.",
    confidence: 1,
    completeness: { status: "complete" as const, digest: "none" },
    links: [],
    notUnderstood: [],
    alternatives: [],
    warnings: [],
  };
}
