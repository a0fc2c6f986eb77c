import type { Pattern, PatternValues, Query, QuerySelect } from "@traqula/rules-sparql-1-2";
import { mentionedVariables } from "./syntax.js";

/** The variables of a VALUES block, also of one without rows. */
export function valuesVariables(block: PatternValues): readonly string[] {
  // The library's parser sets `variables`; its type for SPARQL 1.2 leaves it out.
  if ("variables" in block) return [...mentionedVariables(block.variables)];
  return Object.keys(block.values[0] ?? {});
}

/** The variables that may be bound by a list of patterns (SPARQL 1.1, 18.2.1: in scope). */
export function visibleVariables(patterns: readonly Pattern[]): Set<string> {
  const visible = new Set<string>();
  for (const pattern of patterns) for (const name of visibleOf(pattern)) visible.add(name);
  return visible;
}

function visibleOf(pattern: Pattern): Iterable<string> {
  if (pattern.type === "query") return projectedVariables(pattern) ?? boundVariables(pattern);
  switch (pattern.subType) {
    case "bgp":
      return mentionedVariables(pattern);
    case "group":
    case "union":
    case "optional":
      return visibleVariables(pattern.patterns);
    case "graph":
    case "service":
      return [...visibleVariables(pattern.patterns), ...mentionedVariables(pattern.name)];
    case "bind":
      return [pattern.variable.value];
    case "values":
      return valuesVariables(pattern);
    case "filter":
    case "minus":
      return [];
  }
}

/** The names that a SELECT lists, in their order; `null` for `SELECT *`. */
export function projectedVariables(query: QuerySelect): readonly string[] | null {
  const names: string[] = [];
  for (const item of query.variables) {
    if (item.type === "wildcard") return null;
    names.push(item.type === "term" ? item.value : item.variable.value);
  }
  return names;
}

/** The variables that the WHERE, the GROUP BY and the VALUES at the end of a query may bind. */
export function boundVariables(query: Query): Set<string> {
  const bound = visibleVariables(query.where?.patterns ?? []);
  for (const name of query.values === undefined ? [] : valuesVariables(query.values)) bound.add(name);
  for (const grouping of query.solutionModifiers.group?.groupings ?? [])
    if ("variable" in grouping) bound.add(grouping.variable.value);
  return bound;
}
