import type { ClassProfile, PropertyProfile, SchemaProfile, ValueNodeProfile } from "../../profile.js";
import { OWL, RDF, RDFS, SKOS } from "../../rdf.js";
import { localNameOf, splitName } from "../../terms/fold.js";
import { type ValueKind, valueKindOf } from "../linking/lexicon.js";

/** Nodes without a class. */
export const UNTYPED = "";

/** A way from a class through a property, in either direction. */
interface Hop {
  readonly property: string;
  /** From subject to object. */
  readonly forward: boolean;
  /** Class reached; `UNTYPED` for IRIs without one. */
  readonly to: string;
  readonly cost: number;
}

export interface Way {
  readonly hops: readonly Hop[];
  readonly cost: number;
}

/** Where a property leads from and to; one entry for each pair of classes, or kind of value. */
interface PropertyUse {
  readonly domain: string;
  /** `null` for literals. */
  readonly range: string | null;
  readonly datatype: string | null;
  readonly count: number;
}

/** The classes of an endpoint with the properties between them. */
export interface SchemaGraph {
  readonly profile: SchemaProfile;
  classOf(iri: string): ClassProfile | undefined;
  propertyOf(iri: string): PropertyProfile | undefined;
  usesOf(property: string): readonly PropertyUse[];
  /** Literal properties of nodes of these classes; of all classes for an empty list. */
  literalPropertiesOf(
    classes: readonly string[],
  ): readonly { readonly property: string; readonly count: number }[];
  valueKindOf(property: string): ValueKind;
  datatypeOf(property: string): string | null;
  /** Where a property leads to nodes that only carry a value: what carries it. */
  valueNodeOf(property: string): ValueNodeProfile | undefined;
  /** Where a property leads to nodes that are there for their names: the property of the name. */
  nameBehind(property: string): string | undefined;
  /** Whether a node may be of one of `a` and of one of `b`; an empty list is any class. */
  compatible(a: readonly string[], b: readonly string[]): boolean;
  isSubclass(narrow: string, wide: string): boolean;
  /** Whether nodes of a class only stand between others: they have no names of their own. */
  isTransit(iri: string): boolean;
  /** The property that leads from narrower to broader nodes of these classes, if there is one. */
  hierarchyOf(classes: readonly string[]): string | undefined;
  /** The cheapest ways between classes, the best first. */
  ways(from: readonly string[], to: readonly string[]): readonly Way[];
}

const NOT_WALKED: ReadonlySet<string> = new Set([
  `${RDF}type`,
  `${RDFS}label`,
  `${RDFS}comment`,
  `${RDFS}seeAlso`,
  `${RDFS}isDefinedBy`,
  `${OWL}sameAs`,
]);
const HIERARCHY = new Set([`${SKOS}broader`, `${SKOS}broaderTransitive`, `${RDFS}subClassOf`]);
const HIERARCHY_NAMES = /^(?:broader|has broader|parent term|is a|subclass of|narrower than)$/;

const MAX_HOPS = 4;
const MAX_COST = 4.2;
const MAX_WAYS = 4;
const MAX_EXPANSIONS = 3_000;
const TRANSIT_COST = 0.1;

const graphs = new WeakMap<SchemaProfile, SchemaGraph>();

export function schemaGraphOf(profile: SchemaProfile): SchemaGraph {
  let graph = graphs.get(profile);
  if (graph === undefined) {
    graph = createSchemaGraph(profile);
    graphs.set(profile, graph);
  }
  return graph;
}

interface Tables {
  readonly classes: ReadonlyMap<string, ClassProfile>;
  readonly properties: ReadonlyMap<string, PropertyProfile>;
  readonly uses: ReadonlyMap<string, PropertyUse[]>;
  readonly above: ReadonlyMap<string, ReadonlySet<string>>;
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
  readonly named: ReadonlySet<string>;
  readonly labelPredicates: ReadonlySet<string>;
}

function readTables(profile: SchemaProfile): Tables {
  const uses = new Map<string, PropertyUse[]>();
  const named = new Set<string>();
  const labelPredicates = new Set([...profile.labelPredicates, ...profile.alternativePredicates]);
  for (const { domain, property, range, datatype, count } of profile.links) {
    const literal = datatype !== null;
    const use = { domain, range: literal ? null : (range ?? UNTYPED), datatype, count };
    const known = uses.get(property);
    if (known === undefined) uses.set(property, [use]);
    else known.push(use);
    if (labelPredicates.has(property)) named.add(domain);
  }
  // A property of which no class is known belongs to nodes without a class.
  for (const property of profile.properties) {
    if (uses.has(property.iri)) continue;
    const datatype = property.kind === "object" ? null : (property.datatypes[0]?.iri ?? `${RDFS}Literal`);
    uses.set(property.iri, [
      { domain: UNTYPED, range: datatype === null ? UNTYPED : null, datatype, count: property.count },
    ]);
  }
  for (const path of profile.labelPaths) named.add(path.class);
  const above = new Map(profile.classes.map(({ iri, superclasses }) => [iri, new Set(superclasses)]));
  const below = new Map<string, Set<string>>();
  for (const [narrow, wide] of above) {
    for (const iri of wide) {
      const known = below.get(iri);
      if (known === undefined) below.set(iri, new Set([narrow]));
      else known.add(narrow);
    }
  }
  return {
    classes: new Map(profile.classes.map((entry) => [entry.iri, entry])),
    properties: new Map(profile.properties.map((entry) => [entry.iri, entry])),
    uses,
    above,
    below,
    named,
    labelPredicates,
  };
}

function createSchemaGraph(profile: SchemaProfile): SchemaGraph {
  const tables = readTables(profile);
  const hops = hopsOf(tables);
  const isSubclass = (narrow: string, wide: string) =>
    narrow === wide || (tables.above.get(narrow)?.has(wide) ?? false);
  const fits = (a: string, b: string) => a === b || isSubclass(a, b) || isSubclass(b, a);
  const compatible = (a: readonly string[], b: readonly string[]) =>
    a.length === 0 || b.length === 0 || a.some((x) => b.some((y) => fits(x, y)));
  const memo = new Map<string, readonly Way[]>();
  const kinds = new Map<string, ValueKind>();
  return {
    profile,
    classOf: (iri) => tables.classes.get(iri),
    propertyOf: (iri) => tables.properties.get(iri),
    usesOf: (property) => tables.uses.get(property) ?? [],
    literalPropertiesOf: (classes) => literalPropertiesOf(tables, classes, compatible),
    valueKindOf(property) {
      let kind = kinds.get(property);
      if (kind === undefined) {
        kind = kindOf(tables.properties.get(property));
        kinds.set(property, kind);
      }
      return kind;
    },
    datatypeOf: (property) => tables.properties.get(property)?.datatypes[0]?.iri ?? null,
    valueNodeOf: (property) =>
      // What has a name of its own is more than its value.
      profile.valueNodes.find(
        (node) => node.via.includes(property) && (node.class === null || !tables.named.has(node.class)),
      ),
    nameBehind: (property) => profile.labelPaths.find((path) => path.link === property)?.label,
    compatible,
    isSubclass,
    isTransit: (iri) => iri !== UNTYPED && !tables.named.has(iri),
    hierarchyOf: (classes) => hierarchyOf(tables, classes, compatible),
    ways(from, to) {
      const key = `${from.join(" ")}\n${to.join(" ")}`;
      let found = memo.get(key);
      if (found === undefined) {
        found = findWays(
          tables,
          hops,
          from,
          (reached) => to.length === 0 || to.some((iri) => fits(iri, reached)),
        );
        if (memo.size > 5_000) memo.clear();
        memo.set(key, found);
      }
      return found;
    },
  };
}

function kindOf(property: PropertyProfile | undefined): ValueKind {
  if (property === undefined) return "text";
  let best: ValueKind = "text";
  let most = 0;
  for (const { iri, count } of property.datatypes) {
    if (count <= most) continue;
    most = count;
    best = valueKindOf(iri);
  }
  return best;
}

/** Whether numbers of a property are years, by its name. */
export function holdsYears(graph: SchemaGraph, property: string): boolean {
  if (graph.valueKindOf(property) !== "number") return false;
  const profile = graph.propertyOf(property);
  const names = [splitName(localNameOf(property)), ...(profile?.labels ?? []).map((label) => label.text)];
  if (
    !names.some((name) =>
      /\b(?:years?|dates?|jahr|founded|born|published|released|since|made|created)\b/i.test(name),
    )
  )
    return false;
  const maximum = Number(profile?.maximum ?? 2000);
  return maximum <= 2200 && maximum > 31;
}

function literalPropertiesOf(
  tables: Tables,
  classes: readonly string[],
  compatible: SchemaGraph["compatible"],
): { property: string; count: number }[] {
  const found: { property: string; count: number }[] = [];
  for (const [property, uses] of tables.uses) {
    let count = 0;
    for (const use of uses) {
      if (use.range === null && (use.domain === UNTYPED || compatible(classes, [use.domain])))
        count += use.count;
    }
    if (count > 0) found.push({ property, count });
  }
  return found.sort((a, b) => b.count - a.count || (a.property < b.property ? -1 : 1));
}

function hierarchyOf(
  tables: Tables,
  classes: readonly string[],
  compatible: SchemaGraph["compatible"],
): string | undefined {
  for (const [iri, uses] of tables.uses) {
    const name = tables.properties.get(iri)?.labels[0]?.text ?? splitName(localNameOf(iri));
    if (!HIERARCHY.has(iri) && !HIERARCHY_NAMES.test(name.toLowerCase())) continue;
    const here = uses.some(
      (use) =>
        use.range !== null &&
        (use.domain === UNTYPED || compatible(classes, [use.domain])) &&
        (use.range === UNTYPED || compatible(classes, [use.range])),
    );
    if (here) return iri;
  }
  return undefined;
}

/** Cost of a step: one, plus what is rare about it. */
function stepCost(count: number, nodes: number): number {
  const usage = Math.min(1, Math.max(1e-4, count / Math.max(1, nodes)));
  return 1 + Math.min(1.2, -0.2 * Math.log(usage));
}

function hopsOf(tables: Tables): ReadonlyMap<string, readonly Hop[]> {
  const hops = new Map<string, Hop[]>();
  const add = (from: string, hop: Hop) => {
    const known = hops.get(from);
    if (known === undefined) hops.set(from, [hop]);
    else known.push(hop);
  };
  const size = (iri: string) => tables.classes.get(iri)?.count ?? 1_000;
  for (const [property, uses] of tables.uses) {
    if (NOT_WALKED.has(property) || tables.labelPredicates.has(property)) continue;
    for (const { domain, range, count } of uses) {
      if (range === null) continue;
      add(domain, { property, forward: true, to: range, cost: stepCost(count, size(domain)) });
      add(range, { property, forward: false, to: domain, cost: stepCost(count, size(range)) });
    }
  }
  for (const list of hops.values())
    list.sort((a, b) => a.cost - b.cost || (a.property < b.property ? -1 : 1));
  return hops;
}

interface Open {
  readonly at: string;
  readonly hops: readonly Hop[];
  readonly cost: number;
}

/** Uniform-cost search; nodes that only stand between others cost nearly nothing to pass. */
function findWays(
  tables: Tables,
  hops: ReadonlyMap<string, readonly Hop[]>,
  from: readonly string[],
  reached: (iri: string) => boolean,
): readonly Way[] {
  const found: Way[] = [];
  const starts = from.length === 0 ? [UNTYPED] : from;
  let open: Open[] = starts.map((at) => ({ at, hops: [], cost: 0 }));
  const passed = new Map<string, number>();
  for (let round = 0; round < MAX_EXPANSIONS && open.length > 0 && found.length < MAX_WAYS; round += 1) {
    let at = 0;
    for (let other = 1; other < open.length; other += 1) {
      if ((open[other]?.cost ?? 0) < (open[at]?.cost ?? 0)) at = other;
    }
    const [next] = open.splice(at, 1);
    if (next === undefined) break;
    if (next.hops.length > 0 && reached(next.at)) {
      found.push({ hops: next.hops, cost: next.cost });
      continue;
    }
    if (next.hops.length >= MAX_HOPS) continue;
    const times = (passed.get(next.at) ?? 0) + 1;
    passed.set(next.at, times);
    if (times > MAX_WAYS) continue;
    open.push(...expand(tables, hops, next));
    if (open.length > 4_000) open = open.sort((a, b) => a.cost - b.cost).slice(0, 2_000);
  }
  return found;
}

function expand(tables: Tables, hops: ReadonlyMap<string, readonly Hop[]>, from: Open): Open[] {
  const last = from.hops.at(-1);
  const transit = last !== undefined && from.at !== UNTYPED && !tables.named.has(from.at);
  const wide = [...(tables.above.get(from.at) ?? []), ...(tables.below.get(from.at) ?? [])];
  const next: Open[] = [];
  for (const at of [from.at, ...wide]) {
    for (const hop of hops.get(at) ?? []) {
      // Going back the way one came joins two nodes that share a value: true of too much to be meant.
      if (last !== undefined && last.property === hop.property && last.forward !== hop.forward) continue;
      // A node without a name links two things once; through a hub of them everything meets everything.
      if (last !== undefined && from.at === UNTYPED) continue;
      const cost =
        from.cost + (transit ? TRANSIT_COST + (hop.cost - 1) * 0.3 : hop.cost) + (at === from.at ? 0 : 0.1);
      if (cost <= MAX_COST) next.push({ at: hop.to, hops: [...from.hops, hop], cost });
    }
  }
  return next;
}
