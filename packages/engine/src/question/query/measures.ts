import { type Build, countOf, term } from "./building.js";
import { conditionOf } from "./conditions.js";
import type { Expression, QueryForm } from "./form.js";

export function countedMeasures(build: Build): {
  having: Expression[];
  order: { expression: Expression; descending: boolean } | null;
  limit: number | null;
  offset: number;
} {
  const having: Expression[] = [];
  let order: { expression: Expression; descending: boolean } | null = null;
  let limit: number | null = null;
  let offset = 0;
  for (const { counted, constraint, node } of build.graph.measures) {
    if (!counted) continue;
    const count = countOf(term(build, node));
    if (constraint.kind === "superlative") {
      order = { expression: count, descending: constraint.direction === "more" };
      ({ limit, offset } = constraint);
    } else {
      const condition = conditionOf(count, constraint, null, build.schema);
      if (condition !== null) having.push(condition);
    }
  }
  return { having, order, limit, offset };
}

export function orderOf(build: Build): {
  orderBy: QueryForm["orderBy"];
  limit: number | null;
  offset: number;
} {
  const orderBy: { expression: Expression; descending: boolean }[] = [];
  let limit: number | null = null;
  let offset = 0;
  for (const { constraint, counted, inverted, node } of build.graph.measures) {
    if (counted) continue;
    if (constraint.kind === "superlative") {
      orderBy.push({
        expression: term(build, node),
        descending: (constraint.direction === "more") !== inverted,
      });
      ({ limit, offset } = constraint);
    } else if (constraint.kind === "order") {
      orderBy.push({ expression: term(build, node), descending: constraint.descending });
    }
  }
  return { orderBy, limit, offset };
}
