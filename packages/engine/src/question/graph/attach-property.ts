import type { NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import { type Attached, classesOf, domainsOf, mostSpecific, passed, type Scope, walk } from "./placing.js";
import { addEdge, addNode, changeNode, type GraphNode, type QueryGraph } from "./query-graph.js";
import { UNTYPED } from "./schema-graph.js";
import { WEIGHTS } from "./weights.js";

/** Adds the object of a property to a subject: a literal, the value behind a value node, or a thing. */
export function objectsOf(
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

export function attachProperty(
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
