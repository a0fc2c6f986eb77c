import type { MeasureMention } from "../linking/mentions.js";
import {
  type Attached,
  anchors,
  classesOf,
  domainsOf,
  passed,
  type Scope,
  walk,
  withLink,
} from "./placing.js";
import { addEdge, addNode, type QueryGraph, type UsedLink } from "./query-graph.js";
import { UNTYPED } from "./schema-graph.js";
import { WEIGHTS } from "./weights.js";

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
