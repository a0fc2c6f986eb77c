import type { AnswerResult } from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";

type ResultPayload = Omit<ServerPayloads["query_result"], "query_id" | "room_id">;

/** The closing message of a run, without its rows. */
export function resultPayload(result: AnswerResult): ResultPayload {
  return {
    query: result.query,
    results: result.executed
      ? {
          variables: [...result.variables],
          bindings: [],
          row_count: result.rowCount,
          ...(result.boolean === undefined ? {} : { boolean: result.boolean }),
        }
      : null,
    execution_time: result.executionTimeMs / 1_000,
    row_count: result.rowCount,
    explanation: result.explanation,
    confidence: result.confidence,
    completeness: { ...result.completeness },
    alternatives: result.alternatives.map(({ sparql, explanation, confidence }) => ({
      query: sparql,
      explanation,
      confidence,
    })),
    links: result.links.map((link) => ({ ...link })),
    not_understood: result.notUnderstood.map((span) => ({ ...span })),
    ...(result.clarification === undefined ? {} : { clarification: result.clarification }),
    warnings: result.warnings.map((warning) => ({ ...warning })),
  };
}
