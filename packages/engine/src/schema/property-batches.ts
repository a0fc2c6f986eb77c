import { compareText, type ProfileDraft } from "./draft.js";
import type { Answer, Inquiry, Question } from "./inquiry.js";
import { iriText } from "./sparql-terms.js";

/** Triples that one question reads whole; more are sampled. Some 15 µs a triple in the embedded engine. */
const WHOLE_TRIPLES = 30_000;
/** Few-valued properties lie sorted by value, so their first triples would show the subjects of one value only. */
const WHOLE_TRIPLES_FEW_VALUES = 200_000;
const FEW_VALUES = 1_000;
const BATCH_TRIPLES = 60_000;
const BATCH_PROPERTIES = 50;
/** Sample sizes, the next tried when the one before took too long. */
const SAMPLE_TRIPLES = [10_000, 1_000];

/** Triples of some properties, as a group pattern that binds `?s`, `?o` and, for several properties, `?p`. */
export interface PropertyBatch {
  readonly properties: readonly string[];
  readonly pattern: string;
  /** `?p ` where the pattern binds it, else empty: put before the other variables and grouping keys. */
  readonly key: string;
  /** Triples that one row stands for: 1 unless the pattern is a sample. */
  readonly scale: number;
  readonly level: number;
}

/** A triple between nodes of several classes is several rows of a join with both; up to two each are accounted for. */
function rowsPerTriple(draft: ProfileDraft): number {
  return Math.max(1, draft.typesPerNode ** 2 / 4);
}

/** Small properties together, large ones alone, very large ones as a sample. */
export function batchesOf(draft: ProfileDraft, properties: Iterable<string>): PropertyBatch[] {
  const rows = rowsPerTriple(draft);
  const small: { iri: string; count: number }[] = [];
  const batches: PropertyBatch[] = [];
  for (const iri of properties) {
    const known = draft.properties.get(iri);
    if (known === undefined || iriText(iri) === null) continue;
    if (known.count * rows <= WHOLE_TRIPLES) small.push({ iri, count: known.count });
    else if (known.count * rows <= WHOLE_TRIPLES_FEW_VALUES && (known.objects ?? Infinity) <= FEW_VALUES) {
      batches.push(wholeBatch([iri]));
    } else batches.push(sampleBatch(draft, iri, 0));
  }
  small.sort((a, b) => b.count - a.count || compareText(a.iri, b.iri));
  let group: string[] = [];
  let triples = 0;
  for (const { iri, count } of small) {
    if (group.length > 0 && (group.length >= BATCH_PROPERTIES || (triples + count) * rows > BATCH_TRIPLES)) {
      batches.push(wholeBatch(group));
      group = [];
      triples = 0;
    }
    group.push(iri);
    triples += count;
  }
  if (group.length > 0) batches.push(wholeBatch(group));
  return batches;
}

function wholeBatch(properties: readonly string[]): PropertyBatch {
  const [only] = properties;
  if (properties.length === 1 && only !== undefined) {
    return { properties, pattern: `?s ${iriText(only)} ?o .`, key: "", scale: 1, level: -1 };
  }
  const list = properties.map(iriText).join(" ");
  return { properties, pattern: `VALUES ?p { ${list} } ?s ?p ?o .`, key: "?p ", scale: 1, level: -1 };
}

function sampleBatch(draft: ProfileDraft, iri: string, level: number): PropertyBatch {
  const size = Math.max(100, Math.round((SAMPLE_TRIPLES[level] ?? 1) / rowsPerTriple(draft)));
  const count = draft.properties.get(iri)?.count ?? 1;
  const pattern = `{ SELECT ?s ?o WHERE { ?s ${iriText(iri)} ?o } LIMIT ${size} }`;
  return { properties: [iri], pattern, key: "", scale: Math.max(1, count / size), level };
}

/**
 * Asks one question for each batch. A batch without an answer is asked again in smaller parts: its properties one by
 * one, then samples of them.
 */
export async function askBatches(
  inquiry: Inquiry,
  draft: ProfileDraft,
  { batches, untilShare }: { readonly batches: readonly PropertyBatch[]; readonly untilShare: number },
  question: (batch: PropertyBatch) => Question,
  take: (batch: PropertyBatch, answer: Answer) => void,
): Promise<void> {
  const open = [...batches].reverse();
  for (let batch = open.pop(); batch !== undefined; batch = open.pop()) {
    if (inquiry.past(untilShare)) return;
    const answer = await inquiry.ask(question(batch));
    if (answer?.whole) take(batch, answer);
    else if (inquiry.remainingMs() > 0) open.push(...smaller(draft, batch));
  }
}

function smaller(draft: ProfileDraft, batch: PropertyBatch): PropertyBatch[] {
  const [only] = batch.properties;
  if (batch.properties.length > 1) return batch.properties.map((iri) => wholeBatch([iri]));
  if (only === undefined || batch.level + 1 >= SAMPLE_TRIPLES.length) return [];
  return [sampleBatch(draft, only, batch.level + 1)];
}
