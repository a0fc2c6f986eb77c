import type { AnswerRequest } from "@sparql-live/engine";
import type { Logger } from "pino";
import type { Counters } from "../../realtime/counters.js";
import { errorMessageOf, isFault } from "../../realtime/refusals.js";
import type { Run } from "../../realtime/runs.js";
import { createSignal } from "../../signal.js";
import type { Follower } from "./execution.js";
import type { Executions } from "./executions.js";
import type { Turns } from "./turns.js";
import type { WatchedRun } from "./watched-run.js";

export interface RunWork {
  readonly run: Run;
  readonly watched: WatchedRun;
  readonly request: AnswerRequest;
  readonly userId: string;
  /** That its user may have in progress. */
  readonly parallelQueries: number;
  /** Told the query once, when it is known. */
  readonly onQuery: (query: string) => void;
}

export interface RunWorkDeps {
  readonly turns: Turns;
  readonly executions: Executions;
  readonly counters: Counters;
  readonly log: Logger;
}

/**
 * One run from its turn in the line to its terminal event: exactly one of progress `completed`, progress `failed`
 * (after an `error_message`) and `query_cancelled`. Settles when that is in its view.
 */
export async function performRun(work: RunWork, deps: RunWorkDeps): Promise<void> {
  const { run, watched, userId, parallelQueries } = work;
  const { view } = watched;
  try {
    const tellPosition = (position: number) => {
      const message = `Waiting for ${position} of your queries`;
      const details = { queue_position: position };
      view.pass({ kind: "progress", stage: "parsing", progress: 0, message, details });
      watched.wake();
    };
    const release = await deps.turns.take(userId, run.signal, tellPosition, parallelQueries);
    try {
      await follow(work, deps.executions);
    } finally {
      release();
    }
  } catch (error) {
    if (run.cancelReason === null) fail(error, work, deps);
  }
  if (view.isOver || run.cancelReason === null) return;
  view.close([{ kind: "cancelled", reason: run.cancelReason }]);
  const last = view.entry(view.end - 1);
  if (last !== undefined) watched.finish(last);
}

/** Settles when the execution is over, or when the run was cancelled and no work goes on because of it. */
async function follow({ run, watched, request, onQuery }: RunWork, executions: Executions): Promise<void> {
  const { view } = watched;
  const ended = createSignal<void>();
  let isQueryTold = false;
  const tellQuery = () => {
    if (isQueryTold || execution.query === null) return;
    isQueryTold = true;
    onQuery(execution.query);
  };
  const follower: Follower = {
    queryId: run.id,
    onAppended() {
      watched.wake();
      tellQuery();
      if (execution.log.isOver) ended.resolve();
    },
    onPassed(event) {
      view.pass(event);
      watched.wake();
    },
    appetite: watched.appetite,
  };
  const execution = executions.join(request, follower);
  watched.onAppetite = execution.wake;
  view.show(execution.log);
  tellQuery();
  if (execution.passing !== null) view.pass(execution.passing);
  watched.wake();
  // Whoever joins may be the fastest.
  execution.wake();
  const onAbort = () => ended.resolve();
  run.signal.addEventListener("abort", onAbort);
  if (run.signal.aborted) onAbort();
  await ended.promise;
  run.signal.removeEventListener("abort", onAbort);
  watched.onAppetite = () => undefined;
  if (!execution.log.isOver) await execution.leave(follower);
}

/** A failure of the run alone: it never came to an execution. */
function fail(error: unknown, { run, watched }: RunWork, { counters, log }: RunWorkDeps): void {
  if (isFault(error)) {
    counters.errors++;
    log.error({ err: error, query_id: run.id }, "a query failed");
  }
  const payload = errorMessageOf(error);
  watched.view.close([
    { kind: "error", payload },
    { kind: "progress", stage: "failed", progress: 0, message: payload.error },
  ]);
  watched.wake();
}
