import type { Analysis } from "../analysis/analysis.js";
import type { NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import { addEdge, addNode, type GraphNode, type QueryGraph, type UsedLink } from "./query-graph.js";
import { type SchemaGraph, UNTYPED, type Way } from "./schema-graph.js";
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

export function classesOf(iri: string): readonly string[] {
  return iri === UNTYPED ? [] : [iri];
}

/** Nodes that a mention in this clause may hang on, what was said last first, with the cost of hanging there. */
export function anchors(
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
export function worthOf(mention: { readonly from: number; readonly to: number }, score: number): number {
  return score * (WEIGHTS.understood + (mention.to - mention.from - 1) * WEIGHTS.furtherWord);
}

export function withLink(graph: QueryGraph, link: UsedLink, change: number): QueryGraph {
  return { ...graph, links: [...graph.links, link], score: graph.score + change };
}

export function linkOf(reading: Reading, mention: NameMention, node: number): UsedLink {
  const { from, to } = mention;
  const common = { from, to, label: reading.label, score: reading.score, node };
  if (reading.kind === "class") return { ...common, kind: "class", iri: reading.iri };
  if (reading.kind === "property") return { ...common, kind: "property", iri: reading.iri };
  if (reading.kind === "value") return { ...common, kind: "value", iri: reading.property };
  const [iri] = reading.iris;
  return iri === undefined ? { ...common, kind: "entity" } : { ...common, kind: "entity", iri };
}

export function passed(domain: string, mention: { readonly negation: number }): Omit<GraphNode, "id"> {
  return { kind: "resource", classes: classesOf(domain), typed: null, negation: mention.negation, token: -1 };
}

export function domainsOf(scope: Scope, property: string): string[] {
  const counts = new Map<string, number>();
  for (const { domain, count } of scope.schema.usesOf(property))
    counts.set(domain, (counts.get(domain) ?? 0) + count);
  return mostSpecific(scope, counts).slice(0, 3);
}

/** Classes by their counts, without those that are only wider names of others with as many. */
export function mostSpecific(scope: Scope, counts: ReadonlyMap<string, number>): string[] {
  const all = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return all
    .map(([iri]) => iri)
    .filter((iri) => !all.some(([other]) => other !== iri && scope.schema.isSubclass(iri, other)));
}

/** Adds the edges of a way and the nodes that it passes. */
export function walk(graph: QueryGraph, from: number, way: Way, to: number, negation: number): QueryGraph {
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
