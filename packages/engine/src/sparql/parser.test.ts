import { describe, expect, test } from "vitest";
import { EngineFailure } from "../failure.js";
import { LIMITS } from "../limits.js";
import { parseSparql } from "./parser.js";

function failureOf(text: string): EngineFailure {
  try {
    parseSparql(text);
  } catch (error) {
    if (error instanceof EngineFailure) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe("what is no query is refused with its place and a hint", () => {
  test.each([
    ["SELECT ?a, ?b {?a ?b ?c}", 1, 10, /not by commas/],
    ["SELECT ?a { ?a ?b ?c", 1, 21, /“\{” of line 1, column 11 is not closed/],
    ["SELECT * {\n  { ?s ?p ?o\n}", 3, 2, /“\{” of line 1, column 10 is not closed/],
    ["SELECT * {\r\n ?s ?p (1 2 }", 2, 13, /unexpected “}”/],
    ['SELECT ?a { ?a ?b "c }', 1, 19, /not closed on its line/],
    ["SELECT ?a { ?a ?b ?c ?d ?e ?f }", 1, 22, /“\.” or “;” seems to be missing after “\?c”/],
    ["SELECT ?a WHERE ?a ?b ?c }", 1, 17, /expected “\{”/],
    ["SELEC ?a {}", 1, 1, /Did you mean SELECT\?/],
    ["SELECT * { ?s ?p ?o } LIMT 3", 1, 23, /Did you mean LIMIT\?/],
    ["which proteins are there", 1, 1, /A query begins with/],
    ["SELECT x { x ?p ?o }", 1, 8, /A variable is written \?x/],
    ["SELECT ?a {?a ?b ?c FILTER ?a > 2}", 1, 28, /stands in parentheses/],
    ["SELECT * {?s ?p ?a FILTER(?a<31&&?a>29)}", 1, 29, /spaces around/],
    ["SELECT * {}}", 1, 12, /closes nothing/],
    ["SELECT * {?a ?b <x y>}", 1, 17, /not closed/],
    ["SELECT * {?a ?b http://example.org/x}", 1, 17, /angle brackets/],
    ["SELECT * {?s ?p “x”}", 1, 17, /typographic/],
    ["SELECT * {?s ?p\u00a0?o}", 1, 16, /U\+00A0/],
    ["SELECT * {?s ?p ?o FILTER(?o & 1)}", 1, 30, /&&/],
    ["SELECT * {?s ?p ?o} LIMIT 3 ORDER BY ?s", 1, 29, /The order is/],
    ["INSERT DATA { <a> <b> <c> }; SELECT * {}", 1, 30, /Updates are not answered/],
    ["SELECT * {} ; DELETE WHERE { ?s ?p ?o }", 1, 13, /unexpected “;”/],
    ["", 1, 1, /empty/],
    ["# a comment\n", 1, 1, /empty/],
    ["PREFIX a: <http://a/>", 1, 22, /no query after/],
    ["SELECT ?x ?x {?x ?y ?z}", 1, 11, /selected twice/],
    ["SELECT ?x { ?x ?y ?z BIND(2 AS ?x)}", 1, 32, /has a value already/],
    ["SELECT (1 AS ?n) { SELECT ?n { ?s ?p ?n } }", 1, 14, /a subquery gives \?n already/],
    ["SELECT ?x (COUNT(?y) AS ?n) {?x ?p ?y}", 1, 1, /GROUP BY/],
    ["SELECT (?x + 1 AS ?y) (COUNT(?x) AS ?n) {?x ?p ?z} GROUP BY ?z", 1, 9, /\?x is neither in GROUP BY/],
    ["SELECT * {?x ?p ?y} GROUP BY ?x", 1, 8, /SELECT \* cannot be grouped/],
    ["SELECT * { _:a ?p ?o OPTIONAL { _:a ?q ?r } }", 1, 33, /_:a is used in two/],
    ["SELECT * { VALUES (?a ?b) { (1) } }", 1, 12, /too few values/],
    ["SELECT * { VALUES (?a) { (1 2) } }", 1, 12, /too many values/],
    ["SELECT * { FILTER(COUNT(?x) > 1) }", 1, 19, /aggregates such as COUNT/],
    ["SELECT (SUM(COUNT(?x)) AS ?n) { ?x ?p ?o }", 1, 9, /inside an aggregate/],
    ['SELECT * { ?s ?p "x"@en--up }', 1, 21, /--ltr or --rtl/],
    ['SELECT * { ?s ?p "\\uD800" }', 1, 18, /surrogate/],
    ["SELECT * { ?s ?p/?q ?o }", 1, 17, /unexpected/],
    ["SELECT * { ?s <a>/<b> ?o {| <c> 1 |} }", 1, 26, /annotation/],
  ])("%j", (text, line, column, message) => {
    const failure = failureOf(text);
    expect(failure.code).toBe("bad_query");
    expect(failure.message).toMatch(message);
    expect(failure.place).toEqual({ line, column });
    expect(failure.message.startsWith(`Line ${line}, column ${column}: `)).toBe(true);
  });

  test("an undeclared prefix is named with the declaration that helps", () => {
    const failure = failureOf("SELECT * {\n ?s skos:prefLabel ?o }");
    expect(failure.place).toEqual({ line: 2, column: 5 });
    expect(failure.detail).toBe("PREFIX skos: <http://www.w3.org/2004/02/skos/core#>");
  });

  test("messages stay short, however long the text and the list of what could follow", () => {
    expect(failureOf(`SELECT * { ?s ?p <${"x".repeat(5000)}> <y> }`).message.length).toBeLessThan(300);
    expect(failureOf("SELECT * { FILTER }").message.length).toBeLessThan(300);
  });
});

describe("updates are read_only, at their first word", () => {
  test.each([
    ["INSERT DATA { <a> <b> <c> }", 1, 1],
    ["PREFIX a: <http://a/>\nDELETE WHERE { ?s ?p ?o }", 2, 1],
    ["  LOAD SILENT <http://x/>", 1, 3],
    ["CLEAR ALL", 1, 1],
    ["DROP GRAPH <g>", 1, 1],
    ["DELETE { ?s ?p ?o } INSERT { ?s ?p 1 } WHERE { ?s ?p ?o }", 1, 1],
    ["WITH <g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", 1, 1],
    ["COPY <a> TO <b>; MOVE <a> TO <b>", 1, 1],
  ])("%j", (text, line, column) => {
    const failure = failureOf(text);
    expect(failure.code).toBe("read_only");
    expect(failure.place).toEqual({ line, column });
  });
});

describe("bounds", () => {
  const padded = (bytes: number) => {
    const query = "SELECT * { ?s ?p ?o } #";
    return query + "x".repeat(bytes - query.length);
  };

  test("a text of exactly the allowed bytes is read, one byte more is refused", () => {
    expect(parseSparql(padded(LIMITS.maxQueryTextBytes)).ast.type).toBe("query");
    expect(failureOf(padded(LIMITS.maxQueryTextBytes + 1))).toMatchObject({ code: "bad_query" });
  });

  test("bytes are counted, not characters", () => {
    expect(failureOf(`SELECT * { ?s ?p "${"é".repeat(LIMITS.maxQueryTextBytes / 2)}" }`).message).toMatch(
      /bytes/,
    );
  });

  test.each([
    ["groups", `SELECT * ${"{".repeat(49_000)}${"}".repeat(49_000)}`],
    ["unclosed groups", `SELECT * ${"{".repeat(99_000)}`],
    ["parentheses", `SELECT * { FILTER(${"(".repeat(45_000)}1${")".repeat(45_000)}) }`],
    ["negations", `SELECT * { FILTER(${"!".repeat(90_000)}1) }`],
    ["paths", `SELECT * { ?s ${"(".repeat(45_000)}<p>${")".repeat(45_000)} ?o }`],
    ["property lists", `SELECT * { ?s <p> ${"[ <p> ".repeat(12_000)}`],
    ["triple terms", `SELECT * { ?s <p> ${"<<( <s> <p> ".repeat(8_000)}`],
  ])("deeply nested %s are a bad_query, and the next query is parsed as ever", (_, text) => {
    expect(failureOf(text).code).toBe("bad_query");
    expect(parseSparql("SELECT ?s { ?s ?p ?o }").ast.subType).toBe("select");
  });

  test("a long flat query is no deep one", () => {
    expect(parseSparql(`SELECT * { FILTER(1${"+1".repeat(45_000)}) }`).ast.subType).toBe("select");
    expect(parseSparql(`SELECT * { ${"?s ?p ?o . ".repeat(9_000)} }`).ast.subType).toBe("select");
  });
});

test("a comment ends at a carriage return, too", () => {
  const { tokens } = parseSparql("SELECT * { ?s ?p ?o # no \r FILTER(?o > 1) }");
  expect(tokens.map((token) => token.image)).toContain("FILTER");
});

test("a number may begin with its decimal point, and a point after a number still ends a triple", () => {
  const { tokens } = parseSparql("SELECT * { ?s ?p .5, -.5, +.5, 1.5, .5e3 ; ?q 5. ?a ?b 7 . }");
  expect(tokens.flatMap(({ name, image }) => (/\d/.test(image) ? [`${name} ${image}`] : []))).toEqual([
    "Decimal .5",
    "DecimalNegative -.5",
    "DecimalPositive +.5",
    "Decimal 1.5",
    "Double .5e3",
    "Integer 5",
    "Integer 7",
  ]);
});
