import { expect, test } from "vitest";
import { formatTerm, rowValues, type Term, termLabel, termValue } from "./terms.js";

const XSD = "http://www.w3.org/2001/XMLSchema#";
const typed = (value: string, type: string): Term => ({ type: "literal", value, datatype: `${XSD}${type}` });

test("[CLIENT-27] terms become values of JavaScript by their datatypes", () => {
  expect(termValue(typed("42", "integer"))).toBe(42);
  expect(termValue(typed("+9007199254740993", "integer"))).toBe(9_007_199_254_740_993n);
  expect(termValue(typed("-1.50", "decimal"))).toBe(-1.5);
  expect(termValue(typed("1e3", "double"))).toBe(1_000);
  expect(termValue(typed("-INF", "float"))).toBe(Number.NEGATIVE_INFINITY);
  expect([typed("true", "boolean"), typed("0", "boolean")].map(termValue)).toEqual([true, false]);
  expect(termValue(typed("2026-01-02T03:04:05+01:00", "dateTime"))).toEqual(new Date("2026-01-02T02:04:05Z"));
});

test("[CLIENT-27] what has no value of its own, or does not fit its datatype, is its text", () => {
  const texts = [
    typed("many", "integer"),
    typed("1,5", "decimal"),
    typed("", "double"),
    typed("yes", "boolean"),
    typed("2026-01-02T03:04:05", "dateTime"),
    typed("2026-13-02T03:04:05Z", "dateTime"),
    typed("2026", "gYear"),
    { type: "literal", value: "1", datatype: "http://example.org/integer" },
    { type: "literal", value: "x", "xml:lang": "de" },
    { type: "uri", value: "http://example.org/" },
    { type: "bnode", value: "b0" },
  ] as const satisfies readonly Term[];
  expect(texts.map(termValue)).toEqual(texts.map(({ value }) => value));
});

test("[CLIENT-27] a row is an object of values; what is unbound is not there", () => {
  expect(rowValues({ n: typed("1", "int"), s: { type: "uri", value: "x:y" } })).toEqual({ n: 1, s: "x:y" });
  expect(rowValues({})).toEqual({});
});

test("[CLIENT-27] terms are written as N-Triples writes them", () => {
  const subject = { type: "uri", value: "http://example.org/s" } as const;
  const object = { type: "literal", value: 'a "b"\n\\', "xml:lang": "en", "its:dir": "ltr" } as const;
  expect(formatTerm(object)).toBe('"a \\"b\\"\\n\\\\"@en--ltr');
  expect(formatTerm(typed("1", "int"))).toBe(`"1"^^<${XSD}int>`);
  expect(
    formatTerm({
      type: "triple",
      value: { subject, predicate: subject, object: { type: "bnode", value: "b" } },
    }),
  ).toBe("<<( <http://example.org/s> <http://example.org/s> _:b )>>");
});

test("[CLIENT-27] a label is the last part of an IRI", () => {
  const labels = [
    "http://example.org/Bonn",
    "http://example.org/a#B%C3%B6",
    "urn:x:y",
    "http://example.org/50%/",
  ];
  expect(labels.map((value) => termLabel({ type: "uri", value }))).toEqual(["Bonn", "Bö", "y", "50%"]);
  expect(termLabel({ type: "literal", value: "x" })).toBe("x");
});
