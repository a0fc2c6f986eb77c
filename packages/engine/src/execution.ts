import type { AnswerEvent } from "./answer-events.js";
import type { Endpoint } from "./endpoint.js";
import type { Completeness, ExecutionEvent } from "./executor.js";
import { EngineFailure } from "./failure.js";
import { progress } from "./progress.js";
import { booleanDigest, createRowDigest, type RowDigest } from "./sparql/digest.js";
import type { Prepared } from "./sparql/prepare.js";

/** How often a query that is silent is said to be still at work. */
const TICK_MS = 1_000;

export interface ExecutionBounds {
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly traceparent?: string;
}

export interface Outcome {
  readonly executed: boolean;
  readonly variables: readonly string[];
  readonly boolean?: boolean;
  readonly rowCount: number;
  readonly executionTimeMs: number;
  readonly completeness: Completeness & { readonly digest: string };
}

export const NOT_EXECUTED: Outcome = {
  executed: false,
  variables: [],
  rowCount: 0,
  executionTimeMs: 0,
  completeness: { status: "partial", reason: "not_executed", digest: "" },
};

export async function* execute(
  prepared: Prepared,
  endpoint: Endpoint,
  bounds: ExecutionBounds,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, Outcome, undefined> {
  // An own controller: ending this generator early must reach an executor that is at work on its next event.
  const ending = new AbortController();
  const events = endpoint.executor.execute(prepared.query, {
    ...bounds,
    signal: AbortSignal.any([signal, ending.signal]),
  });
  const state = createExecutionState(prepared, bounds.maxRows);
  yield progress("executing", 0, `Asking ${endpoint.entry.title}`);
  try {
    for (;;) {
      const event = yield* nextOrTick(events, state);
      if (event === undefined) break;
      yield* state.take(event);
    }
  } finally {
    ending.abort();
    await events.return();
  }
  const outcome = state.outcome();
  yield progress("formatting", 1, describeRows(outcome), {
    rows: outcome.rowCount,
    status: outcome.completeness.status,
    digest: outcome.completeness.digest,
  });
  return outcome;
}

/** The next event of the executor; while it is silent, a progress a second says that it still works. */
async function* nextOrTick(
  events: AsyncGenerator<ExecutionEvent, void, undefined>,
  state: ExecutionState,
): AsyncGenerator<AnswerEvent, ExecutionEvent | undefined, undefined> {
  const startedAt = performance.now();
  const next = events.next();
  try {
    for (;;) {
      const result = await raceTick(next);
      if (result !== "tick") return result.done === true ? undefined : result.value;
      yield state.progress("Still at work");
    }
  } finally {
    state.workedMs += performance.now() - startedAt;
    // Where this generator is ended at a tick, nobody waits for `next` any more.
    next.catch(() => {});
  }
}

async function raceTick<T>(next: Promise<T>): Promise<T | "tick"> {
  let timer: NodeJS.Timeout | undefined;
  const tick = new Promise<"tick">((resolve) => {
    timer = setTimeout(resolve, TICK_MS, "tick");
  });
  try {
    return await Promise.race([next, tick]);
  } finally {
    clearTimeout(timer);
  }
}

interface ExecutionState {
  workedMs: number;
  take(event: ExecutionEvent): Iterable<AnswerEvent>;
  progress(message: string, details?: Readonly<Record<string, unknown>>): AnswerEvent;
  outcome(): Outcome;
}

function createExecutionState(prepared: Prepared, maxRows: number): ExecutionState {
  let variables: readonly string[] = prepared.query.variables ?? [];
  let digest: RowDigest = createRowDigest(variables);
  let boolean: boolean | undefined;
  let rowCount = 0;
  let completeness: Completeness | undefined;
  let saidRowsAt = 0;

  const state: ExecutionState = {
    workedMs: 0,
    *take(event) {
      switch (event.kind) {
        case "queued":
          yield state.progress(`Waiting, position ${event.position}`, { queue_position: event.position });
          break;
        case "started":
          yield state.progress("The endpoint is at work");
          break;
        case "head":
          variables = event.variables;
          digest = createRowDigest(variables);
          yield { kind: "head", variables };
          break;
        case "rows": {
          rowCount += event.rows.length;
          digest.add(event.rows);
          yield { kind: "rows", rows: event.rows };
          const now = performance.now();
          if (saidRowsAt === 0 || now - saidRowsAt > 250) {
            saidRowsAt = now;
            yield state.progress(rowCount === 1 ? "1 row" : `${rowCount} rows`);
          }
          break;
        }
        case "boolean":
          boolean = event.value;
          break;
        case "progress":
          yield state.progress(event.message, event.details);
          break;
        case "end":
          completeness = event.completeness;
          break;
      }
    },
    progress: (message, details) =>
      progress("executing", rowCount / (rowCount + Math.max(1, maxRows / 10)), message, {
        rows: rowCount,
        elapsed_ms: Math.round(state.workedMs),
        ...details,
      }),
    outcome() {
      if (completeness === undefined) {
        throw new EngineFailure(
          "internal_error",
          "The executor ended without saying whether its result is whole.",
        );
      }
      return {
        executed: true,
        variables,
        ...(boolean === undefined ? {} : { boolean }),
        rowCount,
        executionTimeMs: state.workedMs,
        completeness: {
          ...completeness,
          digest: boolean === undefined ? digest.finish() : booleanDigest(boolean),
        },
      };
    },
  };
  return state;
}

function describeRows({ boolean, rowCount, completeness }: Outcome): string {
  if (boolean !== undefined) return boolean ? "Yes" : "No";
  const rows = rowCount === 1 ? "1 row" : `${rowCount} rows`;
  return completeness.status === "complete" ? rows : `${rows}, ${completeness.status}`;
}
