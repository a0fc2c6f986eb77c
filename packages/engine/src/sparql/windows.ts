import type { Query, QuerySelect } from "@traqula/rules-sparql-1-2";
import { XSD } from "../rdf.js";
import type { NameScope } from "./names.js";
import { type AnyNode, visitNodes } from "./syntax.js";

const VOLATILE_OPERATORS = new Set(["rand", "uuid", "struuid", "now", "bnode"]);

/** Casts and GeoSPARQL functions give the same value for the same arguments; of others nothing is known. */
const STABLE_FUNCTIONS = [XSD, "http://www.opengis.net/def/function/geosparql/"];

function isVolatile(node: AnyNode, names: NameScope): boolean {
  if (node.type === "pattern" && node.subType === "service") return true;
  if (node.type !== "expression") return false;
  if ("operator" in node && typeof node.operator === "string")
    return VOLATILE_OPERATORS.has(node.operator.toLowerCase());
  if (node.subType !== "functionCall" || !("function" in node)) return false;
  const iri = names.expand(node.function as Parameters<NameScope["expand"]>[0]);
  return iri === null || !STABLE_FUNCTIONS.some((namespace) => iri.startsWith(namespace));
}

export function hasAggregate(root: unknown): boolean {
  let found = false;
  visitNodes(root, (node) => {
    if (node.type === "expression" && node.subType === "aggregate") found = true;
    // A subquery's aggregates, also one inside EXISTS, are its own.
    return !found && node.type !== "query" && node.subType !== "patternOperation";
  });
  return found;
}

/** Whether the rows of a SELECT come straight from its patterns: nothing sorts, groups, merges or cuts them. */
function isPlain(query: QuerySelect): boolean {
  return (
    Object.values(query.solutionModifiers).every((modifier) => modifier === undefined) &&
    query.distinct !== true &&
    query.reduced !== true &&
    !hasAggregate(query.variables)
  );
}

/**
 * Whether a query may be read in windows of LIMIT and OFFSET (see `PreparedQuery.windowable`). Stricter than
 * that definition where a window could differ or would have to repeat costly work: the same has to hold of every
 * subquery; and a VALUES at the end leaves no place after the text for a LIMIT.
 */
export function isWindowable(query: Query, names: NameScope): boolean {
  if (query.subType !== "select" || query.values !== undefined) return false;
  let windowable = true;
  visitNodes(query, (node) => {
    if (node.type === "query" && node.subType === "select" && !isPlain(node as QuerySelect))
      windowable = false;
    if (isVolatile(node, names)) windowable = false;
    return windowable;
  });
  return windowable;
}
