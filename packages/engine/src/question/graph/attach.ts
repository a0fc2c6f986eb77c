import type { NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import { attachProperty, objectsOf } from "./attach-property.js";
import { attachThing, nodeFor } from "./attach-thing.js";
import { attachValue } from "./attach-value.js";
import {
  type Attached,
  anchors,
  domainsOf,
  linkOf,
  passed,
  type Scope,
  withLink,
  worthOf,
} from "./placing.js";
import { addNode, type QueryGraph } from "./query-graph.js";
import { WEIGHTS } from "./weights.js";

const EMPTY: QueryGraph = {
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

/** The first node of a graph. */
export function startWith(scope: Scope, reading: Reading, mention: NameMention): Attached[] {
  if (reading.kind === "class" || reading.kind === "entity") {
    const [graph, node] = addNode(EMPTY, nodeFor(scope, reading, mention, false));
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
      const [graph, subject] = addNode(EMPTY, passed(domain, mention));
      return attachValue(scope, graph, subject, reading, mention);
    });
  }
  return useProperty(scope, reading, mention);
}

/** A property as the first thing named: a new subject and a new object. */
function useProperty(
  scope: Scope,
  reading: Reading & { kind: "property" },
  mention: NameMention,
): Attached[] {
  const found: Attached[] = [];
  for (const domain of domainsOf(scope, reading.iri)) {
    const [graph, subject] = addNode(EMPTY, passed(domain, mention));
    for (const target of objectsOf(scope, graph, subject, reading, mention)) {
      found.push({
        graph: withLink(target.graph, linkOf(reading, mention, target.node), worthOf(mention, reading.score)),
        node: target.node,
      });
    }
  }
  return found;
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
