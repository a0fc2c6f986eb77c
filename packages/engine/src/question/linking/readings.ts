import type { LabelHit } from "../../labels.js";

/** A literal as it stands in the data. */
export interface LiteralValue {
  readonly value: string;
  readonly lang?: string;
  readonly datatype?: string;
}

/** What some words of the question may name. `score` is 0 to 1. */
export type Reading = { readonly label: string; readonly score: number } & (
  | { readonly kind: "class"; readonly iri: string }
  | { readonly kind: "property"; readonly iri: string }
  /** One or several things of the same name. */
  | { readonly kind: "entity"; readonly iris: readonly string[]; readonly classes: readonly string[] }
  | { readonly kind: "value"; readonly property: string; readonly values: readonly LiteralValue[] }
);

/** Words with everything that they may name, the best first. `from` and `to` are tokens, `to` exclusive. */
export interface LinkedSpan {
  readonly from: number;
  readonly to: number;
  readonly readings: readonly Reading[];
}

const EXACT_SCORE = 1;
const SCORE_OF_MATCH: Readonly<Record<LabelHit["match"], number>> = {
  exact: EXACT_SCORE,
  prefix: 0.62,
  tokens: 0.55,
  fuzzy: 0.5,
};
/** Things of one name that are taken together. */
const MAX_NAMESAKES = 60;

export interface SpanText {
  readonly text: string;
  readonly wordCount: number;
  readonly capitalized: boolean;
  readonly quoted: boolean;
}

/**
 * Groups the hits of one span into readings: things of one class with equally good matches are one reading. Loose
 * matches count only where the words look like a name, since every word begins the name of something.
 */
export function readingsOf(hits: readonly LabelHit[], span: SpanText): Reading[] {
  const entities = new Map<string, { hits: LabelHit[]; score: number }>();
  const values = new Map<string, { hits: LabelHit[]; score: number }>();
  for (const hit of hits) {
    if (hit.kind !== "entity" && hit.kind !== "value") continue;
    const score = scoreOf(hit, span);
    if (score === 0) continue;
    const group = hit.kind === "entity" ? entities : values;
    const key = hit.kind === "entity" ? [...hit.classes].sort().join(" ") : (hit.property ?? hit.iri);
    const known = group.get(key);
    if (known === undefined) group.set(key, { hits: [hit], score });
    else if (score > known.score + 0.05) group.set(key, { hits: [hit], score });
    else if (score >= known.score - 0.05 && known.hits.length < MAX_NAMESAKES) known.hits.push(hit);
  }
  const readings: Reading[] = [];
  for (const { hits: same, score } of entities.values()) {
    const first = same[0];
    if (first === undefined) continue;
    const iris = [...new Set(same.map((hit) => hit.iri))];
    readings.push({ kind: "entity", iris, classes: first.classes, label: first.label, score });
  }
  for (const [property, { hits: same, score }] of values) {
    const literals = same.map((hit) => ({
      value: hit.matched,
      ...(hit.lang === undefined ? {} : { lang: hit.lang }),
      ...(hit.datatype === undefined ? {} : { datatype: hit.datatype }),
    }));
    readings.push({
      kind: "value",
      property,
      values: literals,
      label: same[0]?.matched ?? "",
      score: score * 0.92,
    });
  }
  return readings.sort((a, b) => b.score - a.score || (a.label < b.label ? -1 : 1));
}

function scoreOf(hit: LabelHit, span: SpanText): number {
  const named = span.capitalized || span.quoted || span.wordCount > 1;
  if (hit.match === "exact") {
    // "cat" is hardly the gene CAT, nor "rest" the gene REST.
    const shouted =
      !span.capitalized &&
      !span.quoted &&
      hit.matched === hit.matched.toUpperCase() &&
      /\p{Lu}/u.test(hit.matched);
    return shouted ? 0.8 : EXACT_SCORE;
  }
  if (hit.kind === "value" || !named) return 0;
  if (hit.match === "tokens" && span.wordCount < 2 && !span.quoted) return 0;
  if (hit.match === "fuzzy" && !span.capitalized && !span.quoted) return 0;
  return SCORE_OF_MATCH[hit.match] * Math.min(1, 0.6 + hit.score * 0.4);
}
