import type { NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import { type Attached, type Scope, walk } from "./placing.js";
import { addEdge, addNode, changeNode, type GraphNode, type QueryGraph } from "./query-graph.js";
import { WEIGHTS } from "./weights.js";

export function nodeFor(
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

export function attachThing(
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
