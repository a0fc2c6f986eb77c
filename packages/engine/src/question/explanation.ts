import type { QuestionSpan, SpanLink } from "../generator.js";
import type { Analysis } from "./analysis/analysis.js";
import type { Operator } from "./analysis/operators.js";
import type { QueryGraph } from "./graph/query-graph.js";
import type { MentionList } from "./linking/mentions.js";
import type { Pattern } from "./query/form.js";
import { serializePatterns } from "./query/serializer.js";

/** Characters of tokens; `to` exclusive. */
export function spanOf(analysis: Analysis, from: number, to: number): QuestionSpan {
  const start = analysis.tokens[from]?.start ?? 0;
  const end = Math.max(start, analysis.tokens[to - 1]?.end ?? start);
  return { start, end, text: analysis.question.slice(start, end) };
}

/** What each span became, in the order of the question. */
export function linksOf(
  analysis: Analysis,
  graph: QueryGraph,
  operators: readonly Operator[],
  patternsOf: ReadonlyMap<number, readonly Pattern[]>,
  prefixes: Readonly<Record<string, string>>,
): SpanLink[] {
  const links: SpanLink[] = graph.links
    .filter((link) => link.to > link.from)
    .map((link) => {
      const patterns = patternsOf.get(link.node) ?? [];
      const pattern = patterns.length === 0 ? undefined : serializePatterns(patterns, prefixes);
      const named = {
        ...spanOf(analysis, link.from, link.to),
        kind: link.kind,
        label: link.label,
        score: round(Math.min(1, link.score)),
      };
      return {
        ...named,
        ...(link.iri === undefined ? {} : { iri: link.iri }),
        ...(pattern === undefined ? {} : { pattern }),
      };
    });
  const taken = new Set(links.map((link) => link.start));
  for (const operator of operators) {
    const label = OPERATOR_LABELS[operator.kind];
    const span = spanOf(analysis, operator.from, operator.to);
    if (label !== null && !taken.has(span.start)) links.push({ ...span, kind: "operator", label, score: 1 });
  }
  return links.sort((a, b) => a.start - b.start || a.end - b.end);
}

const OPERATOR_LABELS: Readonly<Record<Operator["kind"], string | null>> = {
  count: "count",
  aggregate: "aggregate",
  quality: "quality",
  superlative: "superlative",
  extreme: "most or least",
  compare: "comparison",
  compare_with: "comparison",
  date: "time",
  limit: "limit",
  group: "for each",
  negation: "not",
  possessive: null,
  or: "or",
  and: null,
  name: "name",
  order: "order",
  direction: "order",
};

/** Words of the question that did not become a part of the query, neighbours together. */
export function notUnderstoodIn(analysis: Analysis, list: MentionList, graph: QueryGraph): QuestionSpan[] {
  const tokens = new Set(list.unknown);
  for (const { from, to } of graph.dropped)
    for (let at = from; at < to; at += 1) if (analysis.content[at]) tokens.add(at);
  const spans: QuestionSpan[] = [];
  const sorted = [...tokens].sort((a, b) => a - b);
  for (let at = 0; at < sorted.length; at += 1) {
    const from = sorted[at] ?? 0;
    let to = from + 1;
    while (sorted[at + 1] === to) {
      to += 1;
      at += 1;
    }
    spans.push(spanOf(analysis, from, to));
  }
  return spans;
}

/** One paragraph in plain words. */
export function explain(links: readonly SpanLink[], notUnderstood: readonly QuestionSpan[]): string {
  const seen = new Set<string>();
  const parts: string[] = [];
  for (const link of links) {
    if (link.kind === "operator" || seen.has(`${link.start} ${link.label}`)) continue;
    seen.add(`${link.start} ${link.label}`);
    parts.push(`“${link.text}” is taken for the ${NOUNS[link.kind]} “${link.label}”`);
  }
  const understood = parts.length === 0 ? "" : `${parts.join("; ")}.`;
  if (notUnderstood.length === 0) return understood;
  const missing = notUnderstood.map((span) => `“${span.text}”`).join(", ");
  return `${understood} Not understood: ${missing}.`.trim();
}

const NOUNS: Readonly<Record<SpanLink["kind"], string>> = {
  class: "class",
  property: "property",
  entity: "thing",
  value: "value",
  operator: "operator",
  type: "type",
};

/** From the share of the question that was understood, the links' scores and the margin to the next reading. */
export function confidenceOf(
  graph: QueryGraph,
  notUnderstoodCount: number,
  margin: number,
  trial: "rows" | "empty" | "failed" | null,
): number {
  const scores = graph.links.map((link) => Math.min(1, link.score));
  const linked = scores.length === 0 ? 0.3 : scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const coverage = scores.length / Math.max(1, scores.length + notUnderstoodCount);
  const ahead = 0.75 + 0.25 * Math.min(1, margin / 1.5);
  const tried = trial === "rows" ? 1 : trial === "empty" ? 0.6 : 0.7;
  return round(Math.max(0.02, Math.min(0.98, linked * coverage ** 1.5 * ahead * tried)));
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
