import type { GraphNode, QueryGraph } from "../graph/query-graph.js";
import { type SchemaGraph, UNTYPED } from "../graph/schema-graph.js";
import { lexiconOf } from "../linking/lexicon.js";
import {
  type Expression,
  iri,
  type Pattern,
  type ProjectedExpression,
  type QueryForm,
  type QueryTerm,
  variable,
} from "./form.js";

export type QueryVariable = QueryTerm & { readonly kind: "variable" };

export interface Build {
  readonly graph: QueryGraph;
  readonly schema: SchemaGraph;
  readonly terms: ReadonlyMap<number, QueryTerm>;
  readonly names: (label: string) => string;
  readonly patternsOf: Map<number, Pattern[]>;
}

export const EMPTY: QueryForm = {
  form: "select",
  distinct: true,
  projection: [],
  where: [],
  groupBy: [],
  having: [],
  orderBy: [],
  limit: null,
  offset: 0,
};

export function nameNodes(
  graph: QueryGraph,
  schema: SchemaGraph,
  names: (label: string) => string,
): Map<number, QueryTerm> {
  const lexicon = lexiconOf(schema.profile);
  const terms = new Map<number, QueryTerm>();
  // What is asked for takes its name first.
  const order = [...graph.nodes].sort((a, b) => Number(b.id === graph.focus) - Number(a.id === graph.focus));
  for (const node of order) {
    const [only, second] = node.iris ?? [];
    const single = node.values?.length === 1 ? node.values[0] : undefined;
    if (only !== undefined && second === undefined && node.hierarchy === undefined)
      terms.set(node.id, iri(only));
    else if (single !== undefined) terms.set(node.id, { kind: "literal", ...single });
    else terms.set(node.id, variable(names(nameOf(node, lexicon.labelOf))));
  }
  return terms;
}

function nameOf(node: GraphNode, labelOf: (iri: string) => string): string {
  const named = node.typed ?? node.classes[0];
  if (node.kind === "resource" && named !== undefined && named !== UNTYPED) return labelOf(named);
  return node.named ?? (node.kind === "literal" ? "value" : "item");
}

export function term(build: Build, node: number): QueryTerm {
  return build.terms.get(node) ?? variable("item");
}

export function countOf(node: Expression): Expression {
  return { kind: "aggregate", name: "COUNT", distinct: true, of: node };
}

export function plain(node: QueryVariable): ProjectedExpression {
  return { expression: node, as: node.name };
}
