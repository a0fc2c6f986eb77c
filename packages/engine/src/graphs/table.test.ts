import { describe, expect, it } from "vitest";
import { formatProblem, type Problem } from "./problem.js";
import { parseTable } from "./table.js";

function read(text: string): {
  readonly rows: readonly (readonly string[])[];
  readonly faults: readonly string[];
} {
  const problems: Problem[] = [];
  const table = parseTable("things.tsv", text, problems);
  return {
    rows: table.rows.map((row) => [String(row.line), ...row.cells.values()]),
    faults: problems.map(formatProblem),
  };
}

describe("parseTable", () => {
  it("reads cells and remembers lines, past comments and empty lines", () => {
    expect(read("# note\nid\tname\n\na\tÄpfel\r\n# more\nb\t\n")).toEqual({
      rows: [
        ["4", "a", "Äpfel"],
        ["6", "b", ""],
      ],
      faults: [],
    });
  });

  it("tells line and cell of a row that is too short or too long", () => {
    expect(read("id\tname\na\nb\tB\tx\n").faults).toEqual([
      "things.tsv:2:2: the row has 1 cells, the header 2",
      "things.tsv:3:3: the row has 3 cells, the header 2",
    ]);
  });

  it("tells spaces and control characters with the column's name", () => {
    expect(read("id\tname\na\t B\nb\tB\u0007\n").faults).toEqual([
      "things.tsv:2:2 (name): spaces around the value",
      "things.tsv:3:2 (name): a control character in the value",
    ]);
  });

  it("refuses bad and doubled column names and a table without a header", () => {
    expect(read("id\tmy name\tid\n").faults).toEqual([
      "things.tsv:1:2: «my name» is no column name (a letter, then letters, digits, _ or -)",
      "things.tsv:1:3: the column «id» is named twice",
    ]);
    expect(read("# nothing\n").faults).toEqual(["things.tsv: the table has no header line"]);
  });
});
