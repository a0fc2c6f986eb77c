import type { NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import {
  type Attached,
  classesOf,
  domainsOf,
  linkOf,
  passed,
  type Scope,
  walk,
  withLink,
  worthOf,
} from "./placing.js";
import { addEdge, addNode, type QueryGraph } from "./query-graph.js";
import { UNTYPED } from "./schema-graph.js";
import { WEIGHTS } from "./weights.js";

export function attachValue(
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
