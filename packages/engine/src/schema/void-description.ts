import { addLink, IRI, type ProfileDraft, propertyOf } from "./draft.js";
import { countIn, type Inquiry, iriIn } from "./inquiry.js";
import { iriText } from "./sparql-terms.js";
import { isEmptyClass, isMetaClass, isMetaProperty, RDF_TYPE, VOID, VOID_EXT } from "./vocabulary.js";

const MAX_PARTITIONS = 20_000;
const PREFIXES = `PREFIX void: <${VOID}> PREFIX ext: <${VOID_EXT}>\n`;

/** The default graph and every named one: descriptions of large endpoints stand in a graph of their own. */
const anywhere = (pattern: string) => `{ { ${pattern} } UNION { GRAPH ?g { ${pattern} } } }`;

/**
 * Takes the statistics that an endpoint publishes of itself (W3C Note "Describing Linked Datasets with the VoID
 * Vocabulary", section 4.4 and 4.5, with the range partitions of the void-ext vocabulary). Only asked where counting
 * takes too long, and only believed when the endpoint has instances of the largest class that it describes: a
 * catalogue holds descriptions of other endpoints.
 */
export async function readVoid(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const classes = await readClassPartitions(inquiry);
  if (classes.size === 0 || !(await describesItself(inquiry, classes))) return;
  for (const [iri, count] of classes) {
    if (!isMetaClass(iri) && !isEmptyClass(iri)) draft.classes.set(iri, { direct: count, count });
  }
  await readPropertyPartitions(inquiry, draft);
  await readClassProperties(inquiry, draft);
  await readLinkSets(inquiry, draft);
}

async function readClassPartitions(inquiry: Inquiry): Promise<Map<string, number>> {
  const answer = await inquiry.ask({
    text: `${PREFIXES}SELECT ?c (MAX(?n) AS ?count) WHERE ${anywhere(
      "?d void:classPartition ?part . ?part void:class ?c ; void:entities ?n FILTER NOT EXISTS { ?d void:property ?any }",
    )} GROUP BY ?c ORDER BY DESC(?count) LIMIT ${MAX_PARTITIONS}`,
    variables: ["c", "count"],
    maxRows: MAX_PARTITIONS,
    timeoutMs: 4_000,
  });
  const classes = new Map<string, number>();
  for (const row of answer?.rows ?? []) {
    const iri = iriIn(row, "c");
    const count = countIn(row, "count");
    if (iri !== null && count !== null && count > 0) classes.set(iri, count);
  }
  return classes;
}

async function describesItself(inquiry: Inquiry, classes: ReadonlyMap<string, number>): Promise<boolean> {
  const [largest] = [...classes].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const text = largest === undefined ? null : iriText(largest[0]);
  if (text === null) return false;
  const answer = await inquiry.ask({
    text: `SELECT ?s WHERE { ?s a ${text} } LIMIT 1`,
    variables: ["s"],
    maxRows: 1,
    timeoutMs: 3_000,
  });
  return answer !== null && answer.rows.length > 0;
}

async function readPropertyPartitions(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: `${PREFIXES}SELECT ?p (MAX(?n) AS ?count) (MAX(?s) AS ?subjects) (MAX(?o) AS ?objects) WHERE ${anywhere(
      `?d void:propertyPartition ?part . ?part void:property ?p ; void:triples ?n FILTER NOT EXISTS { ?d void:class ?any }
      OPTIONAL { ?part void:distinctSubjects ?s } OPTIONAL { ?part void:distinctObjects ?o }`,
    )} GROUP BY ?p ORDER BY DESC(?count) LIMIT ${MAX_PARTITIONS}`,
    variables: ["p", "count", "subjects", "objects"],
    maxRows: MAX_PARTITIONS,
    timeoutMs: 4_000,
  });
  for (const row of answer?.rows ?? []) {
    const iri = iriIn(row, "p");
    if (iri === null || iri === RDF_TYPE || isMetaProperty(iri, draft.ontology)) continue;
    const property = propertyOf(draft, iri);
    property.count = countIn(row, "count") ?? 0;
    property.subjects = countIn(row, "subjects");
    property.objects = countIn(row, "objects");
  }
}

async function readClassProperties(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: `${PREFIXES}SELECT ?c ?p ?r ?dt (MAX(?n) AS ?count) WHERE ${anywhere(
      `?class void:class ?c ; void:propertyPartition ?part . ?part void:property ?p ; void:triples ?total
      OPTIONAL { { ?part void:classPartition ?range . ?range void:class ?r } UNION { ?part ext:datatypePartition ?range . ?range ext:datatype ?dt } OPTIONAL { ?range void:triples|void:entities ?m } }
      BIND(COALESCE(?m, ?total) AS ?n)`,
    )} GROUP BY ?c ?p ?r ?dt LIMIT ${MAX_PARTITIONS}`,
    variables: ["c", "p", "r", "dt", "count"],
    maxRows: MAX_PARTITIONS,
    timeoutMs: 5_000,
  });
  for (const row of answer?.rows ?? []) {
    const domain = iriIn(row, "c");
    const property = iriIn(row, "p");
    const count = countIn(row, "count");
    if (domain === null || property === null || count === null || !draft.classes.has(domain)) continue;
    if (property === RDF_TYPE || isMetaProperty(property, draft.ontology)) continue;
    const range = iriIn(row, "r");
    const kind = range === null ? (iriIn(row, "dt") ?? IRI) : IRI;
    addLink(draft, { domain, property, range, kind }, count);
    const known = propertyOf(draft, property);
    known.count = Math.max(known.count, count);
    known.kinds.set(kind, (known.kinds.get(kind) ?? 0) + count);
  }
}

async function readLinkSets(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: `${PREFIXES}SELECT ?c ?p ?r (MAX(?n) AS ?count) WHERE ${anywhere(
      "?set void:linkPredicate ?p ; void:subjectsTarget ?from ; void:objectsTarget ?to ; void:triples ?n . ?from void:class ?c . ?to void:class ?r",
    )} GROUP BY ?c ?p ?r LIMIT ${MAX_PARTITIONS}`,
    variables: ["c", "p", "r", "count"],
    maxRows: MAX_PARTITIONS,
    timeoutMs: 5_000,
  });
  for (const row of answer?.rows ?? []) {
    const domain = iriIn(row, "c");
    const property = iriIn(row, "p");
    const range = iriIn(row, "r");
    const count = countIn(row, "count");
    if (domain === null || property === null || range === null || count === null) continue;
    if (!draft.classes.has(domain) || draft.links.has(`${domain} ${property} ${range} ${IRI}`)) continue;
    addLink(draft, { domain, property, range, kind: IRI }, count);
    const known = propertyOf(draft, property);
    known.count = Math.max(known.count, count);
    known.kinds.set(IRI, Math.max(known.kinds.get(IRI) ?? 0, count));
  }
}
