import type { Completeness, ExecuteOptions, ExecutionEvent, PreparedQuery } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import type { Binding } from "../../rdf.js";
import { createWorkingClock, type WorkingClock } from "../../working-clock.js";
import { type DataRequest, fromRecord, type Reply, type RowsReply } from "./messages.js";
import type { DataPool, Lease } from "./pool.js";
import { rowBytes } from "./row-bytes.js";
import type { Place } from "./waiting-line.js";

type Events = AsyncGenerator<ExecutionEvent, void, undefined>;

/**
 * One execution. A generator of its own making around a native one: a native generator's `return()` waits for the
 * step under way, this one's ends that step.
 */
export function createRun(
  pool: DataPool,
  query: PreparedQuery,
  options: ExecuteOptions,
  maxLoadingWaitMs: number,
): Events {
  const control = createControl();
  const events = run(pool, query, options, maxLoadingWaitMs, control);
  const stop = () => {
    control.stop(new EngineFailure("query_cancelled", "The query was cancelled."));
    return events.return();
  };
  return {
    next: () => events.next(),
    return: stop,
    throw: (error: unknown) => {
      control.stop(new EngineFailure("query_cancelled", "The query was cancelled."));
      return events.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** Whatever ends a query from outside, in whichever state it is. The first reason counts. */
interface Control {
  stop(reason: EngineFailure): void;
  /** What is to be stopped from now on. */
  target: { end(reason: EngineFailure): void } | null;
  readonly reason: EngineFailure | undefined;
}

function createControl(): Control {
  let reason: EngineFailure | undefined;
  return {
    target: null,
    get reason() {
      return reason;
    },
    stop(why) {
      reason ??= why;
      this.target?.end(reason);
    },
  };
}

async function* run(
  pool: DataPool,
  query: PreparedQuery,
  options: ExecuteOptions,
  maxLoadingWaitMs: number,
  control: Control,
): Events {
  const { signal, timeoutMs } = options;
  const onAbort = () => control.stop(new EngineFailure("query_cancelled", "The query was cancelled."));
  if (signal.aborted) onAbort();
  if (control.reason !== undefined) throw control.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  using clock = createWorkingClock(timeoutMs, () => control.stop(timeout(timeoutMs)));
  try {
    const place = pool.join();
    control.target = { end: (reason) => leave(place, reason) };
    const lease = yield* waitForWorker(pool, place, control, maxLoadingWaitMs);
    if (control.reason !== undefined) throw control.reason;
    yield { kind: "started" };
    yield* answer(lease, clock, query, options);
  } finally {
    signal.removeEventListener("abort", onAbort);
    control.stop(new EngineFailure("query_cancelled", "The query has ended."));
  }
}

function leave(place: Place<Lease>, reason: EngineFailure): void {
  const lease = place.granted();
  if (lease === undefined) place.leave(reason);
  else lease.end(reason);
}

async function* waitForWorker(
  pool: DataPool,
  place: Place<Lease>,
  control: Control,
  maxLoadingWaitMs: number,
): AsyncGenerator<ExecutionEvent, Lease, undefined> {
  const timer = setTimeout(() => {
    if (!pool.hasLoaded()) control.stop(stillLoading(pool));
  }, maxLoadingWaitMs);
  try {
    for (;;) {
      const turn = await place.turn();
      if (turn.kind === "granted") return turn.value;
      yield { kind: "queued", position: turn.position };
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* answer(
  lease: Lease,
  clock: WorkingClock,
  query: PreparedQuery,
  { maxRows, maxBytes }: ExecuteOptions,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  let bytesLeft = maxBytes;
  let reply = await step(lease, clock, { kind: "open", query, maxRows });
  for (;;) {
    if (reply.kind === "failed") throw fromRecord(reply.failure);
    if (reply.kind === "boolean") {
      yield { kind: "boolean", value: reply.value };
      yield { kind: "end", completeness: { status: "complete" } };
      return;
    }
    if (reply.variables !== undefined) yield { kind: "head", variables: reply.variables };
    const fitting = cutToBytes(reply, bytesLeft);
    bytesLeft -= fitting.bytes;
    if (fitting.rows.length > 0) yield { kind: "rows", rows: fitting.rows };
    if (fitting.completeness !== null) {
      yield { kind: "end", completeness: fitting.completeness };
      return;
    }
    reply = await step(lease, clock, { kind: "pull" });
  }
}

/** Only the time in which the worker owes an answer counts. */
async function step(lease: Lease, clock: WorkingClock, request: DataRequest): Promise<Reply> {
  clock.start();
  try {
    return await lease.ask(request);
  } finally {
    clock.pause();
  }
}

interface FittingRows {
  readonly rows: readonly Binding[];
  readonly bytes: number;
  readonly completeness: Completeness | null;
}

function cutToBytes(reply: RowsReply, maxBytes: number): FittingRows {
  const rows = JSON.parse(reply.rowsJson) as Binding[];
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const grown = bytes + rowBytes(row);
    if (grown > maxBytes) {
      const completeness = { status: "truncated", reason: "byte_limit" } as const;
      return { rows: rows.slice(0, index), bytes, completeness };
    }
    bytes = grown;
  }
  return { rows, bytes, completeness: reply.completeness };
}

function timeout(timeoutMs: number): EngineFailure {
  return new EngineFailure(
    "query_timeout",
    `The query did not end within ${timeoutMs} ms of work. Ask for less, or give it more time.`,
  );
}

function stillLoading(pool: DataPool): EngineFailure {
  const { progress } = pool.stats();
  const share =
    progress === null
      ? ""
      : ` (${Math.floor((100 * progress.bytesRead) / Math.max(1, progress.bytesTotal))} %)`;
  return new EngineFailure("endpoint_unavailable", `The endpoint is still loading its data${share}.`, {
    retryAfterMs: 5_000,
  });
}
