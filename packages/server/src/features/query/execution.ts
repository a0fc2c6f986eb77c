import type { AnswerRequest, AnswerResult, Binding, Engine } from "@sparql-live/engine";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../../limits.js";
import type { Counters } from "../../realtime/counters.js";
import { errorMessageOf, isFault } from "../../realtime/refusals.js";
import type { RunBounds } from "./bounds.js";
import { measureChunk } from "./chunks.js";
import { createEventLog, type EventLog, type ProgressEvent, type RunEvent } from "./event-log.js";
import { createPace, greatestAppetite } from "./pace.js";
import { resultPayload } from "./result-payload.js";
import { createRowChunk, type WireRow } from "./row-chunk.js";
import type { Appetite } from "./watcher.js";

/** A run that shows an execution. */
export interface Follower {
  readonly queryId: string;
  /** The log grew; where it is over this was the terminal event. */
  onAppended(): void;
  /** Progress of which only the latest counts. */
  onPassed(event: ProgressEvent): void;
  /** Of all that watch. */
  appetite(): Appetite;
}

/** The engine's work on one request, for any number of runs. */
export interface Execution {
  readonly log: EventLog;
  /** The latest progress within the current stage. */
  readonly passing: ProgressEvent | null;
  /** The SPARQL, once it is known. */
  readonly query: string | null;
  /** Whether somebody who comes now gets everything. */
  readonly isJoinable: boolean;
  follow(follower: Follower): void;
  /** Settles when the work goes on for others, or has stopped because there are none. */
  leave(follower: Follower): Promise<void>;
  /** The appetite of the followers may have changed. */
  wake(): void;
  /** Settles when the work is over. */
  readonly done: Promise<void>;
}

export type ExecutionBounds = Pick<RunBounds, "maxLogBytes" | "maxCreditGapMs" | "maxPausedMs">;

export interface ExecutionDeps {
  readonly engine: Engine;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Begins at once. The engine is pulled at the pace of the fastest of those who watch. */
export function beginExecution(
  request: AnswerRequest,
  first: Follower,
  { engine, counters, log: logger }: ExecutionDeps,
  { maxLogBytes, maxCreditGapMs, maxPausedMs }: ExecutionBounds,
): Execution {
  const abort = new AbortController();
  const log = createEventLog(maxLogBytes);
  const followers = new Set<Follower>();
  const pace = createPace({
    appetite: () => greatestAppetite([...followers].map((follower) => follower.appetite())),
    maxCreditGapMs,
    maxPausedMs,
  });
  let variables: readonly string[] = [];
  let passing: ProgressEvent | null = null;
  let query: string | null = null;

  const append = (event: RunEvent) => {
    log.append(event);
    query ??= queryOf(event);
    if (event.kind === "progress") passing = null;
    for (const follower of followers) follower.onAppended();
  };

  const takeProgress = (event: ProgressEvent) => {
    // What a long stage repeats (rows so far) may be conflated; all else is told in order.
    const last = log.progress.at(-1)?.event;
    const isChange = last?.kind !== "progress" || last.stage !== event.stage || event.stage !== "executing";
    if (isChange) return append(event);
    passing = event;
    for (const follower of followers) follower.onPassed(event);
  };

  const takeRows = async (rows: readonly Binding[]) => {
    for (let start = 0; start < rows.length; ) {
      const wanted = await pace.next(abort.signal);
      const { count, bytes } = measureChunk(rows, start, wanted, SERVER_LIMITS.maxChunkBytes);
      const seq = log.chunkCount;
      const chunk = createRowChunk({
        seq,
        rows: rows.slice(start, start + count) as WireRow[],
        variables: seq === 0 ? variables : null,
        estimatedBytes: bytes,
      });
      append({ kind: "rows", chunk });
      start += count;
    }
  };

  const answer = async () => {
    let result: AnswerResult | null = null;
    let completed: ProgressEvent | null = null;
    for await (const event of engine.answer(request, abort.signal)) {
      if (event.kind === "head") variables = event.variables;
      else if (event.kind === "rows") await takeRows(event.rows);
      else if (event.kind === "result") result = event.result;
      else if (event.stage === "completed") completed = progressEvent(event);
      else takeProgress(progressEvent(event));
    }
    if (result === null) throw new Error("the engine ended without a result");
    if (abort.signal.aborted) return;
    append({ kind: "result", payload: resultPayload(result) });
    append(completed ?? { kind: "progress", stage: "completed", progress: 1, message: "Done" });
  };

  const work = async () => {
    try {
      await answer();
    } catch (error) {
      // Nobody follows any more.
      if (abort.signal.aborted) return;
      if (isFault(error)) {
        counters.errors++;
        const queryIds = [...followers].map(({ queryId }) => queryId);
        logger.error({ err: error, query_ids: queryIds }, "a query failed");
      }
      const payload = errorMessageOf(error);
      append({ kind: "error", payload });
      append({ kind: "progress", stage: "failed", progress: 0, message: payload.error });
    }
  };

  followers.add(first);
  const done = Promise.resolve().then(work);

  return {
    log,
    get query() {
      return query;
    },
    get passing() {
      return passing;
    },
    get isJoinable() {
      return !abort.signal.aborted && !log.isOver && log.isWhole;
    },
    follow: (follower) => void followers.add(follower),
    leave(follower) {
      followers.delete(follower);
      if (followers.size === 0) {
        abort.abort();
        return done;
      }
      pace.wake();
      return Promise.resolve();
    },
    wake: pace.wake,
    done,
  };
}

function progressEvent(event: ProgressEvent & { readonly details?: unknown }): ProgressEvent {
  const { stage, progress, message, details } = event;
  return {
    kind: "progress",
    stage,
    progress,
    message,
    ...(details === undefined ? {} : { details: { ...details } }),
  };
}

/** The checks tell the query before it is executed; where they do not, the result does. */
function queryOf(event: RunEvent): string | null {
  if (event.kind === "result") return event.payload.query;
  if (event.kind !== "progress" || event.stage !== "optimizing") return null;
  const query = event.details?.query;
  return typeof query === "string" ? query : null;
}
