import type { Binding } from "../rdf.js";
import { addLink, BLANK, compareText, IRI, linksByProperty, type ProfileDraft, propertyOf } from "./draft.js";
import { countIn, type Inquiry, iriIn, textIn } from "./inquiry.js";
import { askBatches, batchesOf, type PropertyBatch } from "./property-batches.js";
import { iriText } from "./sparql-terms.js";
import { isEmptyClass, isMetaClass, isMetaProperty, RDF_TYPE } from "./vocabulary.js";

const MAX_ROWS = 20_000;
/** Links of one batch of properties, the most frequent: where everything connects with everything, the rest says little. */
const MAX_LINKS = 5_000;
const MAX_SAMPLED_CLASSES = 200;
/** Instances looked at for each class, the next tried when the one before took too long. */
const SAMPLED_INSTANCES = [500, 50];

/** Of the budget: what finding kinds of objects, and then links, may have used by their end. */
const KINDS_SHARE = 0.5;
const LINKS_SHARE = 0.8;
/** Where classes are sampled one by one, there may be more of them than time. */
const SAMPLING_SHARE = 0.6;

/** The datatype of `?o`, or what else it is. Some endpoints give no datatype for text with a language. */
const KIND = `IF(isLiteral(?o), COALESCE(STR(DATATYPE(?o)), "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"), IF(isBlank(?o), "${BLANK}", "${IRI}"))`;

/** Finds, property by property, what kinds of objects there are and which classes a property connects. */
export async function measureLinks(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const batches = batchesOf(draft, draft.properties.keys());
  await askBatches(
    inquiry,
    draft,
    { batches, untilShare: KINDS_SHARE },
    ({ key, pattern }) => ({
      text: `SELECT ${key}?k (COUNT(*) AS ?n) WHERE { ${pattern} } GROUP BY ${key}(${KIND} AS ?k)`,
      variables: key === "" ? ["k", "n"] : ["p", "k", "n"],
      maxRows: MAX_ROWS,
      timeoutMs: 4_000,
    }),
    (batch, answer) => {
      for (const row of answer.rows) {
        const iri = propertyIn(row, batch);
        const kind = textIn(row, "k");
        if (iri === null || kind === null) continue;
        propertyOf(draft, iri).kinds.set(kind, scaled(row, batch.scale));
      }
    },
  );
  await askBatches(
    inquiry,
    draft,
    { batches, untilShare: LINKS_SHARE },
    ({ key, pattern }) => ({
      text: `SELECT ${key}?d ?r ?k (COUNT(*) AS ?n) WHERE { ${pattern} OPTIONAL { ?s a ?d } OPTIONAL { ?o a ?r } } GROUP BY ${key}?d ?r (${KIND} AS ?k) ORDER BY DESC(?n) ${key}?d ?r ?k LIMIT ${MAX_LINKS}`,
      variables: key === "" ? ["d", "r", "k", "n"] : ["p", "d", "r", "k", "n"],
      maxRows: MAX_ROWS,
      timeoutMs: 5_000,
    }),
    (batch, answer) => {
      for (const row of answer.rows)
        takeLink(draft, row, iriIn(row, "d"), propertyIn(row, batch), batch.scale);
    },
  );
}

function propertyIn(row: Binding, batch: PropertyBatch): string | null {
  return batch.key === "" ? (batch.properties[0] ?? null) : iriIn(row, "p");
}

function scaled(row: Binding, scale: number): number {
  return Math.round((countIn(row, "n") ?? 0) * scale);
}

function takeLink(
  draft: ProfileDraft,
  row: Binding,
  domain: string | null,
  property: string | null,
  scale: number,
): void {
  const kind = textIn(row, "k");
  if (domain === null || property === null || kind === null || !draft.classes.has(domain)) return;
  const range = iriIn(row, "r");
  // Ranges that are no classes of the profile (owl:NamedIndividual beside the real class) are dropped, not made null.
  if (range !== null && !draft.classes.has(range)) {
    if (isEmptyClass(range) || isMetaClass(range)) return;
  }
  addLink(draft, { domain, property, range, kind }, scaled(row, scale));
}

/**
 * Finds links class by class from some instances of each: for endpoints that cannot count. Counts are scaled up to
 * the class, and those of properties are sums of them where nothing better is known.
 */
export async function sampleClasses(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const known = new Set([...draft.links.values()].map((link) => link.domain));
  const classes = [...draft.classes]
    .filter(([iri]) => !known.has(iri))
    .sort(([a, left], [b, right]) => right.direct - left.direct || compareText(a, b));
  for (const [iri, { direct }] of classes.slice(0, MAX_SAMPLED_CLASSES)) {
    // The rest of the budget is for names and values, without which links are of little use.
    if (inquiry.past(SAMPLING_SHARE)) break;
    await sampleClass(inquiry, draft, iri, direct);
  }
  estimateProperties(draft);
}

async function sampleClass(
  inquiry: Inquiry,
  draft: ProfileDraft,
  iri: string,
  direct: number,
): Promise<void> {
  const text = iriText(iri);
  if (text === null) return;
  for (const size of SAMPLED_INSTANCES) {
    const answer = await inquiry.ask({
      text: `SELECT ?p ?r ?k (COUNT(*) AS ?n) WHERE { { SELECT ?s WHERE { ?s a ${text} } LIMIT ${size} } ?s ?p ?o OPTIONAL { ?o a ?r } } GROUP BY ?p ?r (${KIND} AS ?k)`,
      variables: ["p", "r", "k", "n"],
      maxRows: MAX_ROWS,
      timeoutMs: 2_000,
    });
    if (answer === null) continue;
    for (const row of answer.rows) {
      const property = iriIn(row, "p");
      if (property === null || property === RDF_TYPE || isMetaProperty(property, draft.ontology)) continue;
      takeLink(draft, row, iri, property, Math.max(1, direct / size));
    }
    return;
  }
}

function estimateProperties(draft: ProfileDraft): void {
  for (const [iri, links] of linksByProperty(draft)) {
    const property = propertyOf(draft, iri);
    if (property.kinds.size > 0) continue;
    const perWay = new Map<string, number>();
    for (const { domain, kind, count } of links) {
      // Several classes of one object repeat its triple: the largest of them is nearest to the truth.
      const way = `${kind} ${domain}`;
      perWay.set(way, Math.max(perWay.get(way) ?? 0, count));
    }
    for (const [way, count] of perWay) {
      const kind = way.slice(0, way.indexOf(" "));
      property.kinds.set(kind, (property.kinds.get(kind) ?? 0) + count);
    }
    if (property.count === 0)
      property.count = [...property.kinds.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Fills in declared domains and ranges of properties of which no link was seen, so that they can be asked at all. */
export function takeDeclaredLinks(draft: ProfileDraft): void {
  const measured = new Set([...draft.links.values()].map((link) => link.property));
  for (const [property, domains] of draft.domains) {
    const known = draft.properties.get(property);
    if (known === undefined || known.count === 0 || measured.has(property)) continue;
    for (const domain of domains) {
      if (!draft.classes.has(domain)) continue;
      const ranges = [...(draft.ranges.get(property) ?? [])];
      for (const range of ranges.length === 0 ? [null] : ranges) {
        const isClass = range === null || draft.classes.has(range);
        addLink(
          draft,
          { domain, property, range: isClass ? range : null, kind: isClass ? IRI : (range ?? IRI) },
          known.count,
        );
      }
    }
  }
}
