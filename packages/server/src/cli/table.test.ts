import stringWidth from "string-width";
import { expect, test } from "vitest";
import { renderTable } from "./table.js";

const prefixes = { up: "http://purl.uniprot.org/core/", purl: "http://purl.uniprot.org/" };

test("rows are aligned under their variables, IRIs by the longest matching prefix", () => {
  const table = renderTable({
    variables: ["protein", "n"],
    rows: [
      {
        protein: { type: "uri", value: "http://purl.uniprot.org/core/Protein" },
        n: { type: "literal", value: "1" },
      },
      { protein: { type: "uri", value: "http://example.org/a b" } },
    ],
    prefixes,
    width: Number.POSITIVE_INFINITY,
  });
  expect(table).toBe(
    [
      "protein                 n",
      "──────────────────────  ─",
      "up:Protein              1",
      "http://example.org/a b",
      "",
    ].join("\n"),
  );
});

test("a table is never wider than its terminal, also with wide characters", () => {
  const rows = [
    { a: { type: "literal", value: "蛋白质".repeat(30) }, b: { type: "literal", value: "x".repeat(90) } },
  ] as const;
  const lines = renderTable({ variables: ["a", "b"], rows, prefixes, width: 60 }).split("\n");
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(60);
});

test("a variable named like a member of Object.prototype is only what its row holds", () => {
  const table = renderTable({ variables: ["toString"], rows: [{}], prefixes, width: 80 });
  expect(table).toBe("toString\n────────\n\n");
});

test("line breaks inside a literal stay inside its cell", () => {
  const rows = [{ a: { type: "literal", value: "one\ntwo" } }] as const;
  expect(renderTable({ variables: ["a"], rows, prefixes, width: 80 }).split("\n")).toContain("one two");
});
