import type { LabelPath, NamedText, ValueNodeProfile, ValueSample } from "../profile.js";

/** What is known of a class so far. */
interface ClassDraft {
  /** Nodes typed with exactly this class. */
  direct: number;
  /** Subclasses' instances included. */
  count: number;
}

/** What is known of a property so far; `null` where it was not (yet) found out. */
export interface PropertyDraft {
  count: number;
  subjects: number | null;
  objects: number | null;
  /** Datatype IRI, or `IRI` or `BLANK`, → triples. */
  readonly kinds: Map<string, number>;
  minimum: string | null;
  maximum: string | null;
  values: readonly ValueSample[];
  valuesComplete: boolean;
  inverse: string | null;
}

/** Kinds of objects that have no datatype. */
export const IRI = "iri";
export const BLANK = "bnode";

export interface LinkDraft {
  readonly domain: string;
  readonly property: string;
  readonly range: string | null;
  /** Datatype IRI, or `IRI` or `BLANK`. */
  readonly kind: string;
  count: number;
}

/** Everything that the steps of a profile find out, in maps that they share. Finished by `finishProfile`. */
export interface ProfileDraft {
  tripleCount: number | null;
  /** Whether every count is one, as opposed to an estimate from a sample or a description. */
  countable: boolean;
  /** The data are an ontology: its classes are what one asks for. */
  ontology: boolean;
  /** Classes of one typed node on average. */
  typesPerNode: number;
  readonly classes: Map<string, ClassDraft>;
  readonly properties: Map<string, PropertyDraft>;
  readonly links: Map<string, LinkDraft>;
  /** Class → its declared direct superclasses. */
  readonly superclasses: Map<string, Set<string>>;
  readonly domains: Map<string, Set<string>>;
  readonly ranges: Map<string, Set<string>>;
  readonly labels: Map<string, NamedText[]>;
  readonly comments: Map<string, string>;
  readonly prefixes: Map<string, string>;
  labelPredicates: readonly string[];
  alternativePredicates: readonly string[];
  readonly languages: Map<string, number>;
  valueNodes: ValueNodeProfile[];
  labelPaths: LabelPath[];
  /** Some IRIs of instances, to name their namespaces. */
  readonly sampleIris: Set<string>;
}

export function createDraft(): ProfileDraft {
  return {
    tripleCount: null,
    countable: false,
    ontology: false,
    typesPerNode: 1,
    classes: new Map(),
    properties: new Map(),
    links: new Map(),
    superclasses: new Map(),
    domains: new Map(),
    ranges: new Map(),
    labels: new Map(),
    comments: new Map(),
    prefixes: new Map(),
    labelPredicates: [],
    alternativePredicates: [],
    languages: new Map(),
    valueNodes: [],
    labelPaths: [],
    sampleIris: new Set(),
  };
}

export function propertyOf(draft: ProfileDraft, iri: string): PropertyDraft {
  let property = draft.properties.get(iri);
  if (property === undefined) {
    property = {
      count: 0,
      subjects: null,
      objects: null,
      kinds: new Map(),
      minimum: null,
      maximum: null,
      values: [],
      valuesComplete: false,
      inverse: null,
    };
    draft.properties.set(iri, property);
  }
  return property;
}

/** Adds to the count of one way from a class through a property. */
export function addLink(
  draft: ProfileDraft,
  way: { domain: string; property: string; range: string | null; kind: string },
  count: number,
): void {
  const key = `${way.domain} ${way.property} ${way.range ?? ""} ${way.kind}`;
  const known = draft.links.get(key);
  if (known === undefined) draft.links.set(key, { ...way, count });
  else known.count += count;
}

export function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

/** Code unit order: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Links of each property, in one pass. */
export function linksByProperty(draft: ProfileDraft): Map<string, LinkDraft[]> {
  return groupLinks(draft, (link) => link.property);
}

/** Links that leave each class, in one pass. */
export function linksByDomain(draft: ProfileDraft): Map<string, LinkDraft[]> {
  return groupLinks(draft, (link) => link.domain);
}

/** Links by what `keyOf` gives, those for which it gives `null` left out. */
export function groupLinks(
  draft: ProfileDraft,
  keyOf: (link: LinkDraft) => string | null,
): Map<string, LinkDraft[]> {
  const groups = new Map<string, LinkDraft[]>();
  for (const link of draft.links.values()) {
    const key = keyOf(link);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [link]);
    else group.push(link);
  }
  return groups;
}
