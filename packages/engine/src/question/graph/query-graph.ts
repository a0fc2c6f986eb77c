import type { Constraint } from "../linking/mentions.js";
import type { LiteralValue } from "../linking/readings.js";

export interface GraphNode {
  readonly id: number;
  readonly kind: "resource" | "literal";
  /** What the node may be an instance of; empty when nothing is known. */
  readonly classes: readonly string[];
  /** Set when the question names the class: then the query says so. */
  readonly typed: string | null;
  /** The things that it is, when the question names them. */
  readonly iris?: readonly string[];
  readonly values?: readonly LiteralValue[];
  /** Anything that lies below the named things along this property counts as well. */
  readonly hierarchy?: string;
  /** What the variable is called after, where the class says too little. */
  readonly named?: string;
  /** 0: asserted; else the negated clause that introduced it. */
  readonly negation: number;
  /** Token of the question that introduced it; -1 when it was only passed. */
  readonly token: number;
}

export interface GraphEdge {
  readonly subject: number;
  /** Properties one after the other; `null` when only some property is known to hold. */
  readonly path: readonly string[] | null;
  readonly object: number;
  readonly negation: number;
}

/** A condition or an order on the value of a node. */
export interface Measure {
  readonly node: number;
  readonly constraint: Constraint;
  /** Compare how many of the node there are, not its value. */
  readonly counted: boolean;
  readonly inverted: boolean;
  /** Property that gave the value, for units and datatypes. */
  readonly property: string | null;
  /** With `versus`: the node of the other thing's value. */
  readonly other?: number;
}

/** A link that was used, for the explanation. */
export interface UsedLink {
  readonly from: number;
  readonly to: number;
  readonly kind: "class" | "property" | "entity" | "value";
  readonly iri?: string;
  readonly label: string;
  readonly score: number;
  /** The node that it became, or belongs to. */
  readonly node: number;
}

/** One reading of the question as a graph, built up mention by mention. Immutable. */
export interface QueryGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** What is asked for; `null` for yes-no questions about named things. */
  readonly focus: number | null;
  readonly recent: number;
  readonly measures: readonly Measure[];
  readonly beside: readonly number[];
  readonly groups: readonly number[];
  readonly links: readonly UsedLink[];
  /** Worth of the words understood, less the cost of how they were joined. */
  readonly score: number;
  /** Mentions that found no place. */
  readonly dropped: readonly { readonly from: number; readonly to: number }[];
}

export function addNode(graph: QueryGraph, node: Omit<GraphNode, "id">): [QueryGraph, number] {
  const id = graph.nodes.length;
  return [{ ...graph, nodes: [...graph.nodes, { ...node, id }] }, id];
}

export function addEdge(graph: QueryGraph, edge: GraphEdge): QueryGraph {
  const known = graph.edges.some(
    (other) =>
      other.subject === edge.subject &&
      other.object === edge.object &&
      other.negation === edge.negation &&
      other.path?.join(" ") === edge.path?.join(" "),
  );
  return known ? graph : { ...graph, edges: [...graph.edges, edge] };
}

export function changeNode(graph: QueryGraph, id: number, change: Partial<GraphNode>): QueryGraph {
  return { ...graph, nodes: graph.nodes.map((node) => (node.id === id ? { ...node, ...change } : node)) };
}

/** A text that is equal for graphs that say the same. */
export function graphKey(graph: QueryGraph): string {
  return JSON.stringify([
    graph.nodes.map(({ typed, iris, values, hierarchy, negation }) => [
      typed,
      iris,
      values,
      hierarchy,
      negation,
    ]),
    graph.edges,
    graph.focus,
    graph.measures,
    graph.beside,
    graph.groups,
  ]);
}
