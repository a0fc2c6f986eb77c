import type { ValueSample } from "../profile.js";
import { type Binding, type LiteralTerm, XSD } from "../rdf.js";
import { BLANK, compareText, IRI, type ProfileDraft, type PropertyDraft } from "./draft.js";
import { countIn, type Inquiry, iriIn } from "./inquiry.js";
import { askBatches, batchesOf } from "./property-batches.js";
import { iriText } from "./sparql-terms.js";
import { isOrdered } from "./vocabulary.js";

/** Properties with at most so many distinct values keep them all. */
const MAX_KEPT_VALUES = 200;
const SAMPLE_VALUES = 20;
/** Longer values are no names of anything and are not kept. */
const MAX_VALUE_CHARACTERS = 120;
const SAMPLE_ROWS = 400;
/** In a sample, so few distinct values make it worth counting them all. */
const FEW_IN_SAMPLE = 60;

/** Of the budget: what collecting values, and then finding the least and the greatest, may have used by their end. */
const VALUES_SHARE = 0.9;
const RANGES_SHARE = 0.95;

/** What values of a property look like: the ground for deciding whether they are names. */
export interface ValueSampleRows {
  readonly literals: readonly LiteralTerm[];
  /** Triples of the sample, a subject's several values included. */
  readonly rowCount: number;
  readonly subjectCount: number;
}

/** The triples of a property that have a literal as object. */
export function literalCount(property: PropertyDraft): number {
  let count = 0;
  for (const [kind, triples] of property.kinds) if (kind !== IRI && kind !== BLANK) count += triples;
  return count;
}

/** The most frequent datatype of a property's literals. */
export function mainDatatype(property: PropertyDraft): string | null {
  let best: string | null = null;
  let most = 0;
  for (const [kind, count] of property.kinds) {
    if (kind === IRI || kind === BLANK || count < most || (count === most && best !== null && kind > best))
      continue;
    best = kind;
    most = count;
  }
  return best;
}

/** Finds the least and the greatest value of properties of numbers and dates. */
export async function measureRanges(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const byDatatype = new Map<string, string[]>();
  for (const [iri, property] of draft.properties) {
    const datatype = mainDatatype(property);
    if (datatype === null || !isOrdered(datatype)) continue;
    byDatatype.set(datatype, [...(byDatatype.get(datatype) ?? []), iri]);
  }
  for (const [datatype, properties] of byDatatype) {
    await askBatches(
      inquiry,
      draft,
      { batches: batchesOf(draft, properties), untilShare: RANGES_SHARE },
      ({ key, pattern }) => ({
        text: `SELECT ${key}(MIN(?o) AS ?least) (MAX(?o) AS ?greatest) WHERE { ${pattern} FILTER(DATATYPE(?o) = <${datatype}>) }${key === "" ? "" : " GROUP BY ?p"}`,
        variables: key === "" ? ["least", "greatest"] : ["p", "least", "greatest"],
        maxRows: 1_000,
        timeoutMs: 3_000,
      }),
      (batch, answer) => {
        for (const row of answer.rows) {
          const iri = batch.key === "" ? batch.properties[0] : iriIn(row, "p");
          const property = iri == null ? undefined : draft.properties.get(iri);
          const { least, greatest } = row as { least?: LiteralTerm; greatest?: LiteralTerm };
          if (property === undefined || least?.type !== "literal" || greatest?.type !== "literal") continue;
          property.minimum = least.value;
          property.maximum = greatest.value;
        }
      },
    );
  }
}

/**
 * Collects values of literal properties: all of them with their counts where they are few, else a sample. Gives the
 * sampled rows by property.
 */
export async function collectValues(
  inquiry: Inquiry,
  draft: ProfileDraft,
): Promise<ReadonlyMap<string, ValueSampleRows>> {
  const samples = new Map<string, ValueSampleRows>();
  const few: string[] = [];
  const many: string[] = [];
  const byCount = [...draft.properties].sort(
    ([a, left], [b, right]) => right.count - left.count || compareText(a, b),
  );
  for (const [iri, property] of byCount) {
    if (literalCount(property) === 0) continue;
    if (property.objects !== null && property.objects <= MAX_KEPT_VALUES) few.push(iri);
    else many.push(iri);
  }
  await countValues(inquiry, draft, few, samples);
  for (const iri of many) {
    if (inquiry.past(VALUES_SHARE)) break;
    await sampleProperty(inquiry, draft, iri, samples);
  }
  return samples;
}

async function countValues(
  inquiry: Inquiry,
  draft: ProfileDraft,
  properties: readonly string[],
  samples: Map<string, ValueSampleRows>,
): Promise<void> {
  await askBatches(
    inquiry,
    draft,
    { batches: batchesOf(draft, properties), untilShare: VALUES_SHARE },
    ({ key, pattern }) => ({
      text: `SELECT ${key}?o (COUNT(*) AS ?n) WHERE { ${pattern} FILTER(isLiteral(?o)) } GROUP BY ${key}?o`,
      variables: key === "" ? ["o", "n"] : ["p", "o", "n"],
      maxRows: 20_000,
      timeoutMs: 3_000,
    }),
    (batch, answer) => {
      const rows = new Map<string, { term: LiteralTerm; count: number }[]>();
      for (const row of answer.rows) {
        const iri = batch.key === "" ? batch.properties[0] : iriIn(row, "p");
        const term = row.o;
        if (iri == null || term?.type !== "literal") continue;
        const values = rows.get(iri) ?? [];
        values.push({ term, count: Math.round((countIn(row, "n") ?? 0) * batch.scale) });
        rows.set(iri, values);
      }
      for (const [iri, values] of rows) {
        const property = draft.properties.get(iri);
        if (property === undefined) continue;
        keepValues(property, values, batch.scale === 1);
        samples.set(iri, {
          literals: values.map(({ term }) => term),
          rowCount: property.count,
          subjectCount: property.subjects ?? property.count,
        });
      }
    },
  );
}

function keepValues(
  property: PropertyDraft,
  values: readonly { term: LiteralTerm; count: number }[],
  complete: boolean,
): void {
  const kept = values.filter(({ term }) => term.value.length <= MAX_VALUE_CHARACTERS).map(toSample);
  kept.sort(
    (a, b) => b.count - a.count || compareText(a.value, b.value) || compareText(a.lang ?? "", b.lang ?? ""),
  );
  property.values = kept.slice(0, MAX_KEPT_VALUES);
  property.valuesComplete = complete && kept.length === values.length && kept.length <= MAX_KEPT_VALUES;
}

function toSample({ term, count }: { term: LiteralTerm; count: number }): ValueSample {
  const lang = term["xml:lang"];
  if (lang !== undefined) return { value: term.value, lang, count };
  const { datatype } = term;
  if (datatype === undefined || datatype === `${XSD}string`) return { value: term.value, count };
  return { value: term.value, datatype, count };
}

async function sampleProperty(
  inquiry: Inquiry,
  draft: ProfileDraft,
  iri: string,
  samples: Map<string, ValueSampleRows>,
): Promise<void> {
  const property = draft.properties.get(iri);
  const text = iriText(iri);
  if (property === undefined || text === null) return;
  const answer = await inquiry.ask({
    text: `SELECT ?s ?o WHERE { ?s ${text} ?o FILTER(isLiteral(?o)) } LIMIT ${SAMPLE_ROWS}`,
    variables: ["s", "o"],
    maxRows: SAMPLE_ROWS,
    timeoutMs: 2_500,
  });
  if (answer === null) return;
  const sample = sampleOf(answer.rows);
  samples.set(iri, sample);
  const distinct = new Map<string, LiteralTerm>();
  for (const term of sample.literals)
    distinct.set(`${term["xml:lang"] ?? ""} ${term.datatype ?? ""} ${term.value}`, term);
  if (property.objects === null && distinct.size <= FEW_IN_SAMPLE && sample.rowCount >= SAMPLE_ROWS) {
    await countFewValues(inquiry, property, text);
  }
  if (property.values.length === 0) {
    const values = [...distinct.values()].sort((a, b) => compareText(a.value, b.value));
    keepValues(
      property,
      spread(values, SAMPLE_VALUES).map((term) => ({ term, count: 1 })),
      false,
    );
  }
}

function sampleOf(rows: readonly Binding[]): ValueSampleRows {
  const literals: LiteralTerm[] = [];
  const subjects = new Set<string>();
  for (const row of rows) {
    const subject = row.s;
    const object = row.o;
    if (object?.type === "literal") literals.push(object);
    if (subject?.type === "uri" || subject?.type === "bnode") subjects.add(subject.value);
  }
  return { literals, rowCount: literals.length, subjectCount: subjects.size };
}

async function countFewValues(inquiry: Inquiry, property: PropertyDraft, text: string): Promise<void> {
  const limit = MAX_KEPT_VALUES + 1;
  const answer = await inquiry.ask({
    text: `SELECT ?o (COUNT(*) AS ?n) WHERE { ?s ${text} ?o FILTER(isLiteral(?o)) } GROUP BY ?o ORDER BY DESC(?n) LIMIT ${limit}`,
    variables: ["o", "n"],
    maxRows: limit,
    timeoutMs: 2_500,
  });
  if (answer === null || !answer.whole) return;
  const values: { term: LiteralTerm; count: number }[] = [];
  for (const row of answer.rows) {
    const term = row.o;
    if (term?.type === "literal") values.push({ term, count: countIn(row, "n") ?? 1 });
  }
  if (values.length < limit) property.objects = values.length;
  keepValues(property, values, values.length < limit);
}

/** So many entries from all over a sorted list. */
function spread<T>(values: readonly T[], count: number): T[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, at) => values[Math.floor((at * values.length) / count)]).filter(
    (value) => value !== undefined,
  );
}
