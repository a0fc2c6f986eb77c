import type { ParsedQuery, SparqlToken, TextEdit } from "./syntax.js";
import { rangeOf } from "./syntax.js";

function numberAfterLimit(
  tokens: readonly SparqlToken[],
  start: number,
  end: number,
): SparqlToken | undefined {
  const limit = tokens.findIndex(
    (token) => token.start >= start && token.end <= end && /^limit$/i.test(token.image),
  );
  return limit < 0 ? undefined : tokens[limit + 1];
}

/**
 * The edit that gives a SELECT a LIMIT of one row more than `maxRows`, so that a cut shows; `null` when its own
 * LIMIT is not above `maxRows`, or for another form of query. CONSTRUCT and DESCRIBE are left alone: LIMIT counts
 * solutions there, not triples, and would drop triples without a sign; their executor counts what arrives.
 */
export function limitEdit({ ast, tokens }: ParsedQuery, maxRows: number): TextEdit | null {
  if (ast.subType !== "select") return null;
  const clause = ast.solutionModifiers.limitOffset;
  const range = clause === undefined ? null : rangeOf(clause);
  if (clause?.limit !== undefined && range !== null) {
    if (clause.limit <= maxRows) return null;
    const number = numberAfterLimit(tokens, range.start, range.end);
    if (number !== undefined) return { start: number.start, end: number.end, replacement: `${maxRows + 1}` };
  }
  const values = ast.values === undefined ? null : rangeOf(ast.values);
  // Before a comment at the end, which has no line break after it.
  if (values === null) {
    const end = tokens.at(-1)?.end ?? 0;
    return { start: end, end, replacement: ` LIMIT ${maxRows + 1}` };
  }
  return { start: values.start, end: values.start, replacement: `LIMIT ${maxRows + 1} ` };
}
