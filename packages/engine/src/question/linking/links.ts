import type { LabelHit, LabelIndex } from "../../labels.js";
import { type Analysis, isWeakWord } from "../analysis/analysis.js";
import type { SchemaGraph } from "../graph/schema-graph.js";
import { lexiconOf, type SchemaLexicon } from "./lexicon.js";
import { type LinkedSpan, type Reading, readingsOf } from "./readings.js";
import { type CandidateSpan, candidateSpans, isDemanded } from "./spans.js";

const HITS_PER_SPAN = 40;
const MAX_READINGS = 5;
const SYNONYM_FACTOR = 0.82;

/** Asks the schema and the index of labels for every run of words that may name something. */
export async function linkSpans(
  analysis: Analysis,
  graph: SchemaGraph,
  labels: LabelIndex,
  signal: AbortSignal,
): Promise<LinkedSpan[]> {
  const lexicon = lexiconOf(graph.profile);
  const spans = candidateSpans(analysis);
  const texts: string[] = [];
  const owners: number[] = [];
  const ask = (span: number, text: string) => {
    texts.push(text);
    owners.push(span);
  };
  spans.forEach((span, at) => {
    ask(at, span.text);
    const place = analysis.language.demonyms.get(foldedText(analysis, span));
    if (place !== undefined) ask(at, place);
  });
  const found = await labels.searchMany(texts, {
    limit: HITS_PER_SPAN,
    kinds: ["entity", "value"],
    mode: "link",
    signal,
  });
  const hits: LabelHit[][] = spans.map(() => []);
  found.forEach((list, at) => {
    hits[owners[at] ?? 0]?.push(...list);
  });
  const linked: LinkedSpan[] = [];
  spans.forEach((span, at) => {
    const readings = [
      ...schemaReadings(analysis, span, lexicon, graph),
      ...entityReadings(analysis, span, hits[at] ?? []),
    ];
    const best = distinct(readings).slice(0, MAX_READINGS);
    if (best.length > 0) linked.push({ from: span.from, to: span.to, readings: best });
  });
  return linked.concat(iriSpans(analysis, graph));
}

function foldedText({ tokens }: Analysis, span: CandidateSpan): string {
  return tokens
    .slice(span.from, span.to)
    .map((token) => token.folded)
    .join(" ");
}

function entityReadings(analysis: Analysis, span: CandidateSpan, hits: readonly LabelHit[]): Reading[] {
  const words = analysis.tokens.slice(span.from, span.to);
  return readingsOf(hits, {
    text: span.text,
    wordCount: words.length,
    capitalized: words.some((word) => word.capitalized),
    quoted: words[0]?.kind === "quoted",
  });
}

/** Classes and properties by their names, then by what the language's tables say for the word. */
function schemaReadings(
  analysis: Analysis,
  span: CandidateSpan,
  lexicon: SchemaLexicon,
  graph: SchemaGraph,
): Reading[] {
  const words = analysis.tokens.slice(span.from, span.to);
  if (words.length > 5 || words[0]?.kind === "quoted") return [];
  if (words.slice(1, -1).some((word) => analysis.language.auxiliaries.has(word.folded))) return [];
  const folded = words.map((word) => word.folded).join(" ");
  const lemmas = words.map((word) => word.lemma).join(" ");
  const [only] = words.length === 1 ? words : [];
  const weak = only !== undefined && isWeakWord(only, analysis.language) && !isDemanded(analysis, span.from);
  const verb = words.length === 1 && (words[0]?.verb ?? false);
  const readings: Reading[] = [];
  const add = (phrase: string, factor: number) => {
    for (const { kind, iri, label, score } of lexicon.find(phrase)) {
      // A verb says what happens, hardly what kind of thing something is.
      const doubt = verb && kind === "class" ? 0.6 : 1;
      const total = score * factor * doubt;
      if (total >= 0.3) readings.push({ kind, iri, label, score: total });
    }
  };
  add(folded, 1);
  if (lemmas !== folded) add(lemmas, 1);
  if (weak) return readings.filter((reading) => reading.score >= 0.9);
  for (const key of new Set([folded, lemmas])) {
    analysis.language.synonyms.get(key)?.forEach((synonym, at) => {
      add(synonym, SYNONYM_FACTOR - at * 0.02);
    });
  }
  readings.push(...flags(folded, lexicon, graph));
  return readings;
}

/** "reviewed", "unreviewed": a property that is true or false. */
function flags(folded: string, lexicon: SchemaLexicon, graph: SchemaGraph): Reading[] {
  const readings: Reading[] = [];
  for (const [word, value] of [
    [folded, "true"],
    [folded.replace(/^(?:un|non ?|in)/, ""), "false"],
  ] as const) {
    if (value === "false" && word === folded) continue;
    for (const { kind, iri, label, score } of lexicon.find(word)) {
      if (kind !== "property" || graph.valueKindOf(iri) !== "boolean" || score < 0.8) continue;
      const datatype = graph.datatypeOf(iri);
      const literal = datatype === null ? { value } : { value, datatype };
      readings.push({ kind: "value", property: iri, values: [literal], label, score: score + 0.02 });
    }
  }
  return readings;
}

/** Addresses written out in the question. */
function iriSpans(analysis: Analysis, graph: SchemaGraph): LinkedSpan[] {
  return analysis.tokens.flatMap((token, from): LinkedSpan[] => {
    if (token.kind !== "iri") return [];
    const iri = token.text;
    const common = { label: iri, score: 1 };
    const reading: Reading =
      graph.classOf(iri) !== undefined
        ? { kind: "class", iri, ...common }
        : graph.propertyOf(iri) !== undefined
          ? { kind: "property", iri, ...common }
          : { kind: "entity", iris: [iri], classes: [], ...common };
    return [{ from, to: from + 1, readings: [reading] }];
  });
}

function distinct(readings: readonly Reading[]): Reading[] {
  const best = new Map<string, Reading>();
  for (const reading of readings) {
    const key =
      reading.kind === "entity"
        ? `e ${reading.iris.join(" ")}`
        : reading.kind === "value"
          ? `v ${reading.property}`
          : reading.iri;
    const known = best.get(key);
    if (known === undefined || known.score < reading.score) best.set(key, reading);
  }
  return [...best.values()].sort(
    (a, b) => b.score - a.score || priorOf(a) - priorOf(b) || (a.label < b.label ? -1 : 1),
  );
}

function priorOf(reading: Reading): number {
  return ["class", "property", "entity", "value"].indexOf(reading.kind);
}
