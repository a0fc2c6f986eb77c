import fc from "fast-check";
import oxigraph from "oxigraph";
import { describe, expect, test } from "vitest";
import type { Term } from "../rdf.js";
import { parseSparql } from "./parser.js";
import { ntriplesTerm, sparqlTerm, wellFormed } from "./terms.js";
import { anyText, blank, iri, literal, triple } from "./testing/arbitrary-terms.js";

/** The term as the engine read it, in the form of results in JSON. */
function fromEngine(read: oxigraph.Term): unknown {
  switch (read.termType) {
    case "NamedNode":
      return { type: "uri", value: read.value };
    case "BlankNode":
      return { type: "bnode" };
    case "Literal":
      return {
        type: "literal",
        value: read.value,
        ...(read.language === "" ? {} : { "xml:lang": read.language }),
        ...(read.direction ? { "its:dir": read.direction } : {}),
        ...(/#(?:string|langString|dirLangString)$/.test(read.datatype.value)
          ? {}
          : { datatype: read.datatype.value }),
      };
    case "Quad":
      return {
        type: "triple",
        value: {
          subject: fromEngine(read.subject),
          predicate: fromEngine(read.predicate),
          object: fromEngine(read.object),
        },
      };
    default:
      throw new TypeError(`unexpected ${read.termType}`);
  }
}

/** What a term is after the journey: without blank nodes' labels, halves of surrogate pairs replaced. */
function expected(given: Term): unknown {
  if (given.type === "bnode") return { type: "bnode" };
  if (given.type === "uri") return given;
  if (given.type === "literal") return { ...given, value: wellFormed(given.value) };
  const { subject, predicate, object } = given.value;
  return {
    type: "triple",
    value: { subject: expected(subject), predicate: expected(predicate), object: expected(object) },
  };
}

describe("ntriplesTerm", () => {
  test.each<[Term, string]>([
    [{ type: "uri", value: "http://x/é" }, "<http://x/é>"],
    [{ type: "uri", value: "http://x/<a> b\n" }, "<http://x/\\u003Ca\\u003E\\u0020b\\u000A>"],
    [{ type: "literal", value: 'a"b\\c\n\r\t\b\f' }, '"a\\"b\\\\c\\n\\r\\t\\b\\f"'],
    [
      { type: "literal", value: "\0\u0007\u000b\u001f\u007f\ufffe" },
      '"\\u0000\\u0007\\u000B\\u001F\\u007F\\uFFFE"',
    ],
    [{ type: "literal", value: "\ud83d\ude00\ud83d" }, '"\ud83d\ude00\ufffd"'],
    [{ type: "literal", value: "x", datatype: "http://www.w3.org/2001/XMLSchema#string" }, '"x"'],
    [{ type: "literal", value: "1", datatype: "http://x/#t" }, '"1"^^<http://x/#t>'],
    [{ type: "literal", value: "x", "xml:lang": "en", "its:dir": "rtl" }, '"x"@en--rtl'],
    [{ type: "bnode", value: "b0" }, "_:b0"],
    [{ type: "bnode", value: "nodeID://b1" }, "_:enc-nodeID-3a--2f--2f-b1"],
  ])("%j is %s", (term, text) => {
    expect(ntriplesTerm(term)).toBe(text);
  });

  test("different blank nodes keep different labels", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText, { minLength: 2, maxLength: 2 }), ([left = "", right = ""]) => {
        expect(ntriplesTerm({ type: "bnode", value: left })).not.toBe(
          ntriplesTerm({ type: "bnode", value: right }),
        );
      }),
    );
  });

  test("property: another parser of N-Triples reads the same term, on one line without tabs", () => {
    fc.assert(
      fc.property(fc.oneof(iri, blank, literal, triple), (given) => {
        const line = `<http://s> <http://p> ${ntriplesTerm(given)} .`;
        expect(line).not.toMatch(/[\t\n\r]/);
        const [quad] = oxigraph.parse(line, { format: "application/n-triples" });
        if (quad === undefined) throw new Error(`nothing was read from ${line}`);
        expect(fromEngine(quad.object)).toEqual(expected(given));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("sparqlTerm", () => {
  test("property: any literal comes back from a query unchanged, however it is meant to break out", () => {
    fc.assert(
      fc.property(fc.oneof(iri, literal), (given) => {
        const query = `SELECT ?v { VALUES ?v { ${sparqlTerm(given)} } }`;
        expect(parseSparql(query).ast.subType).toBe("select");
        const [row] = new oxigraph.Store().query(query) as Map<string, oxigraph.Term>[];
        const read = fromEngine(row?.get("v") as oxigraph.Term);
        // The engine brings numbers into their canonical form.
        if (given.type === "literal" && given.datatype?.includes("XMLSchema#")) return;
        expect(read).toEqual(expected(given));
      }),
      { numRuns: 500 },
    );
  });

  test.each<Term>([
    { type: "uri", value: "http://x/> ?s ?p ?o . <http://y" },
    { type: "uri", value: "http://x/ y" },
    { type: "uri", value: "http://x/\\u003E" },
    { type: "uri", value: "relative" },
    { type: "uri", value: "" },
    { type: "uri", value: "http://x/\ud800" },
    { type: "bnode", value: "b0" },
    { type: "literal", value: "x", "xml:lang": "en . } #" },
    { type: "literal", value: "x", datatype: "http://x/> }" },
    {
      type: "triple",
      value: {
        subject: { type: "bnode", value: "b" },
        predicate: { type: "uri", value: "http://p" },
        object: { type: "uri", value: "http://o" },
      },
    },
  ])("%j is refused", (given) => {
    expect(() => sparqlTerm(given)).toThrow(expect.objectContaining({ code: "bad_request" }));
  });
});
