import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Binding } from "../rdf.js";
import { booleanDigest, createRowDigest } from "./digest.js";
import { term } from "./testing/arbitrary-terms.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function digestOf(variables: readonly string[], ...batches: (readonly Binding[])[]): string {
  const digest = createRowDigest(variables);
  for (const batch of batches) digest.add(batch);
  return digest.finish();
}

test("the digest is SHA-256 over N-Triples terms joined by tabs, unbound ones empty, rows ended by LF", () => {
  const rows: Binding[] = [
    { b: { type: "literal", value: "a\tb\n", "xml:lang": "en" }, a: { type: "uri", value: "http://x/" } },
    { b: { type: "bnode", value: "b0" }, other: { type: "uri", value: "http://ignored/" } },
    {},
  ];
  expect(digestOf(["a", "b"], rows)).toBe(sha256('<http://x/>\t"a\\tb\\n"@en\n\t_:b0\n\t\n'));
});

test("no rows, no variables and names of Object.prototype are no special cases", () => {
  expect(digestOf(["a"])).toBe(sha256(""));
  expect(digestOf([], [{}, {}])).toBe(sha256("\n\n"));
  expect(digestOf(["toString", "__proto__"], [{}])).toBe(sha256("\t\n"));
});

test("an ASK has the digest of its boolean", () => {
  expect(booleanDigest(true)).toBe(sha256('"true"^^<http://www.w3.org/2001/XMLSchema#boolean>\n'));
  expect(booleanDigest(false)).not.toBe(booleanDigest(true));
});

test("property: batches do not matter, order and every term do", () => {
  const row = fc.record({ a: term, b: term }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), fc.nat(), (rows, cut) => {
      const at = cut % (rows.length + 1);
      const whole = digestOf(["a", "b"], rows);
      expect(digestOf(["a", "b"], rows.slice(0, at), [], rows.slice(at))).toBe(whole);
      expect(digestOf(["a", "b"], rows.slice(1))).not.toBe(whole);
      expect(digestOf(["a", "b"], [...rows, { a: { type: "literal", value: "" } }])).not.toBe(whole);
    }),
  );
});
