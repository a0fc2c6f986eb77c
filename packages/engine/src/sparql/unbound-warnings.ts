import type { Query, QuerySelect } from "@traqula/rules-sparql-1-2";
import type { QueryWarning } from "../answer-events.js";
import { LIMITS } from "../limits.js";
import { nearestBy } from "./edit-distance.js";
import { placeAt } from "./places.js";
import { boundVariables } from "./scope.js";
import { type AnyNode, isVariable, type ParsedQuery, rangeOf, visitNodes } from "./syntax.js";

interface Use {
  readonly name: string;
  readonly offset: number;
}

function variableUses(root: unknown): readonly Use[] {
  const uses: Use[] = [];
  visitNodes(root, (node) => {
    const range = isVariable(node) ? rangeOf(node) : null;
    if (isVariable(node) && range !== null) uses.push({ name: node.value, offset: range.start });
    // A subquery and EXISTS in an expression bind variables of their own.
    return node.subType !== "patternOperation" && node.type !== "query";
  });
  return uses;
}

/** Uses of variables in the head of a query that nothing can have bound there. */
function unboundUses(query: Query, visible: ReadonlySet<string>): readonly Use[] {
  const bound = new Set(visible);
  if (query.subType === "ask") return [];
  if (query.subType === "construct")
    return variableUses(query.template).filter(({ name }) => !bound.has(name));
  const unbound: Use[] = [];
  for (const item of query.variables) {
    unbound.push(
      ...variableUses(item.type === "pattern" ? item.expression : item).filter(
        ({ name }) => !bound.has(name),
      ),
    );
    if (item.type === "pattern") bound.add(item.variable.value);
  }
  return unbound;
}

/** `unbound_projection` for every selected or constructed variable that no pattern binds: mostly a slip of the pen. */
export function unboundWarnings({ ast, text }: ParsedQuery): readonly QueryWarning[] {
  const warnings: QueryWarning[] = [];
  const seen = new Set<string>();
  visitNodes(ast, (node: AnyNode) => {
    if (node.type !== "query") return true;
    const query = node as Query | QuerySelect;
    const bound = boundVariables(query);
    for (const { name, offset } of unboundUses(query, bound)) {
      if (seen.has(name) || warnings.length >= LIMITS.maxQueryWarnings) continue;
      seen.add(name);
      const nearest = nearestBy(name, bound, (candidate) => candidate);
      warnings.push({
        code: "unbound_projection",
        message: `No pattern binds ?${name}: it will be empty in every row.`,
        ...placeAt(text, offset),
        ...(nearest === null ? {} : { suggestion: `?${nearest}` }),
      });
    }
    return true;
  });
  return warnings;
}
