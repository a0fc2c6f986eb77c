import type { AnswerResult, Binding } from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";

type ResultPayload = ServerPayloads["query_result"];
type WireRow = NonNullable<ResultPayload["results"]>["bindings"][number];

/** The closing message of a run; `rows` are those that it carries (none where they were streamed). */
export function resultPayload(
  queryId: string,
  result: AnswerResult,
  rows: readonly Binding[],
): ResultPayload {
  return {
    query_id: queryId,
    query: result.query,
    results: result.executed
      ? {
          variables: [...result.variables],
          bindings: rows as WireRow[],
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
