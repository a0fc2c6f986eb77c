import { INDEX_NAME, VALUE_NAME } from "./check-columns.js";
import type { Description, IriRule, LiteralRule, NodeRule, Rule, TableMapping } from "./mapping.js";
import type { Place, Problem } from "./problem.js";
import type { Row, Table } from "./table.js";
import { fillTemplate, type Template } from "./template.js";
import { iriFault, lexicalFault, writeIri, writeLiteral } from "./term.js";

/** Subject → predicate → objects, all as Turtle terms; sets, so that no triple comes twice. */
export type Graph = Map<string, Map<string, Set<string>>>;

const RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/** What a description needs to know of the row (or of one value in it) that it describes. */
interface Context {
  readonly table: Table;
  readonly row: Row;
  readonly local: ReadonlyMap<string, string>;
  readonly graph: Graph;
  readonly problems: Problem[];
}

/** Adds the triples of a table to a graph. */
export function addTable(table: Table, mapping: TableMapping, graph: Graph, problems: Problem[]): void {
  const linesOfKeys = new Map<string, number>();
  for (const row of table.rows) {
    const context: Context = { table, row, local: new Map(), graph, problems };
    checkRequired(context, mapping);
    checkKey(context, mapping.key, linesOfKeys);
    const subject = fillIri(context, mapping.subject, new Map());
    if (subject !== undefined) describe(context, subject, mapping);
  }
}

function checkRequired(context: Context, mapping: TableMapping): void {
  for (const column of new Set([...mapping.required, ...mapping.key])) {
    if (cellOf(context, column) === "") reportAt(context, column, "the cell must not be empty");
  }
}

function checkKey(context: Context, key: readonly string[], linesOfKeys: Map<string, number>): void {
  const [first] = key;
  if (first === undefined) return;
  const values = key.map((column) => cellOf(context, column));
  const text = values.join("\t");
  const earlier = linesOfKeys.get(text);
  if (earlier !== undefined)
    reportAt(context, first, `«${values.join(", ")}» stands already in line ${earlier}`);
  linesOfKeys.set(text, earlier ?? context.row.line);
}

function describe(context: Context, subject: string, description: Description): void {
  for (const type of description.types) addTriple(context.graph, subject, RDF_TYPE, writeIri(type));
  for (const { predicate, object } of description.constants) {
    addTriple(context.graph, subject, predicate, writeIri(object));
  }
  for (const { column, rules } of description.columns) {
    for (const rule of rules) applyRule(context, subject, column, rule);
  }
  for (const node of description.nodes) addNodes(context, subject, node);
}

function applyRule(context: Context, subject: string, column: string, rule: Rule): void {
  splitCell(context, column, rule.separator).forEach((value, index) => {
    if (rule.kind === "literal") addLiteral(context, subject, column, rule, value);
    else addLink(context, subject, column, rule, value, index + 1);
  });
}

function addLiteral(
  context: Context,
  subject: string,
  column: string,
  rule: LiteralRule,
  value: string,
): void {
  const fault = rule.datatype === undefined ? undefined : lexicalFault(value, rule.datatype);
  if (fault !== undefined) reportAt(context, column, fault);
  addTriple(context.graph, subject, rule.predicate, writeLiteral(value, rule));
}

function addLink(
  context: Context,
  subject: string,
  column: string,
  rule: IriRule,
  value: string,
  index: number,
): void {
  const local = new Map([
    [VALUE_NAME, value],
    [INDEX_NAME, String(index)],
  ]);
  const object =
    rule.template === undefined ? checkedIri(context, column, value) : fillIri(context, rule.template, local);
  if (object === undefined) return;
  if (rule.inverse) addTriple(context.graph, object, rule.predicate, writeIri(subject));
  else addTriple(context.graph, subject, rule.predicate, writeIri(object));
}

function addNodes(context: Context, subject: string, node: NodeRule): void {
  if (node.when.some((column) => cellOf(context, column) === "")) return;
  if (node.each === undefined) {
    addNode(context, subject, node);
    return;
  }
  splitCell(context, node.each, node.separator).forEach((value, index) => {
    const local = new Map([...context.local, [VALUE_NAME, value], [INDEX_NAME, String(index + 1)]]);
    addNode({ ...context, local }, subject, node);
  });
}

function addNode(context: Context, subject: string, node: NodeRule): void {
  const filled = fillTemplate(node.iri, (name) => cellOf(context, name));
  // A node whose IRI needs an empty cell is left out: the row says nothing about it.
  if ("empty" in filled) return;
  const iri = checkedIri(context, node.each ?? node.when[0], filled.iri);
  if (iri === undefined) return;
  if (node.inverse) addTriple(context.graph, iri, node.predicate, writeIri(subject));
  else addTriple(context.graph, subject, node.predicate, writeIri(iri));
  describe(context, iri, node);
}

function splitCell(context: Context, column: string, separator: string | undefined): readonly string[] {
  const cell = cellOf(context, column);
  if (cell === "") return [];
  const values = separator === undefined ? [cell] : cell.split(separator);
  return values.filter((value) => {
    if (value === "") reportAt(context, column, `an empty value beside a «${separator ?? ""}»`);
    else if (value !== value.trim()) reportAt(context, column, `spaces around the value «${value.trim()}»`);
    return value !== "";
  });
}

function fillIri(
  context: Context,
  template: Template,
  local: ReadonlyMap<string, string>,
): string | undefined {
  const filled = fillTemplate(template, (name) => local.get(name) ?? cellOf(context, name));
  if ("iri" in filled) return checkedIri(context, undefined, filled.iri);
  reportAt(context, filled.empty, `the IRI ${template.text} needs this cell, and it is empty`);
  return undefined;
}

function checkedIri(context: Context, column: string | undefined, iri: string): string | undefined {
  const fault = iriFault(iri);
  if (fault === undefined) return iri;
  reportAt(context, column, fault);
  return undefined;
}

function cellOf(context: Context, name: string): string {
  return context.local.get(name) ?? context.row.cells.get(name) ?? "";
}

function reportAt(context: Context, column: string | undefined, message: string): void {
  const { table, row, problems } = context;
  const index = column === undefined ? -1 : table.columns.indexOf(column);
  const place: Place = { file: table.file, line: row.line };
  problems.push({
    place: index < 0 ? place : { ...place, cell: index + 1, column: table.columns[index] ?? "" },
    message,
  });
}

function addTriple(graph: Graph, subject: string, predicate: string, object: string): void {
  const predicates = graph.get(subject) ?? new Map<string, Set<string>>();
  const objects = predicates.get(predicate) ?? new Set<string>();
  graph.set(subject, predicates.set(predicate, objects.add(object)));
}
