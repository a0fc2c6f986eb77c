import { BLANK, compareText, IRI, type ProfileDraft } from "./draft.js";
import { countIn, type Inquiry, iriIn } from "./inquiry.js";
import { iriText } from "./sparql-terms.js";
import { isMetaProperty, RDF_TYPE } from "./vocabulary.js";

const SAMPLED_PAIRS = 300;
const MIN_PAIRS = 3;
/** Of the sampled pairs, so many must stand the other way round too. */
const REVERSED_SHARE = 0.95;

/**
 * Finds properties that say the same the other way round: declared ones, and pairs whose triples stand both ways. A
 * symmetric property is its own inverse.
 */
export async function findInverses(
  inquiry: Inquiry,
  draft: ProfileDraft,
  declared: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [iri, inverse] of declared) {
    const property = draft.properties.get(iri);
    // An inverse without a single triple would lead every query astray.
    if (property !== undefined && (draft.properties.get(inverse)?.count ?? 0) > 0) property.inverse = inverse;
  }
  const candidates = [...draft.properties]
    .filter(([, property]) => property.inverse === null && linkedShare(property.kinds) >= 0.5)
    .sort(([a, left], [b, right]) => right.count - left.count || compareText(a, b));
  const mirrored = new Map<string, Map<string, number>>();
  for (const [iri] of candidates) {
    if (inquiry.past(0.97)) break;
    mirrored.set(iri, await mirrorsOf(inquiry, iri));
  }
  for (const [iri, mirrors] of mirrored) {
    let best: { iri: string; share: number } | null = null;
    for (const [other, share] of mirrors) {
      if (share < REVERSED_SHARE || isMetaProperty(other, draft.ontology)) continue;
      // Both ways: every "father" is a "parent" backwards, but not every "parent" a "father".
      if (other !== iri && (mirrored.get(other)?.get(iri) ?? 0) < REVERSED_SHARE) continue;
      if (best === null || share > best.share || (share === best.share && other < best.iri))
        best = { iri: other, share };
    }
    const property = draft.properties.get(iri);
    if (best !== null && property !== undefined) property.inverse = best.iri;
  }
}

function linkedShare(kinds: ReadonlyMap<string, number>): number {
  let all = 0;
  for (const count of kinds.values()) all += count;
  return all === 0 ? 0 : ((kinds.get(IRI) ?? 0) + (kinds.get(BLANK) ?? 0)) / all;
}

/** Properties by which the objects of this one lead back to its subjects, with the share of pairs for which they do. */
async function mirrorsOf(inquiry: Inquiry, iri: string): Promise<Map<string, number>> {
  const shares = new Map<string, number>();
  const text = iriText(iri);
  if (text === null) return shares;
  const pairs = `{ SELECT ?s ?o WHERE { ?s ${text} ?o FILTER(!isLiteral(?o) && ?s != ?o) } LIMIT ${SAMPLED_PAIRS} }`;
  const answer = await inquiry.ask({
    text: `SELECT ?q (COUNT(*) AS ?n) WHERE { ${pairs} OPTIONAL { ?o ?q ?s } } GROUP BY ?q`,
    variables: ["q", "n"],
    maxRows: 200,
    timeoutMs: 1_500,
  });
  if (answer === null || !answer.whole) return shares;
  let pairCount = 0;
  let reversed = 0;
  const counts = new Map<string, number>();
  for (const row of answer.rows) {
    const count = countIn(row, "n") ?? 0;
    const mirror = iriIn(row, "q");
    if (mirror === null) pairCount += count;
    else if (mirror !== RDF_TYPE) {
      counts.set(mirror, count);
      reversed = Math.max(reversed, count);
    }
  }
  // Pairs with several mirrors stand in several rows: the most frequent mirror and the unmirrored bound the pairs.
  pairCount += reversed;
  if (pairCount < MIN_PAIRS) return shares;
  for (const [mirror, count] of counts) shares.set(mirror, Math.min(1, count / pairCount));
  return shares;
}
