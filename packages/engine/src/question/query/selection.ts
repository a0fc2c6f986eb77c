import type { Projection } from "../../generator.js";
import type { Analysis } from "../analysis/analysis.js";
import type { MentionList } from "../linking/mentions.js";
import { type Build, EMPTY, plain, type QueryVariable, term } from "./building.js";
import type { Pattern, ProjectedExpression, QueryForm, QueryTerm } from "./form.js";
import { labelPatterns } from "./labels.js";
import { countedMeasures, orderOf } from "./measures.js";
import { edgePattern } from "./patterns.js";

export function selection(
  build: Build,
  where: readonly Pattern[],
  focus: QueryVariable,
  analysis: Analysis,
  list: MentionList,
  mode: Projection,
): QueryForm {
  const { graph } = build;
  const counted = countedMeasures(build);
  const grouped = counted.order !== null || counted.having.length > 0;
  const patterns: Pattern[] = [...where];
  const projection: ProjectedExpression[] = [];
  const focusNode = graph.nodes[graph.focus ?? -1];
  const label = focusNode?.kind === "resource" ? labelPatterns(build, focus, analysis.language.tag) : null;
  if (list.names && label !== null) {
    patterns.push(...label.required);
    projection.push(plain(label.variable));
  } else {
    projection.push(plain(focus));
    if (mode === "rich" && label !== null) {
      patterns.push(label.optional);
      projection.push(plain(label.variable));
    }
  }
  for (const node of graph.beside) besideAttribute(build, node, patterns, projection, analysis, mode);
  if (mode === "rich") richColumns(build, patterns, projection, focus, analysis, grouped);
  const ordered = orderOf(build);
  const groupBy = grouped
    ? projection.flatMap(({ expression }) => (expression.kind === "variable" ? [expression.name] : []))
    : [];
  if (grouped && mode === "rich" && counted.order !== null) {
    projection.push({ expression: counted.order.expression, as: build.names("count") });
  }
  return {
    ...EMPTY,
    distinct: !grouped,
    projection,
    where: patterns,
    groupBy,
    having: counted.having,
    orderBy: counted.order === null ? ordered.orderBy : [counted.order],
    limit: counted.limit ?? ordered.limit,
    offset: counted.offset + ordered.offset,
  };
}

/** An attribute that was asked for together with the answer: things that lack it stay. */
function besideAttribute(
  build: Build,
  node: number,
  patterns: Pattern[],
  projection: ProjectedExpression[],
  analysis: Analysis,
  mode: Projection,
): void {
  const own = term(build, node);
  if (own.kind !== "variable") return;
  const leads = build.graph.edges.some((edge) => edge.subject === node);
  const edgesOfIt = new Set(
    build.graph.edges
      .filter((edge) => edge.object === node)
      .map((edge) => JSON.stringify(edgePattern(build, edge))),
  );
  if (!leads && edgesOfIt.size === 1) {
    const at = patterns.findIndex((pattern) => edgesOfIt.has(JSON.stringify(pattern)));
    const [pattern] = at < 0 ? [] : patterns.splice(at, 1);
    if (pattern !== undefined) patterns.push({ kind: "optional", patterns: [pattern] });
  }
  projection.push(plain(own));
  if (mode !== "rich" || build.graph.nodes[node]?.kind !== "resource") return;
  const label = labelPatterns(build, own, analysis.language.tag);
  if (label === null) return;
  patterns.push(label.optional);
  projection.push(plain(label.variable));
}

/** Rich answers show what was measured, and whose attribute a value is when there are several owners. */
function richColumns(
  build: Build,
  patterns: Pattern[],
  projection: ProjectedExpression[],
  focus: QueryVariable,
  analysis: Analysis,
  grouped: boolean,
): void {
  const shown = new Set(projection.map(({ as }) => as));
  const show = (node: QueryTerm) => {
    if (node.kind !== "variable" || shown.has(node.name)) return false;
    shown.add(node.name);
    projection.push(plain(node));
    return true;
  };
  for (const { node, counted, constraint, other } of build.graph.measures) {
    if (counted || grouped || build.graph.nodes[node]?.negation !== 0 || constraint.kind === "aggregate")
      continue;
    show(term(build, node));
    if (other !== undefined) show(term(build, other));
  }
  for (const node of build.graph.nodes) {
    if (node.iris === undefined || node.negation !== 0 || grouped) continue;
    const own = term(build, node.id);
    if (own.kind !== "variable" || own.name === focus.name || !show(own)) continue;
    const label = labelPatterns(build, own, analysis.language.tag);
    if (label === null) continue;
    patterns.push(label.optional);
    projection.push(plain(label.variable));
  }
}
