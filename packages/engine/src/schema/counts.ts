import type { Binding } from "../rdf.js";
import { compareText, type ProfileDraft, propertyOf } from "./draft.js";
import { type Answer, countIn, type Inquiry, iriIn } from "./inquiry.js";
import { iriList, iriText } from "./sparql-terms.js";
import { isEmptyClass, isMetaClass, isMetaProperty, RDF_TYPE } from "./vocabulary.js";

/** Beyond so many triples whole counts are not tried property by property: classes are sampled instead. */
const MAX_COUNTED_TRIPLES = 5_000_000;
const MAX_CLASSES = 2_000;
const MAX_PROPERTIES = 3_000;
/** Typed nodes and triples that stand for the whole where counting it takes too long. */
const SAMPLED_ROWS = 50_000;
const PROPERTIES_TIMEOUT_MS = 8_000;
/** Subclasses' instances are counted exactly for so many classes with so many typed nodes below them, else added up. */
const MAX_COUNTED_CLASSES = 100;
const MAX_COUNTED_INSTANCES = 300_000;
const SAMPLED_CLASSES = 20;
const SAMPLED_INSTANCES = 20;

/**
 * Grouping with distinct counts costs about this many times what counting all triples does, without them that many:
 * measured in the embedded engine. A question that would run into its timeout is not asked: there a timeout ends a
 * thread, and its data have to be loaded again.
 */
const DISTINCT_COST = 2.5;
const GROUP_COST = 1.3;

/**
 * Counts triples, classes and properties. Where the endpoint cannot count the whole in time, counts are taken from
 * its first rows: then the order is right at best, and `countable` stays false.
 */
export async function countEverything(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const startedAt = performance.now();
  const total = await inquiry.ask({
    text: "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }",
    variables: ["n"],
    maxRows: 1,
    timeoutMs: 6_000,
  });
  const countMs = performance.now() - startedAt;
  if (total?.whole) draft.tripleCount = countIn(total.rows[0], "n");
  await countClasses(inquiry, draft);
  if (draft.tripleCount !== null && draft.tripleCount <= MAX_COUNTED_TRIPLES) {
    draft.countable = await countProperties(inquiry, draft, countMs);
    await countTypes(inquiry, draft);
  }
}

/** Classes of one node on average: nodes with many make joins over their classes grow. */
async function countTypes(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: "SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?s) AS ?ns) WHERE { ?s a ?c }",
    variables: ["n", "ns"],
    maxRows: 1,
    timeoutMs: 4_000,
  });
  const nodes = countIn(answer?.rows[0], "ns") ?? 0;
  if (nodes > 0) draft.typesPerNode = (countIn(answer?.rows[0], "n") ?? nodes) / nodes;
}

async function countClasses(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const variables = ["c", "n"];
  const whole = await inquiry.ask({
    text: `SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c } GROUP BY ?c ORDER BY DESC(?n) LIMIT ${MAX_CLASSES}`,
    variables,
    maxRows: MAX_CLASSES,
    timeoutMs: 6_000,
  });
  const answer = whole?.whole
    ? whole
    : await inquiry.ask({
        text: `SELECT ?c (COUNT(*) AS ?n) WHERE { { SELECT ?c WHERE { ?s a ?c } LIMIT ${SAMPLED_ROWS} } } GROUP BY ?c`,
        variables,
        maxRows: MAX_CLASSES,
        timeoutMs: 4_000,
      });
  takeClasses(draft, answer?.rows ?? []);
}

/** Leaves out what describes the data, unless the data are nothing but such descriptions: an ontology. */
function takeClasses(draft: ProfileDraft, rows: readonly Binding[]): void {
  let metaCount = 0;
  let dataCount = 0;
  const counted = new Map<string, number>();
  for (const row of rows) {
    const iri = iriIn(row, "c");
    const count = countIn(row, "n") ?? 0;
    if (iri === null || count === 0 || isEmptyClass(iri)) continue;
    counted.set(iri, count);
    if (isMetaClass(iri)) metaCount += count;
    else dataCount += count;
  }
  draft.ontology = metaCount > dataCount * 2;
  for (const [iri, count] of counted) {
    if (draft.ontology || !isMetaClass(iri)) draft.classes.set(iri, { direct: count, count });
  }
}

async function countProperties(inquiry: Inquiry, draft: ProfileDraft, countMs: number): Promise<boolean> {
  const tail = `WHERE { ?s ?p ?o } GROUP BY ?p ORDER BY DESC(?n) LIMIT ${MAX_PROPERTIES}`;
  const variants = [
    {
      cost: DISTINCT_COST,
      select: "?p (COUNT(*) AS ?n) (COUNT(DISTINCT ?s) AS ?ns) (COUNT(DISTINCT ?o) AS ?no)",
    },
    { cost: GROUP_COST, select: "?p (COUNT(*) AS ?n)" },
  ];
  let answer: Answer | null = null;
  for (const { cost, select } of variants) {
    if (answer?.whole || countMs * cost > PROPERTIES_TIMEOUT_MS) continue;
    answer = await inquiry.ask({
      text: `SELECT ${select} ${tail}`,
      variables: ["p", "n", "ns", "no"],
      maxRows: MAX_PROPERTIES,
      timeoutMs: PROPERTIES_TIMEOUT_MS,
    });
  }
  if (answer === null || !answer.whole) return false;
  for (const row of answer.rows) {
    const iri = iriIn(row, "p");
    if (iri === null || iri === RDF_TYPE || isMetaProperty(iri, draft.ontology)) continue;
    const property = propertyOf(draft, iri);
    property.count = countIn(row, "n") ?? 0;
    property.subjects = countIn(row, "ns");
    property.objects = countIn(row, "no");
  }
  return true;
}

/** Instances of the subclasses of a class, counted once each. */
export async function countSubclasses(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const below = new Map<string, Set<string>>();
  for (const iri of draft.classes.keys()) {
    for (const above of superclassesOf(draft, iri)) {
      const group = below.get(above);
      if (group === undefined) below.set(above, new Set([above, iri]));
      else group.add(iri);
    }
  }
  // What is most populated is asked for most: the rest is estimated when there are too many to count.
  const sized = [...below].map(([iri, group]) => ({ iri, group, least: leastCount(draft, iri, group) }));
  sized.sort((a, b) => b.least.sum - a.least.sum || (a.iri < b.iri ? -1 : 1));
  for (const [at, { iri, group, least }] of sized.entries()) {
    const exactly =
      draft.countable && at < MAX_COUNTED_CLASSES && least.sum + least.direct <= MAX_COUNTED_INSTANCES;
    const counted = exactly && !inquiry.past(0.98) ? await countDistinct(inquiry, group) : null;
    const known = draft.classes.get(iri);
    const count = counted ?? Math.max(least.direct, least.sum);
    if (known !== undefined) known.count = count;
    else if (count > 0 && !isMetaClass(iri) && !isEmptyClass(iri))
      draft.classes.set(iri, { direct: 0, count });
  }
}

function leastCount(
  draft: ProfileDraft,
  iri: string,
  group: ReadonlySet<string>,
): { direct: number; sum: number } {
  const direct = draft.classes.get(iri)?.direct ?? 0;
  let sum = 0;
  for (const member of group) if (member !== iri) sum += draft.classes.get(member)?.direct ?? 0;
  return { direct, sum };
}

async function countDistinct(inquiry: Inquiry, classes: ReadonlySet<string>): Promise<number | null> {
  const answer = await inquiry.ask({
    text: `SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { VALUES ?c { ${iriList(classes)} } ?s a ?c }`,
    variables: ["n"],
    maxRows: 1,
    timeoutMs: 2_000,
  });
  return answer?.whole ? countIn(answer.rows[0], "n") : null;
}

/** All classes above one, itself left out; declared circles end. */
export function superclassesOf(draft: ProfileDraft, iri: string): Set<string> {
  const above = new Set<string>();
  const open = [iri];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const parent of draft.superclasses.get(next) ?? []) {
      if (parent === iri || above.has(parent)) continue;
      above.add(parent);
      open.push(parent);
    }
  }
  return above;
}

/** Looks at some instances of the largest classes, whose namespaces deserve prefixes. */
export async function sampleInstances(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const largest = [...draft.classes].sort(
    ([a, left], [b, right]) => right.direct - left.direct || compareText(a, b),
  );
  const parts: string[] = [];
  for (const [iri] of largest.slice(0, SAMPLED_CLASSES)) {
    const text = iriText(iri);
    if (text !== null) parts.push(`{ SELECT ?s WHERE { ?s a ${text} } LIMIT ${SAMPLED_INSTANCES} }`);
  }
  if (parts.length === 0) return;
  const answer = await inquiry.ask({
    text: `SELECT ?s WHERE { ${parts.join(" UNION ")} }`,
    variables: ["s"],
    maxRows: SAMPLED_CLASSES * SAMPLED_INSTANCES,
    timeoutMs: 2_000,
  });
  for (const row of answer?.rows ?? []) {
    const iri = iriIn(row, "s");
    if (iri !== null) draft.sampleIris.add(iri);
  }
}
