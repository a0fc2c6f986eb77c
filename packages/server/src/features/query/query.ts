import { randomUUID } from "node:crypto";
import type { AnswerRequest } from "@sparql-live/engine";
import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import { correlationOf, type Handler, type MessageOf } from "../../realtime/dispatcher.js";
import { errorMessageOf } from "../../realtime/refusals.js";
import type { Run, Runs } from "../../realtime/runs.js";
import { createCredit } from "./credit.js";
import { collectRows, streamRows } from "./row-sinks.js";
import { type QueryDeps, runQuery } from "./run-query.js";

export interface QueryFeatureDeps extends QueryDeps {
  readonly runs: Runs;
}

export interface QueryHandlers {
  readonly query_request: Handler<"query_request">;
  readonly query_cancel: Handler<"query_cancel">;
  readonly query_credit: Handler<"query_credit">;
}

export function createQueryHandlers(deps: QueryFeatureDeps): QueryHandlers {
  const { runs } = deps;
  return {
    async query_request(message, connection) {
      const queryId = correlationOf(message) ?? randomUUID();
      const correlationId = correlationOf(message);
      let run: Run;
      let request: AnswerRequest;
      try {
        request = answerRequest(message);
        run = runs.begin(connection.user.id, queryId);
      } catch (error) {
        connection.send("error_message", errorMessageOf(error, queryId), { correlationId });
        return;
      }
      const onLost = () => run.cancel("disconnected");
      connection.signal.addEventListener("abort", onLost);
      if (connection.signal.aborted) onLost();
      try {
        const { stream, credit: rows } = message.payload;
        let sink = collectRows();
        if (stream === true) {
          const credit = createCredit({ rows: rows ?? WIRE_LIMITS.defaultCreditRows });
          run.onGrant(credit.grant);
          sink = streamRows({ queryId, correlationId, connection, credit, signal: run.signal });
        }
        await runQuery({ run, request, sink, connection, correlationId }, deps);
      } finally {
        connection.signal.removeEventListener("abort", onLost);
        run.end();
      }
    },

    query_cancel(message, connection) {
      const { query_id: queryId } = message.payload;
      const run = runs.find(connection.user.id, queryId);
      if (run !== undefined) {
        run.cancel("requested");
        return;
      }
      const missing = new ProtocolFailure(
        "query_not_found",
        `No query "${queryId}" is in progress; it may be over already.`,
      );
      const payload = errorMessageOf(missing, queryId);
      connection.send("error_message", payload, { correlationId: correlationOf(message) });
    },

    query_credit(message, connection) {
      // Credit that comes after the end is no mistake: it was on its way.
      runs.find(connection.user.id, message.payload.query_id)?.grant(message.payload.rows);
    },
  };
}

/** Throws `question_required` and `bad_request`. */
function answerRequest({ payload }: MessageOf<"query_request">): AnswerRequest {
  const question = payload.natural_language?.trim() ?? "";
  const sparql = payload.sparql?.trim() ?? "";
  if (question === "" && sparql === "") {
    throw new ProtocolFailure("question_required", "natural_language is required");
  }
  if (question !== "" && sparql !== "") {
    throw new ProtocolFailure("bad_request", "Give either `natural_language` or `sparql`, not both.");
  }
  if (payload.endpoint_id !== undefined && payload.endpoint_url !== undefined) {
    throw new ProtocolFailure("bad_request", "Give either `endpoint_id` or `endpoint_url`, not both.");
  }
  return {
    // The texts go on as they came: places in failures and links are counted in them.
    ...(sparql === "" ? { question: payload.natural_language ?? "" } : { sparql: payload.sparql ?? "" }),
    ...(payload.endpoint_id === undefined ? {} : { endpointId: payload.endpoint_id }),
    ...(payload.endpoint_url === undefined ? {} : { endpointUrl: payload.endpoint_url }),
    ...(payload.strategy === undefined ? {} : { strategy: payload.strategy }),
    ...(payload.execute === undefined ? {} : { execute: payload.execute }),
    limit: payload.limit ?? WIRE_LIMITS.defaultRowLimit,
    ...(payload.timeout === undefined ? {} : { timeoutMs: payload.timeout * 1_000 }),
    ...(payload.projection === undefined ? {} : { projection: payload.projection }),
  };
}
