import { checkColumns } from "./check-columns.js";
import { type Problem, problemsError } from "./problem.js";
import { readMapping } from "./read-mapping.js";
import { parseTable, type Table } from "./table.js";
import { addTable, type Graph } from "./triples.js";
import { writeTurtle } from "./turtle.js";

export const MAPPING_FILE = "mapping.json";
const VOCABULARY_FILE = "vocabulary.ttl";
export const EXAMPLES_FILE = "examples.ttl";

/** A graph's folder as names and texts, so that building needs no file system. */
export type GraphFiles = ReadonlyMap<string, string>;

/** The Turtle text of a graph; throws one error with all problems if the folder is broken. */
export function buildGraph(files: GraphFiles): string {
  const problems: Problem[] = [];
  const mapping = readMapping(MAPPING_FILE, files.get(MAPPING_FILE) ?? "", problems);
  if (problems.length > 0) throw problemsError(problems);

  const tables = new Map<string, Table>();
  const graph: Graph = new Map();
  for (const tableMapping of mapping.tables) {
    const { file } = tableMapping;
    const text = files.get(file);
    if (text === undefined) {
      problems.push({ place: { file: MAPPING_FILE }, message: `the table ${file} is not in the folder` });
      continue;
    }
    const table = tables.get(file) ?? parseTable(file, text, problems);
    tables.set(file, table);
    const before = problems.length;
    checkColumns(table, tableMapping, MAPPING_FILE, problems);
    if (problems.length === before) addTable(table, tableMapping, graph, problems);
  }
  reportUnusedTables(files, tables, problems);
  if (problems.length > 0) throw problemsError(problems);

  const vocabulary = files.get(VOCABULARY_FILE);
  const facts = writeTurtle(graph, mapping.prefixes);
  return vocabulary === undefined ? facts : `${vocabulary.trimEnd()}\n\n${facts}`;
}

/** A table that no mapping names is a table whose facts would be lost without a word. */
function reportUnusedTables(
  files: GraphFiles,
  tables: ReadonlyMap<string, Table>,
  problems: Problem[],
): void {
  for (const file of files.keys()) {
    if (file.endsWith(".tsv") && !tables.has(file)) {
      problems.push({ place: { file }, message: `${MAPPING_FILE} does not name this table` });
    }
  }
}
