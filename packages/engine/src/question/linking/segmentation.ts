import { type Analysis, isWeakWord } from "../analysis/analysis.js";
import type { Operator } from "../analysis/operators.js";
import type { LinkedSpan } from "./readings.js";

export interface Segmentation {
  readonly spans: readonly LinkedSpan[];
  readonly operators: readonly Operator[];
  /** Tokens that mean something and that nothing took. */
  readonly unknown: readonly number[];
  readonly score: number;
}

/** Words of operators that only join; names may stretch over them without taking anything away. */
const JOINING = new Set<Operator["kind"]>(["and", "or", "name", "possessive"]);
const LONGER_IS_BETTER = 1.35;

/**
 * Picks spans that do not overlap and cover the question best: a long name beats the names of its words. A few of the
 * best ways are kept. An operator that a longer name swallows whole ("Number of pages") is given up.
 */
export function segment(analysis: Analysis, spans: readonly LinkedSpan[], most = 3): Segmentation[] {
  const { tokens, operators } = analysis;
  const byEnd = new Map<number, LinkedSpan[]>();
  for (const span of spans) {
    if (cuts(span, operators)) continue;
    const known = byEnd.get(span.to);
    if (known === undefined) byEnd.set(span.to, [span]);
    else known.push(span);
  }
  interface Partial {
    readonly spans: readonly LinkedSpan[];
    readonly score: number;
  }
  const best: Partial[][] = [[{ spans: [], score: 0 }]];
  for (let end = 1; end <= tokens.length; end += 1) {
    const options: Partial[] = [...(best[end - 1] ?? [])];
    for (const span of byEnd.get(end) ?? []) {
      const gain = gainOf(analysis, span);
      for (const before of best[span.from] ?? []) {
        options.push({ spans: [...before.spans, span], score: before.score + gain });
      }
    }
    best[end] = options.sort((a, b) => b.score - a.score || a.spans.length - b.spans.length).slice(0, most);
  }
  return (best[tokens.length] ?? []).map(({ spans: taken, score }) => {
    const kept = operators.filter((operator) => !taken.some((span) => swallows(span, operator)));
    return { spans: taken, operators: kept, unknown: unknownTokens(analysis, taken, kept), score };
  });
}

function gainOf(analysis: Analysis, span: LinkedSpan): number {
  const words = analysis.tokens.slice(span.from, span.to);
  const weight = words.filter(
    (word, at) => analysis.content[span.from + at] && !isWeakWord(word, analysis.language),
  ).length;
  const score = span.readings[0]?.score ?? 0;
  return Math.max(0.4, weight) ** LONGER_IS_BETTER * score + (words.length > 1 && score >= 0.9 ? 0.2 : 0);
}

/** Whether a span takes a part of an operator, or a single word that is one. */
function cuts(span: LinkedSpan, operators: readonly Operator[]): boolean {
  return operators.some((operator) => {
    if (operator.to <= span.from || operator.from >= span.to || JOINING.has(operator.kind)) return false;
    return !swallows(span, operator);
  });
}

function swallows(span: LinkedSpan, operator: Operator): boolean {
  const inside = span.from <= operator.from && operator.to <= span.to;
  return (
    inside &&
    (span.to - span.from > operator.to - operator.from || operator.kind === "name") &&
    (span.readings[0]?.score ?? 0) >= 0.85
  );
}

function unknownTokens(
  analysis: Analysis,
  spans: readonly LinkedSpan[],
  operators: readonly Operator[],
): number[] {
  const taken = new Set<number>();
  for (const { from, to } of [...spans, ...operators]) for (let at = from; at < to; at += 1) taken.add(at);
  return analysis.tokens.flatMap((token, at) =>
    analysis.content[at] && !taken.has(at) && !isWeakWord(token, analysis.language) ? [at] : [],
  );
}
