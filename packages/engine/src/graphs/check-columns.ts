import type { Description, NodeRule, TableMapping } from "./mapping.js";
import type { Problem } from "./problem.js";
import type { Table } from "./table.js";
import { templateNames } from "./template.js";

/** Names that templates may use besides columns: the value at hand and its number. */
export const VALUE_NAME = "value";
export const INDEX_NAME = "index";

/**
 * Compares a table's header with its mapping, both ways: a column that the mapping forgets would silently lose facts,
 * a column that the header lacks would silently make none.
 */
export function checkColumns(
  table: Table,
  mapping: TableMapping,
  mappingFile: string,
  problems: Problem[],
): void {
  const used = new Set([
    ...templateNames(mapping.subject),
    ...mapping.key,
    ...mapping.required,
    ...mapping.ignore,
    ...usedNames(mapping, []),
  ]);
  for (const name of used) {
    if (table.columns.includes(name)) continue;
    problems.push({ place: { file: mappingFile }, message: `${table.file} has no column «${name}»` });
  }
  table.columns.forEach((column, index) => {
    if (used.has(column)) return;
    const message = `the mapping says nothing of the column «${column}» (name it under "ignore" if that is meant)`;
    problems.push({ place: { file: table.file, cell: index + 1, column }, message });
  });
}

function usedNames(description: Description, local: readonly string[]): readonly string[] {
  const ofColumns = description.columns.flatMap(({ column, rules }) => [
    column,
    ...rules.flatMap((rule) =>
      rule.kind === "iri" && rule.template !== undefined ? templateNames(rule.template) : [],
    ),
  ]);
  const names = [...ofColumns, ...description.nodes.flatMap((node) => namesOfNode(node, local))];
  // Inside a rule the value and its number are always at hand; as a column, only what `each` gives.
  return names.filter((name) => !local.includes(name) && name !== VALUE_NAME && name !== INDEX_NAME);
}

function namesOfNode(node: NodeRule, outer: readonly string[]): readonly string[] {
  const local = node.each === undefined ? outer : [...outer, VALUE_NAME, INDEX_NAME];
  return [
    ...(node.each === undefined ? [] : [node.each]),
    ...node.when,
    ...templateNames(node.iri).filter((name) => !local.includes(name)),
    ...usedNames(node, local),
  ];
}
