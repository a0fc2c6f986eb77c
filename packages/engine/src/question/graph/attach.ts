import type { Analysis } from "../analysis/analysis.js";
import type { MeasureMention, NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import {
  addEdge,
  addNode,
  changeNode,
  type GraphNode,
  type QueryGraph,
  type UsedLink,
} from "./query-graph.js";
import type { SchemaGraph, Way } from "./schema-graph.js";
import { UNTYPED } from "./schema-graph.js";
import { WEIGHTS } from "./weights.js";

export interface Scope {
  readonly analysis: Analysis;
  readonly schema: SchemaGraph;
}

/** A graph with the node that a mention became. */
export interface Attached {
  readonly graph: QueryGraph;
  readonly node: number;
}

function classesOf(iri: string): readonly string[] {
  return iri === UNTYPED ? [] : [iri];
}

/** Nodes that a mention in this clause may hang on, what was said last first, with the cost of hanging there. */
function anchors(
  graph: QueryGraph,
  mention: { readonly negation: number; readonly from: number },
): { node: GraphNode; cost: number }[] {
  const open = graph.nodes.filter((node) => {
    if (node.kind !== "resource") return false;
    if (node.negation === mention.negation) return true;
    // What is denied is denied of what is asked for, not of things that the question names by the way.
    return (
      node.negation === 0 && (node.iris === undefined || graph.focus === null || node.id === graph.focus)
    );
  });
  return open.map((node) => {
    if (node.id === graph.recent) return { node, cost: 0 };
    if (node.id === graph.focus) return { node, cost: WEIGHTS.distance };
    return { node, cost: WEIGHTS.distance * (node.token < 0 ? 1.5 : 2) };
  });
}

/** Worth of a reading for the words that it takes. */
function worthOf(mention: { readonly from: number; readonly to: number }, score: number): number {
  return score * (WEIGHTS.understood + (mention.to - mention.from - 1) * WEIGHTS.furtherWord);
}

function withLink(graph: QueryGraph, link: UsedLink, change: number): QueryGraph {
  return { ...graph, links: [...graph.links, link], score: graph.score + change };
}

function nodeFor(
  scope: Scope,
  reading: Reading & { readonly kind: "class" | "entity" },
  mention: NameMention,
  broad: boolean,
): Omit<GraphNode, "id"> {
  const common = { kind: "resource", negation: mention.negation, token: mention.from } as const;
  if (reading.kind === "class") return { ...common, classes: [reading.iri], typed: reading.iri };
  const hierarchy =
    broad && reading.classes.length > 0 ? scope.schema.hierarchyOf(reading.classes) : undefined;
  const node = { ...common, classes: reading.classes, typed: null, iris: reading.iris, named: reading.label };
  return hierarchy === undefined ? node : { ...node, hierarchy };
}

function linkOf(reading: Reading, mention: NameMention, node: number): UsedLink {
  const { from, to } = mention;
  const common = { from, to, label: reading.label, score: reading.score, node };
  if (reading.kind === "class") return { ...common, kind: "class", iri: reading.iri };
  if (reading.kind === "property") return { ...common, kind: "property", iri: reading.iri };
  if (reading.kind === "value") return { ...common, kind: "value", iri: reading.property };
  const [iri] = reading.iris;
  return iri === undefined ? { ...common, kind: "entity" } : { ...common, kind: "entity", iri };
}

/** The first node of a graph. */
export function startWith(scope: Scope, reading: Reading, mention: NameMention): Attached[] {
  const { graph: empty } = { graph: emptyFor(mention) };
  if (reading.kind === "class" || reading.kind === "entity") {
    const [graph, node] = addNode(empty, nodeFor(scope, reading, mention, false));
    return [
      {
        graph: withLink(
          { ...graph, recent: node },
          linkOf(reading, mention, node),
          worthOf(mention, reading.score),
        ),
        node,
      },
    ];
  }
  if (reading.kind === "value") {
    return domainsOf(scope, reading.property).flatMap((domain) => {
      const [graph, subject] = addNode(empty, passed(domain, mention));
      return attachValue(scope, graph, subject, reading, mention);
    });
  }
  return useProperty(scope, empty, reading, mention);
}

function emptyFor(_: NameMention): QueryGraph {
  return {
    nodes: [],
    edges: [],
    focus: null,
    recent: -1,
    measures: [],
    beside: [],
    groups: [],
    links: [],
    score: 0,
    dropped: [],
  };
}

function passed(domain: string, mention: { readonly negation: number }): Omit<GraphNode, "id"> {
  return { kind: "resource", classes: classesOf(domain), typed: null, negation: mention.negation, token: -1 };
}

function domainsOf(scope: Scope, property: string): string[] {
  const counts = new Map<string, number>();
  for (const { domain, count } of scope.schema.usesOf(property))
    counts.set(domain, (counts.get(domain) ?? 0) + count);
  return mostSpecific(scope, counts).slice(0, 3);
}

/** Classes by their counts, without those that are only wider names of others with as many. */
function mostSpecific(scope: Scope, counts: ReadonlyMap<string, number>): string[] {
  const all = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return all
    .map(([iri]) => iri)
    .filter((iri) => !all.some(([other]) => other !== iri && scope.schema.isSubclass(iri, other)));
}

/** A property as the first thing named: a new subject and a new object. */
function useProperty(
  scope: Scope,
  empty: QueryGraph,
  reading: Reading & { kind: "property" },
  mention: NameMention,
): Attached[] {
  const found: Attached[] = [];
  for (const domain of domainsOf(scope, reading.iri)) {
    const [graph, subject] = addNode(empty, passed(domain, mention));
    for (const target of objectsOf(scope, graph, subject, reading, mention)) {
      found.push({
        graph: withLink(target.graph, linkOf(reading, mention, target.node), worthOf(mention, reading.score)),
        node: target.node,
      });
    }
  }
  return found;
}

/** Adds the object of a property to a subject: a literal, the value behind a value node, or a thing. */
function objectsOf(
  scope: Scope,
  graph: QueryGraph,
  subject: number,
  reading: { readonly iri: string; readonly label: string },
  mention: { readonly from: number; readonly negation: number },
): Attached[] {
  const { schema } = scope;
  const behind = schema.valueNodeOf(reading.iri)?.valueProperty ?? schema.nameBehind(reading.iri);
  const add = (node: Omit<GraphNode, "id">, path: readonly string[]): Attached => {
    const [next, object] = addNode(graph, node);
    return {
      graph: addEdge({ ...next, recent: object }, { subject, path, object, negation: mention.negation }),
      node: object,
    };
  };
  const common = {
    typed: null,
    negation: mention.negation,
    token: mention.from,
    named: reading.label,
  } as const;
  if (behind !== undefined) return [add({ ...common, kind: "literal", classes: [] }, [reading.iri, behind])];
  const uses = usesFrom(scope, reading.iri, graph.nodes[subject]?.classes ?? []);
  const ranges = new Map<string, number>();
  let literal = false;
  for (const { range, count } of uses) {
    if (range === null) literal = true;
    else ranges.set(range, (ranges.get(range) ?? 0) + count);
  }
  const found = mostSpecific(scope, ranges);
  const objects: Attached[] = [];
  if (found.length > 0)
    objects.push(
      add({ ...common, kind: "resource", classes: found.includes(UNTYPED) ? [] : found }, [reading.iri]),
    );
  if (literal) objects.push(add({ ...common, kind: "literal", classes: [] }, [reading.iri]));
  return objects;
}

function usesFrom(scope: Scope, property: string, classes: readonly string[]) {
  return scope.schema
    .usesOf(property)
    .filter((use) => use.domain === UNTYPED || scope.schema.compatible(classes, [use.domain]));
}

/** All places of a graph where a reading may be put. */
export function attach(scope: Scope, graph: QueryGraph, reading: Reading, mention: NameMention): Attached[] {
  const worth = worthOf(mention, reading.score);
  const placed: Attached[] = [];
  for (const edge of graph.edges) {
    // The property is there already: what was asked for is named twice ("in which year … die"), or it joins two things.
    if (
      reading.kind !== "property" ||
      edge.negation !== mention.negation ||
      !edge.path?.includes(reading.iri)
    )
      continue;
    const linked = withLink(graph, linkOf(reading, mention, edge.object), worth + WEIGHTS.sharedEdge);
    placed.push({ graph: linked, node: edge.object });
  }
  for (const { node, cost } of anchors(graph, mention)) {
    const found =
      reading.kind === "class" || reading.kind === "entity"
        ? attachThing(scope, graph, node, reading, mention)
        : reading.kind === "property"
          ? attachProperty(scope, graph, node, reading, mention)
          : attachValue(scope, graph, node.id, reading, mention);
    for (const { graph: next, node: at } of found) {
      const linked = reading.kind === "value" ? next : withLink(next, linkOf(reading, mention, at), worth);
      placed.push({ graph: { ...linked, score: linked.score - cost }, node: at });
    }
  }
  return placed;
}

function attachThing(
  scope: Scope,
  graph: QueryGraph,
  anchor: GraphNode,
  reading: Reading & { readonly kind: "class" | "entity" },
  mention: NameMention,
): Attached[] {
  const { schema } = scope;
  const classes = reading.kind === "class" ? [reading.iri] : reading.classes;
  const found: Attached[] = [];
  if (canUnify(scope, graph, anchor, reading, mention)) {
    // Narrower names only where the thing is a condition, not where its own attribute is asked.
    const broad = reading.kind === "entity" && hasSubject(graph, anchor.id);
    const node = nodeFor(scope, reading, mention, broad);
    const change: Partial<GraphNode> =
      reading.kind === "class"
        ? { typed: reading.iri, classes: narrowed(scope, anchor.classes, reading.iri), token: mention.from }
        : { ...node, negation: anchor.negation, typed: anchor.typed, token: mention.from };
    const next = changeNode(graph, anchor.id, change);
    found.push({
      graph: { ...next, recent: anchor.id, score: next.score + WEIGHTS.unified },
      node: anchor.id,
    });
  }
  for (const way of schema.ways(anchor.classes, classes)) {
    const [next, node] = addNode(graph, nodeFor(scope, reading, mention, true));
    const walked = walk(next, anchor.id, way, node, mention.negation);
    found.push({ graph: { ...walked, recent: node, score: walked.score - way.cost * WEIGHTS.way }, node });
  }
  if (
    found.length === 0 &&
    reading.kind === "entity" &&
    (classes.length === 0 || anchor.classes.length === 0)
  ) {
    const [next, node] = addNode(graph, nodeFor(scope, reading, mention, false));
    const joined = addEdge(next, {
      subject: anchor.id,
      path: null,
      object: node,
      negation: mention.negation,
    });
    found.push({ graph: { ...joined, recent: node, score: joined.score - WEIGHTS.anyProperty }, node });
  }
  return found;
}

function narrowed(scope: Scope, classes: readonly string[], iri: string): readonly string[] {
  return classes.length > 0 && classes.every((known) => scope.schema.isSubclass(known, iri))
    ? classes
    : [iri];
}

function hasSubject(graph: QueryGraph, node: number): boolean {
  return graph.edges.some((edge) => edge.object === node);
}

function canUnify(
  scope: Scope,
  graph: QueryGraph,
  anchor: GraphNode,
  reading: Reading & { readonly kind: "class" | "entity" },
  mention: NameMention,
): boolean {
  const classes = reading.kind === "class" ? [reading.iri] : reading.classes;
  if (anchor.negation !== mention.negation || anchor.values !== undefined) return false;
  if (!scope.schema.compatible(anchor.classes, classes)) return false;
  const adjacent = isAdjacent(scope, graph, anchor, mention);
  if (reading.kind === "class") {
    if (anchor.iris !== undefined) return adjacent || scope.analysis.form === "ask";
    return anchor.typed === null;
  }
  if (anchor.iris !== undefined) return false;
  if (anchor.id === graph.focus && scope.analysis.form === "select")
    return adjacent && anchor.typed !== null && graph.nodes.length > 1;
  return anchor.typed === null || adjacent;
}

/** "the river Nile", "the Nile river". */
function isAdjacent(scope: Scope, graph: QueryGraph, anchor: GraphNode, mention: NameMention): boolean {
  const link = graph.links.find((used) => used.node === anchor.id && used.kind !== "property");
  if (link === undefined) return false;
  const gap =
    link.to <= mention.from
      ? scope.analysis.tokens.slice(link.to, mention.from)
      : scope.analysis.tokens.slice(mention.to, link.from);
  return gap.length === 0;
}

/** Adds the edges of a way and the nodes that it passes. */
function walk(graph: QueryGraph, from: number, way: Way, to: number, negation: number): QueryGraph {
  let current = graph;
  let at = from;
  way.hops.forEach((hop, index) => {
    let next = to;
    if (index < way.hops.length - 1) {
      [current, next] = addNode(current, {
        kind: "resource",
        classes: classesOf(hop.to),
        typed: null,
        negation,
        token: -1,
      });
    }
    const [subject, object] = hop.forward ? [at, next] : [next, at];
    current = addEdge(current, { subject, path: [hop.property], object, negation });
    at = next;
  });
  return current;
}

function attachProperty(
  scope: Scope,
  graph: QueryGraph,
  anchor: GraphNode,
  reading: Reading & { readonly kind: "property" },
  mention: NameMention,
): Attached[] {
  const { schema } = scope;
  const found: Attached[] = [];
  const before = orderHint(scope, graph, anchor, mention);
  const domains = domainsOf(scope, reading.iri);
  const direct = domains.filter(
    (domain) => domain === UNTYPED || schema.compatible(anchor.classes, [domain]),
  );
  if (direct.length > 0) {
    for (const target of objectsOf(scope, graph, anchor.id, reading, mention)) {
      found.push({
        graph: { ...target.graph, score: target.graph.score + before.subject },
        node: target.node,
      });
    }
  } else {
    for (const domain of domains) {
      for (const way of schema.ways(anchor.classes, classesOf(domain)).slice(0, 2)) {
        const [next, subject] = addNode(graph, passed(domain, mention));
        const walked = walk(next, anchor.id, way, subject, mention.negation);
        for (const target of objectsOf(scope, walked, subject, reading, mention)) {
          found.push({
            graph: { ...target.graph, score: target.graph.score - way.cost * WEIGHTS.way },
            node: target.node,
          });
        }
      }
    }
  }
  found.push(...attachAgainst(scope, graph, anchor, reading, mention, before.object));
  return found;
}

/** What a property links to a thing that says what kind they are; narrower kinds count as well. */
export function thingsOfKind(
  scope: Scope,
  graph: QueryGraph,
  kind: number,
  property: string,
  mention: NameMention,
): Attached[] {
  const anchor = graph.nodes[kind];
  if (anchor === undefined) return [];
  const hierarchy = scope.schema.hierarchyOf(anchor.classes);
  const broad = hierarchy === undefined ? graph : changeNode(graph, kind, { hierarchy });
  const broadAnchor = broad.nodes[kind] ?? anchor;
  return attachAgainst(
    scope,
    broad,
    broadAnchor,
    { kind: "property", iri: property, label: "", score: 0 },
    mention,
    WEIGHTS.against,
  );
}

/** The anchor as the object of the property. */
function attachAgainst(
  scope: Scope,
  graph: QueryGraph,
  anchor: GraphNode,
  reading: Reading & { readonly kind: "property" },
  mention: NameMention,
  order: number,
): Attached[] {
  const { schema } = scope;
  const domains = new Map<string, number>();
  for (const { domain, range, count } of schema.usesOf(reading.iri)) {
    if (range === null || (range !== UNTYPED && !schema.compatible(anchor.classes, [range]))) continue;
    domains.set(domain, (domains.get(domain) ?? 0) + count);
  }
  if (domains.size === 0) return [];
  const classes = mostSpecific(scope, domains).filter((iri) => iri !== UNTYPED);
  const [next, subject] = addNode(graph, {
    kind: "resource",
    classes: domains.has(UNTYPED) ? [] : classes,
    typed: null,
    negation: mention.negation,
    token: mention.from,
  });
  const joined = addEdge(next, {
    subject,
    path: [reading.iri],
    object: anchor.id,
    negation: mention.negation,
  });
  return [
    { graph: { ...joined, recent: subject, score: joined.score - WEIGHTS.against + order }, node: subject },
  ];
}

/**
 * What the order of words says of a property beside a node: "the capital of X" makes what follows the owner,
 * "X's capital" and "X borders" what precedes, "painted by" neither.
 */
function orderHint(
  scope: Scope,
  graph: QueryGraph,
  anchor: GraphNode,
  mention: NameMention,
): { subject: number; object: number } {
  const { tokens, language } = scope.analysis;
  const next = tokens[mention.to]?.folded ?? "";
  const previous = graph.links.findLast((link) => link.node === anchor.id);
  // "population of the capital of": what stands before the first "of" is a value of what the second names.
  if (previous !== undefined && previous.to <= mention.from && previous.kind === "property") {
    const joined = tokens
      .slice(previous.to, mention.from)
      .some((token) => language.genitives.has(token.folded));
    if (joined && language.genitives.has(next))
      return { subject: -WEIGHTS.wordOrder, object: WEIGHTS.wordOrder * 2 };
  }
  // "is the capital of": the owner is still to come, so the anchor is the value.
  const verb = tokens[mention.to - 1]?.verb ?? false;
  if (
    !verb &&
    mention.to - mention.from >= 1 &&
    next === "of" &&
    previous !== undefined &&
    previous.to <= mention.from
  ) {
    return { subject: -WEIGHTS.wordOrder, object: WEIGHTS.wordOrder * 1.8 };
  }
  return { subject: WEIGHTS.wordOrder / 2, object: 0 };
}

function attachValue(
  scope: Scope,
  graph: QueryGraph,
  anchor: number,
  reading: Reading & { readonly kind: "value" },
  mention: NameMention,
): Attached[] {
  const { schema } = scope;
  const node = graph.nodes[anchor];
  if (node === undefined) return [];
  const put = (current: QueryGraph, subject: number, cost: number): Attached => {
    const [next, object] = addNode(current, {
      kind: "literal",
      classes: [],
      typed: null,
      values: reading.values,
      named: reading.label,
      negation: mention.negation,
      token: mention.from,
    });
    const joined = addEdge(next, { subject, path: [reading.property], object, negation: mention.negation });
    const linked = withLink(joined, linkOf(reading, mention, object), worthOf(mention, reading.score) - cost);
    return { graph: { ...linked, recent: anchor }, node: object };
  };
  const domains = domainsOf(scope, reading.property);
  if (domains.some((domain) => domain === UNTYPED || schema.compatible(node.classes, [domain])))
    return [put(graph, anchor, 0)];
  return domains.flatMap((domain) =>
    schema
      .ways(node.classes, classesOf(domain))
      .slice(0, 2)
      .map((way) => {
        const [next, subject] = addNode(graph, passed(domain, mention));
        return put(walk(next, anchor, way, subject, mention.negation), subject, way.cost * WEIGHTS.way);
      }),
  );
}

/** All places where a quality may be read off, with the node of its value. */
export function attachMeasure(
  scope: Scope,
  graph: QueryGraph,
  mention: MeasureMention,
): (Attached & { inverted: boolean; property: string })[] {
  const { schema } = scope;
  const found: (Attached & { inverted: boolean; property: string })[] = [];
  for (const measure of mention.properties) {
    const property = measure.path[0];
    if (property === undefined) continue;
    const domains = domainsOf(scope, property);
    const last = measure.path.at(-1) ?? property;
    for (const { node: anchor, cost } of anchors(graph, mention)) {
      // What is known to be one thing has one value: nothing to choose or order by.
      if (mention.constraint !== null && anchor.iris !== undefined && scope.analysis.form === "select")
        continue;
      const put = (current: QueryGraph, subject: number, price: number) => {
        const label = schema.propertyOf(property)?.labels[0]?.text ?? property;
        const [next, value] = addNode(current, {
          kind: "literal",
          classes: [],
          typed: null,
          named: label,
          negation: mention.negation,
          token: mention.from,
        });
        const joined = addEdge(next, {
          subject,
          path: measure.path,
          object: value,
          negation: mention.negation,
        });
        const link: UsedLink = {
          from: mention.from,
          to: mention.to,
          kind: "property",
          iri: property,
          label,
          score: measure.score,
          node: value,
        };
        const graphed = withLink(joined, link, WEIGHTS.understood * measure.score - cost - price);
        found.push({ graph: graphed, node: value, inverted: measure.inverted, property: last });
      };
      const existing = graph.edges.find(
        (edge) => edge.subject === anchor.id && edge.path?.join(" ") === measure.path.join(" "),
      );
      if (existing !== undefined && existing.negation === mention.negation) {
        found.push({
          graph: { ...graph, score: graph.score + WEIGHTS.understood * measure.score - cost },
          node: existing.object,
          inverted: measure.inverted,
          property: last,
        });
        continue;
      }
      if (domains.some((domain) => domain === UNTYPED || schema.compatible(anchor.classes, [domain]))) {
        put(graph, anchor.id, 0);
        continue;
      }
      for (const domain of domains) {
        const [way] = schema.ways(anchor.classes, classesOf(domain));
        if (way === undefined || way.hops.length > 2) continue;
        const [next, subject] = addNode(graph, passed(domain, mention));
        put(walk(next, anchor.id, way, subject, mention.negation), subject, way.cost * WEIGHTS.way);
      }
    }
  }
  return found;
}
