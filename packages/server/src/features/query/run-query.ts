import type { AnswerEvent, AnswerRequest, AnswerResult, Engine } from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { Connection } from "../../realtime/connection.js";
import type { Counters } from "../../realtime/counters.js";
import { errorMessageOf, isFault } from "../../realtime/refusals.js";
import type { Run } from "../../realtime/runs.js";
import { resultPayload } from "./result-payload.js";
import type { RowSink } from "./row-sinks.js";
import type { Turns } from "./turns.js";

export interface QueryWork {
  readonly run: Run;
  readonly request: AnswerRequest;
  readonly sink: RowSink;
  readonly connection: Connection;
  readonly correlationId: string | undefined;
}

export interface QueryDeps {
  readonly engine: Engine;
  readonly turns: Turns;
  readonly counters: Counters;
  readonly log: Logger;
}

/**
 * One run from its turn in the line to its terminal event: exactly one of progress `completed`, progress `failed`
 * (after an `error_message`) and `query_cancelled`.
 */
export async function runQuery(work: QueryWork, deps: QueryDeps): Promise<void> {
  const { run, connection, correlationId } = work;
  const tell = createProgress(work);
  try {
    const release = await deps.turns.take(run.owner, run.signal, (position) =>
      tell.passing("parsing", 0, `Waiting for ${position} of your queries`, { queue_position: position }),
    );
    try {
      await answer(work, deps.engine, tell);
    } finally {
      release();
    }
  } catch (error) {
    if (run.cancelReason !== null) {
      connection.send(
        "query_cancelled",
        { query_id: run.id, reason: run.cancelReason },
        { correlationId, supersedes: tell.key },
      );
      return;
    }
    if (isFault(error)) {
      deps.counters.errors++;
      deps.log.error({ err: error, query_id: run.id, connection: connection.id }, "a query failed");
    }
    const payload = errorMessageOf(error, run.id);
    connection.send("error_message", payload, { correlationId, supersedes: tell.key });
    tell.ordered("failed", 0, payload.error);
  }
}

async function answer(work: QueryWork, engine: Engine, tell: Progress): Promise<void> {
  const { run, request, sink, connection, correlationId } = work;
  let result: AnswerResult | null = null;
  let completed: Extract<AnswerEvent, { kind: "progress" }> | null = null;
  for await (const event of engine.answer(request, run.signal)) {
    switch (event.kind) {
      case "progress":
        if (event.stage === "completed") completed = event;
        else tell.progress(event);
        break;
      case "head":
        sink.head(event.variables);
        break;
      case "rows":
        await sink.rows(event.rows);
        break;
      case "result":
        result = event.result;
        break;
    }
  }
  if (result === null) throw new Error("the engine ended without a result");
  await connection.sendAlone("query_result", resultPayload(run.id, result, sink.collected), {
    correlationId,
  });
  tell.ordered("completed", 1, completed?.message ?? "Done", completed?.details);
}

type Stage = ServerPayloads["query_progress"]["stage"];
type Details = Readonly<Record<string, unknown>> | undefined;

interface Progress {
  /** Of the ephemeral progress that may wait. */
  readonly key: string;
  progress(event: Extract<AnswerEvent, { kind: "progress" }>): void;
  ordered(stage: Stage, fraction: number, message: string, details?: Details): void;
  passing(stage: Stage, fraction: number, message: string, details?: Details): void;
}

/**
 * Progress of one run. What an endless stage repeats (rows so far, the place in line) may be conflated; all else
 * is sent in order, and takes what was conflated and still waits off the queue, so that progress never goes back.
 */
function createProgress({ run, connection, correlationId }: QueryWork): Progress {
  const key = `progress:${run.id}`;
  let current: Stage | null = null;
  const payload = (stage: Stage, fraction: number, message: string, details: Details) => ({
    query_id: run.id,
    stage,
    progress: fraction,
    message,
    ...(details === undefined ? {} : { details: { ...details } }),
  });
  const ordered: Progress["ordered"] = (stage, fraction, message, details) => {
    current = stage;
    connection.send("query_progress", payload(stage, fraction, message, details), {
      correlationId,
      supersedes: key,
    });
  };
  const passing: Progress["passing"] = (stage, fraction, message, details) =>
    connection.sendEphemeral(key, "query_progress", payload(stage, fraction, message, details), {
      correlationId,
    });
  return {
    key,
    ordered,
    passing,
    progress({ stage, progress, message, details }) {
      const tell = stage === "executing" && current === "executing" ? passing : ordered;
      tell(stage, progress, message, details);
    },
  };
}
