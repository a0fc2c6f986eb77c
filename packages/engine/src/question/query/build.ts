import type { Projection } from "../../generator.js";
import { RDF, XSD } from "../../rdf.js";
import type { Analysis } from "../analysis/analysis.js";
import type { GraphEdge, GraphNode, Measure, QueryGraph } from "../graph/query-graph.js";
import { type SchemaGraph, UNTYPED } from "../graph/schema-graph.js";
import { lexiconOf } from "../linking/lexicon.js";
import type { MentionList } from "../linking/mentions.js";
import { conditionOf } from "./conditions.js";
import {
  type Expression,
  iri,
  type Pattern,
  type ProjectedExpression,
  type QueryForm,
  type QueryTerm,
  variable,
} from "./form.js";
import { createNames } from "./names.js";

const TYPE = `${RDF}type`;

export interface BuiltQuery {
  readonly form: QueryForm;
  /** The patterns that came of each node, for the explanation. */
  readonly patternsOf: ReadonlyMap<number, readonly Pattern[]>;
  /** Whether the query counts what is asked. */
  readonly counted: boolean;
}

interface Build {
  readonly graph: QueryGraph;
  readonly schema: SchemaGraph;
  readonly terms: ReadonlyMap<number, QueryTerm>;
  readonly names: (label: string) => string;
  readonly patternsOf: Map<number, Pattern[]>;
}

/** Makes a query of a graph: patterns from its edges, then what the operators want. */
export function buildQuery(
  graph: QueryGraph,
  schema: SchemaGraph,
  analysis: Analysis,
  list: MentionList,
  mode: Projection,
): BuiltQuery {
  const names = createNames();
  const build: Build = {
    graph,
    schema,
    names,
    terms: nameNodes(graph, schema, names),
    patternsOf: new Map(),
  };
  const where = patternsFor(build);
  const done = { patternsOf: build.patternsOf };
  if (analysis.form === "ask" || graph.focus === null) {
    return { ...done, counted: false, form: { ...EMPTY, form: "ask", where: withHaving(build, where) } };
  }
  const focus = build.terms.get(graph.focus);
  if (focus?.kind !== "variable")
    return { ...done, counted: false, form: describe(build, focus ?? variable("item"), where) };
  const value = graph.nodes[graph.focus]?.kind === "literal";
  const aggregate = graph.measures.find(
    (measure) => measure.constraint.kind === "aggregate" && measure.node === graph.focus,
  );
  const counted =
    aggregate === undefined &&
    ((list.counts && !(value && isNumber(build, graph.focus))) || countsByGroup(graph, list));
  const form =
    counted || aggregate !== undefined
      ? summary(build, where, focus, aggregate)
      : selection(build, where, focus, analysis, list, mode);
  return {
    ...done,
    counted,
    form: { ...form, limit: form.limit === 1 ? (list.limit ?? 1) : (form.limit ?? list.limit) },
  };
}

const EMPTY: QueryForm = {
  form: "select",
  distinct: true,
  projection: [],
  where: [],
  groupBy: [],
  having: [],
  orderBy: [],
  limit: null,
  offset: 0,
};

function countsByGroup(graph: QueryGraph, list: MentionList): boolean {
  return (
    graph.groups.length > 0 &&
    !list.names &&
    graph.measures.every((measure) => measure.constraint.kind !== "superlative")
  );
}

function isNumber(build: Build, node: number): boolean {
  const edge = build.graph.edges.find((other) => other.object === node);
  const property = edge?.path?.at(-1);
  return property !== undefined && build.schema.valueKindOf(property) === "number";
}

function nameNodes(
  graph: QueryGraph,
  schema: SchemaGraph,
  names: (label: string) => string,
): Map<number, QueryTerm> {
  const lexicon = lexiconOf(schema.profile);
  const terms = new Map<number, QueryTerm>();
  // What is asked for takes its name first.
  const order = [...graph.nodes].sort((a, b) => Number(b.id === graph.focus) - Number(a.id === graph.focus));
  for (const node of order) {
    const [only, second] = node.iris ?? [];
    const single = node.values?.length === 1 ? node.values[0] : undefined;
    if (only !== undefined && second === undefined && node.hierarchy === undefined)
      terms.set(node.id, iri(only));
    else if (single !== undefined) terms.set(node.id, { kind: "literal", ...single });
    else terms.set(node.id, variable(names(nameOf(node, lexicon.labelOf))));
  }
  return terms;
}

function nameOf(node: GraphNode, labelOf: (iri: string) => string): string {
  const named = node.typed ?? node.classes[0];
  if (node.kind === "resource" && named !== undefined && named !== UNTYPED) return labelOf(named);
  return node.named ?? (node.kind === "literal" ? "value" : "item");
}

function term(build: Build, node: number): QueryTerm {
  return build.terms.get(node) ?? variable("item");
}

/** All patterns of the graph; those of a negated clause stand together in one FILTER NOT EXISTS. */
function patternsFor(build: Build): Pattern[] {
  const { graph } = build;
  const clauses = new Map<number, Pattern[]>();
  const put = (negation: number, node: number, pattern: Pattern) => {
    const known = clauses.get(negation);
    if (known === undefined) clauses.set(negation, [pattern]);
    else known.push(pattern);
    const own = build.patternsOf.get(node);
    if (own === undefined) build.patternsOf.set(node, [pattern]);
    else own.push(pattern);
  };
  for (const node of graph.nodes)
    for (const pattern of nodePatterns(build, node)) put(node.negation, node.id, pattern);
  for (const edge of inOrder(graph)) put(edge.negation, edge.object, edgePattern(build, edge));
  for (const measure of graph.measures) {
    const pattern = filterFor(build, measure);
    const negation = graph.nodes[measure.node]?.negation ?? 0;
    if (pattern !== null) put(negation, measure.node, pattern);
  }
  const where = clauses.get(0) ?? [];
  for (const [negation, patterns] of clauses) if (negation !== 0) where.push({ kind: "absent", patterns });
  return where;
}

/** Edges of what is asked for first, so that a reader meets it first. */
function inOrder(graph: QueryGraph): GraphEdge[] {
  return [...graph.edges].sort(
    (a, b) => Number(b.subject === graph.focus) - Number(a.subject === graph.focus),
  );
}

function nodePatterns(build: Build, node: GraphNode): Pattern[] {
  const own = term(build, node.id);
  const patterns: Pattern[] = [];
  if (
    node.typed !== null &&
    (node.iris === undefined || build.graph.nodes.length === 1 || build.graph.focus === null)
  ) {
    patterns.push({ kind: "triple", subject: own, path: { steps: [TYPE] }, object: iri(node.typed) });
  }
  if (own.kind === "variable" && node.iris !== undefined) {
    const terms = node.iris.map(iri);
    const [first] = terms;
    if (node.hierarchy === undefined) patterns.push({ kind: "values", variable: own.name, terms });
    else if (terms.length === 1 && first !== undefined) {
      patterns.push({
        kind: "triple",
        subject: own,
        path: { steps: [node.hierarchy], closure: true },
        object: first,
      });
    } else {
      const broad = build.names(`broader ${own.name}`);
      patterns.push(
        { kind: "values", variable: broad, terms },
        {
          kind: "triple",
          subject: own,
          path: { steps: [node.hierarchy], closure: true },
          object: variable(broad),
        },
      );
    }
  }
  if (own.kind === "variable" && node.values !== undefined) {
    const terms = node.values.map((value): QueryTerm => ({ kind: "literal", ...value }));
    patterns.push({ kind: "values", variable: own.name, terms });
  }
  return patterns;
}

function edgePattern(build: Build, edge: GraphEdge): Pattern {
  const path = edge.path === null ? variable(build.names("relation")) : { steps: edge.path };
  return { kind: "triple", subject: term(build, edge.subject), path, object: term(build, edge.object) };
}

function filterFor(build: Build, measure: Measure): Pattern | null {
  if (measure.counted) return null;
  const value = term(build, measure.node);
  if (measure.constraint.kind === "versus") {
    if (measure.other === undefined) return null;
    const operator = measure.constraint.comparison;
    return {
      kind: "filter",
      expression: { kind: "compare", operator, left: value, right: term(build, measure.other) },
    };
  }
  const expression = conditionOf(value, measure.constraint, measure.property, build.schema);
  return expression === null ? null : { kind: "filter", expression };
}

/** In a yes-no question a number of things cannot be asked for without a nested query: one of them must exist. */
function withHaving(_build: Build, where: readonly Pattern[]): readonly Pattern[] {
  return where;
}

function countOf(node: Expression): Expression {
  return { kind: "aggregate", name: "COUNT", distinct: true, of: node };
}

function plain(node: QueryTerm & { readonly kind: "variable" }): ProjectedExpression {
  return { expression: node, as: node.name };
}

/** How many, or the sum, mean, least or greatest; for each group where there are groups. */
function summary(
  build: Build,
  where: readonly Pattern[],
  focus: QueryTerm & { readonly kind: "variable" },
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

const AGGREGATES = { avg: "AVG", sum: "SUM", min: "MIN", max: "MAX" } as const;

function countedMeasures(build: Build): {
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

function selection(
  build: Build,
  where: readonly Pattern[],
  focus: QueryTerm & { readonly kind: "variable" },
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

function orderOf(build: Build): { orderBy: QueryForm["orderBy"]; limit: number | null; offset: number } {
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
  const own_edges = new Set(
    build.graph.edges
      .filter((edge) => edge.object === node)
      .map((edge) => JSON.stringify(edgePattern(build, edge))),
  );
  if (!leads && own_edges.size === 1) {
    const at = patterns.findIndex((pattern) => own_edges.has(JSON.stringify(pattern)));
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
  focus: QueryTerm & { readonly kind: "variable" },
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

interface LabelPatterns {
  readonly variable: QueryTerm & { readonly kind: "variable" };
  readonly optional: Pattern;
  readonly required: readonly Pattern[];
}

/** The best label of a variable, in the question's language where labels have languages. */
function labelPatterns(
  build: Build,
  of: QueryTerm & { readonly kind: "variable" },
  language: string,
): LabelPatterns | null {
  const { profile } = build.schema;
  const predicate = labelPredicateOf(build, of);
  if (predicate === undefined) return null;
  const name = variable(build.names(`${of.name.replace(/[A-Z]/g, (letter) => ` ${letter}`)} label`));
  const triple: Pattern = { kind: "triple", subject: of, path: { steps: [predicate] }, object: name };
  const patterns: Pattern[] = [triple];
  if (profile.languages.length > 1) {
    const wanted = profile.languages.includes(language) ? language : (profile.languages[0] ?? language);
    patterns.push({
      kind: "filter",
      expression: {
        kind: "call",
        name: "LANGMATCHES",
        operands: [
          { kind: "call", name: "LANG", operands: [name] },
          { kind: "literal", value: wanted, datatype: `${XSD}string` },
        ],
      },
    });
  }
  return { variable: name, optional: { kind: "optional", patterns }, required: patterns };
}

function labelPredicateOf(build: Build, of: QueryTerm & { readonly kind: "variable" }): string | undefined {
  const { profile } = build.schema;
  const node = build.graph.nodes.find((other) => {
    const own = build.terms.get(other.id);
    return own?.kind === "variable" && own.name === of.name;
  });
  const classes = node?.classes ?? [];
  const used = profile.labelPredicates.find((predicate) =>
    build.schema
      .usesOf(predicate)
      .some((use) => use.domain === UNTYPED || build.schema.compatible(classes, [use.domain])),
  );
  return used ?? profile.labelPredicates[0];
}

/** "What is X?": everything that is said of it. */
function describe(build: Build, subject: QueryTerm, where: readonly Pattern[]): QueryForm {
  const property = variable(build.names("property"));
  const value = variable(build.names("value"));
  return {
    ...EMPTY,
    projection: [plain(property), plain(value)],
    where: [...where, { kind: "triple", subject, path: property, object: value }],
    orderBy: [{ expression: property, descending: false }],
    limit: 200,
  };
}
