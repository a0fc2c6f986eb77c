import type { LabelPath, ValueNodeProfile } from "../profile.js";
import { RDFS } from "../rdf.js";
import {
  BLANK,
  compareText,
  groupLinks,
  IRI,
  type LinkDraft,
  linksByDomain,
  linksByProperty,
  type ProfileDraft,
} from "./draft.js";
import { countIn, type Inquiry, iriIn, textIn } from "./inquiry.js";
import { nameLikeness, type TextBehaviour } from "./name-predicates.js";
import { iriText } from "./sparql-terms.js";
import { isOrdered, isText, RDF_TYPE } from "./vocabulary.js";

const MAX_UNITS = 100;
const SAMPLED_NODES = 300;
const MAX_BLANK_PROPERTIES = 100;
const MAX_LABEL_PATHS = 50;
/** Nodes that are there for their names belong to one thing each. */
const OWNED_SHARE = 0.9;

type RankedPath = LabelPath & { readonly rank: number };

/** What stands at the nodes of one kind: property → kind of object → triples. */
type Content = Map<string, Map<string, number>>;

/**
 * Finds the nodes that one passes through and never asks for: those that carry a number and its unit, and those that
 * carry the names of the thing they belong to.
 */
export async function findPassedNodes(
  inquiry: Inquiry,
  draft: ProfileDraft,
  behaviours: ReadonlyMap<string, TextBehaviour>,
): Promise<void> {
  const byDomain = linksByDomain(draft);
  const incoming = groupLinks(draft, (link) => link.range);
  const names = { draft, behaviours, byProperty: linksByProperty(draft) };
  const paths: RankedPath[] = [];
  for (const [iri, { direct }] of draft.classes) {
    const into = incoming.get(iri) ?? [];
    const links = byDomain.get(iri) ?? [];
    if (direct === 0 || into.length === 0 || links.length === 0) continue;
    const content: Content = new Map();
    for (const { property, kind, count } of links) addContent(content, property, kind, count);
    const via = [...new Set(into.map((link) => link.property))].sort();
    const node = valueNode(draft, iri, via, content);
    if (node !== null) draft.valueNodes.push(node);
    else paths.push(...labelPaths(names, content, into));
  }
  for (const { property, links } of blankLinks(draft).slice(0, MAX_BLANK_PROPERTIES)) {
    if (inquiry.past(0.98)) break;
    const content = await contentOfBlanks(inquiry, property);
    if (content === null) continue;
    const node = valueNode(draft, null, [property], content);
    if (node !== null) draft.valueNodes.push(node);
    else paths.push(...labelPaths(names, content, links));
  }
  draft.valueNodes = mergeBlanks(draft.valueNodes);
  paths.sort((a, b) => b.rank - a.rank || compareText(pathKey(a), pathKey(b)));
  draft.labelPaths = paths
    .slice(0, MAX_LABEL_PATHS)
    .map(({ class: domain, link, label }) => ({ class: domain, link, label }));
}

function pathKey(path: LabelPath): string {
  return `${path.class} ${path.link} ${path.label}`;
}

function addContent(content: Content, property: string, kind: string, count: number): void {
  const kinds = content.get(property) ?? new Map<string, number>();
  kinds.set(kind, Math.max(kinds.get(kind) ?? 0, count));
  content.set(property, kinds);
}

function valueNode(
  draft: ProfileDraft,
  iri: string | null,
  via: readonly string[],
  content: Content,
): ValueNodeProfile | null {
  const values: string[] = [];
  const units: string[] = [];
  for (const [property, kinds] of content) {
    if (property === `${RDFS}label` || property === `${RDFS}comment`) continue;
    if ([...kinds.keys()].every(isOrdered)) values.push(property);
    else if ((draft.properties.get(property)?.objects ?? Infinity) <= MAX_UNITS && kinds.size === 1)
      units.push(property);
    else return null;
  }
  const [valueProperty] = values;
  const [unitProperty] = units;
  if (valueProperty === undefined || values.length > 1 || units.length > 1) return null;
  const node = { class: iri, via, valueProperty };
  return unitProperty === undefined ? node : { ...node, unitProperty };
}

/** Blank nodes without a class that look alike are one kind of value node. */
function mergeBlanks(nodes: readonly ValueNodeProfile[]): ValueNodeProfile[] {
  const merged = new Map<string, ValueNodeProfile>();
  for (const node of nodes) {
    const key = `${node.class ?? ""} ${node.valueProperty} ${node.unitProperty ?? ""}`;
    const known = merged.get(key);
    merged.set(
      key,
      known === undefined ? node : { ...known, via: [...new Set([...known.via, ...node.via])].sort() },
    );
  }
  return [...merged].sort(([a], [b]) => compareText(a, b)).map(([, node]) => node);
}

interface NameEvidence {
  readonly draft: ProfileDraft;
  readonly behaviours: ReadonlyMap<string, TextBehaviour>;
  readonly byProperty: ReadonlyMap<string, readonly LinkDraft[]>;
}

function labelPaths(
  { draft, behaviours, byProperty }: NameEvidence,
  content: Content,
  into: readonly LinkDraft[],
): RankedPath[] {
  const names: { property: string; rank: number }[] = [];
  for (const [property, kinds] of content) {
    const behaviour = behaviours.get(property);
    if (behaviour === undefined || ![...kinds.keys()].every(isText)) return [];
    const likeness = nameLikeness(behaviour);
    const other = draft.alternativePredicates.includes(property);
    if (likeness < 0.2 && !other) return [];
    // A predicate that such nodes alone carry was made for them; a general one also names things in their own right.
    const domains = new Set(byProperty.get(property)?.map((link) => link.domain));
    names.push({ property, rank: likeness + (domains.size <= 1 ? 1 : 0) - (other ? 0.5 : 0) });
  }
  const paths = new Map<string, RankedPath>();
  for (const { domain, property: link } of into) {
    const known = draft.properties.get(link);
    const owned = known?.objects == null || known.objects >= OWNED_SHARE * known.count;
    if (!owned || domain === into[0]?.range) continue;
    for (const { property: label, rank } of names) {
      const path = { class: domain, link, label, rank };
      paths.set(pathKey(path), path);
    }
  }
  return [...paths.values()];
}

function blankLinks(draft: ProfileDraft): { property: string; links: LinkDraft[] }[] {
  const groups = groupLinks(draft, (link) =>
    link.kind === BLANK && link.range === null ? link.property : null,
  );
  return [...groups]
    .map(([property, links]) => ({ property, links }))
    .sort((a, b) => compareText(a.property, b.property));
}

async function contentOfBlanks(inquiry: Inquiry, property: string): Promise<Content | null> {
  const text = iriText(property);
  if (text === null) return null;
  const answer = await inquiry.ask({
    text: `SELECT ?q ?k (COUNT(*) AS ?n) WHERE { { SELECT ?b WHERE { ?s ${text} ?b FILTER(isBlank(?b)) } LIMIT ${SAMPLED_NODES} } ?b ?q ?v } GROUP BY ?q (IF(isLiteral(?v), STR(DATATYPE(?v)), "${IRI}") AS ?k)`,
    variables: ["q", "k", "n"],
    maxRows: 500,
    timeoutMs: 1_500,
  });
  if (answer === null || answer.rows.length === 0) return null;
  const content: Content = new Map();
  for (const row of answer.rows) {
    const inner = iriIn(row, "q");
    const kind = textIn(row, "k");
    if (inner === null || kind === null) return null;
    if (inner === RDF_TYPE) return null;
    addContent(content, inner, kind, countIn(row, "n") ?? 1);
  }
  return content;
}
