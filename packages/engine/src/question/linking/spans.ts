import { type Analysis, isFunctionWord, isWeakWord } from "../analysis/analysis.js";

export interface CandidateSpan {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const MAX_SPANS = 60;
const MAX_WORDS = 7;

/**
 * Runs of words that may name something. The index is asked for at most 60: single words and quoted text first, then
 * longer runs, those with capital letters before others.
 */
export function candidateSpans(analysis: Analysis): CandidateSpan[] {
  const { tokens, question, language } = analysis;
  const found: (CandidateSpan & { readonly rank: number })[] = [];
  for (let from = 0; from < tokens.length; from += 1) {
    for (let to = from + 1; to <= Math.min(tokens.length, from + MAX_WORDS); to += 1) {
      const words = tokens.slice(from, to);
      const first = words[0];
      const last = words.at(-1);
      if (first === undefined || last === undefined || last.kind === "mark" || first.kind === "iri") {
        if (last?.kind === "mark") break;
        continue;
      }
      const single = words.length === 1;
      if (!single && words.some((word) => word.kind === "quoted" || word.kind === "iri")) break;
      const namedStart = first.capitalized && from > 0;
      if (isFunctionWord(last, language) || (isFunctionWord(first, language) && !namedStart)) continue;
      if (isFunctionWord(first, language) && single) continue;
      const weak = isWeakWord(first, language) && !first.capitalized && !isDemanded(analysis, from);
      if (single && (from < analysis.bodyFrom || weak)) continue;
      if (single && first.kind === "number" && !/\d{4,}/.test(first.text)) continue;
      if (from < analysis.bodyFrom && !first.capitalized) continue;
      const capitals = words.filter((word) => word.capitalized).length;
      const rank = words.length * 2 - capitals - (first.kind === "quoted" ? 10 : 0) + (single ? -6 : 0);
      const text = first.kind === "quoted" ? first.text : question.slice(first.start, last.end);
      found.push({ from, to, text, rank });
    }
  }
  return found
    .sort((a, b) => a.rank - b.rank || a.from - b.from)
    .slice(0, MAX_SPANS)
    .map(({ from, to, text }) => ({ from, to, text }));
}

/** Whether an operator needs the word at this place: "of each type". */
export function isDemanded({ operators }: Analysis, from: number): boolean {
  return operators.some(
    (operator) => operator.to === from && (operator.kind === "group" || operator.kind === "order"),
  );
}
