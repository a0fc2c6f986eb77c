import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineFailure } from "../../failure.js";
import { createGraphReader } from "./graph-reader.js";

const BASE = "http://example.org/sparql";

function readAll(format: "N-Triples" | "Turtle", document: Uint8Array, chunkBytes: number) {
  const reader = createGraphReader(format, BASE);
  const events = [];
  for (let at = 0; at < document.length; at += chunkBytes) {
    events.push(...reader.read(document.slice(at, at + chunkBytes)));
  }
  events.push(...reader.end());
  return {
    heads: events.filter((event) => event.kind === "head"),
    rows: events.flatMap((event) => (event.kind === "rows" ? event.rows : [])),
  };
}

test("N-Triples cut anywhere give the same rows", () => {
  const literal = fc.string({ unit: "grapheme", maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(literal, { maxLength: 20 }),
      fc.integer({ min: 1, max: 70 }),
      (values, chunkBytes) => {
        const escaped = values.map((value) => JSON.stringify(value).replace(/\u007f/g, "\\u007F"));
        const document = escaped.map((value) => `<urn:s> <urn:p> ${value}@en .\n`).join("");
        const { heads, rows } = readAll("N-Triples", new TextEncoder().encode(document), chunkBytes);
        expect(rows).toEqual(
          values.map((value) => ({
            subject: { type: "uri", value: "urn:s" },
            predicate: { type: "uri", value: "urn:p" },
            object: { type: "literal", value, "xml:lang": "en" },
          })),
        );
        expect(heads).toEqual([{ kind: "head", variables: ["subject", "predicate", "object"] }]);
      },
    ),
    { numRuns: 200 },
  );
});

test("Turtle is read with its prefixes, its base, and triple terms of RDF 1.2", () => {
  const document = `@prefix e: <http://e.org/> . <a> e:p <<( e:s e:p "x" )>>, "y"^^e:d .`;
  const { rows } = readAll("Turtle", new TextEncoder().encode(document), 7);
  expect(rows.map((row) => row.object)).toEqual([
    {
      type: "triple",
      value: {
        subject: { type: "uri", value: "http://e.org/s" },
        predicate: { type: "uri", value: "http://e.org/p" },
        object: { type: "literal", value: "x" },
      },
    },
    { type: "literal", value: "y", datatype: "http://e.org/d" },
  ]);
  expect(rows[0]?.subject).toEqual({ type: "uri", value: "http://example.org/a" });
});

test("an empty graph has a head and no rows", () => {
  expect(readAll("N-Triples", new Uint8Array(), 1)).toEqual({
    heads: [{ kind: "head", variables: ["subject", "predicate", "object"] }],
    rows: [],
  });
});

test.each([
  ["invalid UTF-8", [0x3c, 0xff]],
  ["what is no RDF", [...Buffer.from("hello world .\n")]],
])("%s is refused", (_title, bytes) => {
  expect(() => readAll("N-Triples", Uint8Array.from(bytes), 4)).toThrow(
    expect.objectContaining({ code: "upstream_bad_response" }),
  );
});

test("a statement that never ends is refused at its limit", () => {
  const reader = createGraphReader("N-Triples", BASE);
  const chunk = new Uint8Array(1024 * 1024).fill(0x61);
  const feed = () => {
    reader.read(new TextEncoder().encode('<urn:s> <urn:p> "'));
    for (let count = 0; count < 40; count += 1) reader.read(chunk);
  };
  expect(feed).toThrow(EngineFailure);
});
