import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryExecutor } from "../testing/memory-executor.js";
import { iriList, iriText, literalText } from "./sparql-terms.js";

test("an IRI that SPARQL cannot write is refused instead of breaking out of its brackets", () => {
  expect(iriText("https://a.test/x?y#z")).toBe("<https://a.test/x?y#z>");
  for (const bad of [
    "",
    "a b",
    "a>b",
    "a<b",
    'a"b',
    "a{b",
    "a|b",
    "a\\b",
    "a^b",
    "a`b",
    "a\nb",
    "a\u0000b",
  ]) {
    expect(iriText(bad)).toBeNull();
  }
  expect(iriList(["urn:a", "not an iri", "urn:b"])).toBe("<urn:a> <urn:b>");
});

test("whatever a user types comes back from the endpoint as the same literal", async () => {
  const executor = createMemoryExecutor("");
  const read = async (text: string) => {
    const query = {
      text: `SELECT ?x WHERE { BIND(${text} AS ?x) }`,
      form: "select",
      variables: ["x"],
      windowable: false,
    } as const;
    const options = { maxRows: 1, maxBytes: 1e6, timeoutMs: 1e4, signal: new AbortController().signal };
    for await (const event of executor.execute(query, options))
      if (event.kind === "rows") return event.rows[0]?.x;
    return undefined;
  };
  const typed = fc.string({ unit: "grapheme", maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(typed, fc.constantFrom('"', "\\", '\\"', "a\nb\tc\r", "'''", '" } DROP ALL #')),
      async (value) => {
        const expected = value.replace(/(?![\n\r\t\b\f])\p{Cc}/gu, "");
        expect(await read(literalText(value))).toEqual({ type: "literal", value: expected });
      },
    ),
    { numRuns: 200 },
  );
  expect(literalText("a", "en-GB")).toBe('"a"@en-GB');
  expect(literalText("a", 'en" . DROP')).toBe('"a"');
});
