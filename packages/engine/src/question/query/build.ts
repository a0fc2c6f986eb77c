import type { Projection } from "../../generator.js";
import type { Analysis } from "../analysis/analysis.js";
import type { QueryGraph } from "../graph/query-graph.js";
import type { SchemaGraph } from "../graph/schema-graph.js";
import type { MentionList } from "../linking/mentions.js";
import { type Build, EMPTY, nameNodes, plain } from "./building.js";
import { type Pattern, type QueryForm, type QueryTerm, variable } from "./form.js";
import { createNames } from "./names.js";
import { patternsFor } from "./patterns.js";
import { selection } from "./selection.js";
import { summary } from "./summary.js";

export interface BuiltQuery {
  readonly form: QueryForm;
  /** The patterns that came of each node, for the explanation. */
  readonly patternsOf: ReadonlyMap<number, readonly Pattern[]>;
  /** Whether the query counts what is asked. */
  readonly counted: boolean;
}

/** Makes a query of a graph: patterns from its edges, then what the operators want. */
export function buildQuery(
  graph: QueryGraph,
  schema: SchemaGraph,
  analysis: Analysis,
  list: MentionList,
  mode: Projection,
): BuiltQuery {
  const names = createNames();
  const build: Build = {
    graph,
    schema,
    names,
    terms: nameNodes(graph, schema, names),
    patternsOf: new Map(),
  };
  const where = patternsFor(build);
  const done = { patternsOf: build.patternsOf };
  if (analysis.form === "ask" || graph.focus === null) {
    return { ...done, counted: false, form: { ...EMPTY, form: "ask", where } };
  }
  const focus = build.terms.get(graph.focus);
  if (focus?.kind !== "variable")
    return { ...done, counted: false, form: describe(build, focus ?? variable("item"), where) };
  const value = graph.nodes[graph.focus]?.kind === "literal";
  const aggregate = graph.measures.find(
    (measure) => measure.constraint.kind === "aggregate" && measure.node === graph.focus,
  );
  const counted =
    aggregate === undefined &&
    ((list.counts && !(value && isNumber(build, graph.focus))) || countsByGroup(graph, list));
  const form =
    counted || aggregate !== undefined
      ? summary(build, where, focus, aggregate)
      : selection(build, where, focus, analysis, list, mode);
  return {
    ...done,
    counted,
    form: { ...form, limit: form.limit === 1 ? (list.limit ?? 1) : (form.limit ?? list.limit) },
  };
}

function countsByGroup(graph: QueryGraph, list: MentionList): boolean {
  return (
    graph.groups.length > 0 &&
    !list.names &&
    graph.measures.every((measure) => measure.constraint.kind !== "superlative")
  );
}

function isNumber(build: Build, node: number): boolean {
  const edge = build.graph.edges.find((other) => other.object === node);
  const property = edge?.path?.at(-1);
  return property !== undefined && build.schema.valueKindOf(property) === "number";
}

/** "What is X?": everything that is said of it. */
function describe(build: Build, subject: QueryTerm, where: readonly Pattern[]): QueryForm {
  const property = variable(build.names("property"));
  const value = variable(build.names("value"));
  return {
    ...EMPTY,
    projection: [plain(property), plain(value)],
    where: [...where, { kind: "triple", subject, path: property, object: value }],
    orderBy: [{ expression: property, descending: false }],
    limit: 200,
  };
}
