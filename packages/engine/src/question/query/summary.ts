import type { Measure } from "../graph/query-graph.js";
import { type Build, countOf, EMPTY, plain, type QueryVariable, term } from "./building.js";
import { type Expression, type Pattern, type QueryForm, variable } from "./form.js";
import { countedMeasures } from "./measures.js";

const AGGREGATES = { avg: "AVG", sum: "SUM", min: "MIN", max: "MAX" } as const;

/** How many, or the sum, mean, least or greatest; for each group where there are groups. */
export function summary(
  build: Build,
  where: readonly Pattern[],
  focus: QueryVariable,
  aggregate: Measure | undefined,
): QueryForm {
  const groups = build.graph.groups
    .map((node) => term(build, node))
    .filter((node) => node.kind === "variable");
  const constraint = aggregate?.constraint;
  const name = constraint?.kind === "aggregate" ? AGGREGATES[constraint.aggregate] : "COUNT";
  const expression: Expression =
    name === "COUNT" ? countOf(focus) : { kind: "aggregate", name, distinct: false, of: focus };
  const as = build.names(
    name === "COUNT"
      ? "count"
      : `${constraint?.kind === "aggregate" ? constraint.aggregate : ""} ${focus.name}`,
  );
  const counted = countedMeasures(build);
  return {
    ...EMPTY,
    distinct: false,
    projection: [...groups.map(plain), { expression, as }],
    where,
    groupBy: groups.map((node) => node.name),
    having: counted.having,
    orderBy: groups.length > 0 ? [{ expression: variable(as), descending: true }] : [],
  };
}
