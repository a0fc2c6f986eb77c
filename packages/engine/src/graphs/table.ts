import type { Problem } from "./problem.js";

/** One row of a table: its line in the file (from 1) and its cells by column name. */
export interface Row {
  readonly line: number;
  readonly cells: ReadonlyMap<string, string>;
}

export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
/** Control characters have no place in a fact; they come from broken exports. */
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Reads a table of tab-separated values. The format is kept so plain (no quotes, no escapes) that a line can be read,
 * compared and mended by eye; whatever does not fit is reported and left out.
 */
export function parseTable(file: string, text: string, problems: Problem[]): Table {
  let columns: readonly string[] | undefined;
  const rows: Row[] = [];
  text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .forEach((content, index) => {
      const line = index + 1;
      if (content === "" || content.startsWith("#")) return;
      const cells = content.split("\t");
      if (columns === undefined) {
        columns = readHeader(file, line, cells, problems);
        return;
      }
      const row = readRow(file, line, columns, cells, problems);
      if (row !== undefined) rows.push(row);
    });
  if (columns === undefined) problems.push({ place: { file }, message: "the table has no header line" });
  return { file, columns: columns ?? [], rows };
}

function readHeader(
  file: string,
  line: number,
  cells: readonly string[],
  problems: Problem[],
): readonly string[] {
  cells.forEach((name, index) => {
    const place = { file, line, cell: index + 1 };
    if (!COLUMN_NAME.test(name)) {
      problems.push({
        place,
        message: `«${name}» is no column name (a letter, then letters, digits, _ or -)`,
      });
    } else if (cells.indexOf(name) !== index) {
      problems.push({ place, message: `the column «${name}» is named twice` });
    }
  });
  return cells;
}

function readRow(
  file: string,
  line: number,
  columns: readonly string[],
  cells: readonly string[],
  problems: Problem[],
): Row | undefined {
  if (cells.length !== columns.length) {
    // The first cell that is missing or too many is where the eye should go.
    const cell = Math.min(cells.length, columns.length) + 1;
    const message = `the row has ${cells.length} cells, the header ${columns.length}`;
    problems.push({ place: { file, line, cell }, message });
    return undefined;
  }
  const entries = columns.map((column, index): [string, string] => {
    const value = cells[index] ?? "";
    const place = { file, line, cell: index + 1, column };
    if (value !== value.trim()) problems.push({ place, message: "spaces around the value" });
    if (CONTROL_CHARACTER.test(value)) problems.push({ place, message: "a control character in the value" });
    return [column, value];
  });
  return { line, cells: new Map(entries) };
}
