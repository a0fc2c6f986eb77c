import { RDF } from "../../rdf.js";
import type { GraphEdge, GraphNode, Measure, QueryGraph } from "../graph/query-graph.js";
import { type Build, term } from "./building.js";
import { conditionOf } from "./conditions.js";
import { iri, type Pattern, type QueryTerm, variable } from "./form.js";

const TYPE = `${RDF}type`;

/** All patterns of the graph; those of a negated clause stand together in one FILTER NOT EXISTS. */
export function patternsFor(build: Build): Pattern[] {
  const { graph } = build;
  const clauses = new Map<number, Pattern[]>();
  const put = (negation: number, node: number, pattern: Pattern) => {
    const known = clauses.get(negation);
    if (known === undefined) clauses.set(negation, [pattern]);
    else known.push(pattern);
    const own = build.patternsOf.get(node);
    if (own === undefined) build.patternsOf.set(node, [pattern]);
    else own.push(pattern);
  };
  for (const node of graph.nodes)
    for (const pattern of nodePatterns(build, node)) put(node.negation, node.id, pattern);
  for (const edge of inOrder(graph)) put(edge.negation, edge.object, edgePattern(build, edge));
  for (const measure of graph.measures) {
    const pattern = filterFor(build, measure);
    const negation = graph.nodes[measure.node]?.negation ?? 0;
    if (pattern !== null) put(negation, measure.node, pattern);
  }
  const where = clauses.get(0) ?? [];
  for (const [negation, patterns] of clauses) if (negation !== 0) where.push({ kind: "absent", patterns });
  return where;
}

/** Edges of what is asked for first, so that a reader meets it first. */
function inOrder(graph: QueryGraph): GraphEdge[] {
  return [...graph.edges].sort(
    (a, b) => Number(b.subject === graph.focus) - Number(a.subject === graph.focus),
  );
}

function nodePatterns(build: Build, node: GraphNode): Pattern[] {
  const own = term(build, node.id);
  const patterns: Pattern[] = [];
  if (
    node.typed !== null &&
    (node.iris === undefined || build.graph.nodes.length === 1 || build.graph.focus === null)
  ) {
    patterns.push({ kind: "triple", subject: own, path: { steps: [TYPE] }, object: iri(node.typed) });
  }
  if (own.kind === "variable" && node.iris !== undefined) {
    const terms = node.iris.map(iri);
    const [first] = terms;
    if (node.hierarchy === undefined) patterns.push({ kind: "values", variable: own.name, terms });
    else if (terms.length === 1 && first !== undefined) {
      patterns.push({
        kind: "triple",
        subject: own,
        path: { steps: [node.hierarchy], closure: true },
        object: first,
      });
    } else {
      const broad = build.names(`broader ${own.name}`);
      patterns.push(
        { kind: "values", variable: broad, terms },
        {
          kind: "triple",
          subject: own,
          path: { steps: [node.hierarchy], closure: true },
          object: variable(broad),
        },
      );
    }
  }
  if (own.kind === "variable" && node.values !== undefined) {
    const terms = node.values.map((value): QueryTerm => ({ kind: "literal", ...value }));
    patterns.push({ kind: "values", variable: own.name, terms });
  }
  return patterns;
}

export function edgePattern(build: Build, edge: GraphEdge): Pattern {
  const path = edge.path === null ? variable(build.names("relation")) : { steps: edge.path };
  return { kind: "triple", subject: term(build, edge.subject), path, object: term(build, edge.object) };
}

function filterFor(build: Build, measure: Measure): Pattern | null {
  if (measure.counted) return null;
  const value = term(build, measure.node);
  if (measure.constraint.kind === "versus") {
    if (measure.other === undefined) return null;
    const operator = measure.constraint.comparison;
    return {
      kind: "filter",
      expression: { kind: "compare", operator, left: value, right: term(build, measure.other) },
    };
  }
  const expression = conditionOf(value, measure.constraint, measure.property, build.schema);
  return expression === null ? null : { kind: "filter", expression };
}
