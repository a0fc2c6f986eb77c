import { describe, expect, test } from "vitest";
import type { QueryWarning } from "../answer-events.js";
import { LIMITS } from "../limits.js";
import { prepareQuery } from "./prepare.js";
import { OPTIONS } from "./testing/graphs.js";
import { classes, profileOf, properties } from "./testing/profiles.js";

const EX = "http://example.org/";

const profile = profileOf({
  prefixes: { ex: EX },
  classes: [
    ...classes({ [`${EX}Protein`]: 10, [`${EX}Gene`]: 5 }),
    {
      iri: `${EX}Enzyme`,
      labels: [{ text: "biological catalyst" }],
      count: 3,
      directCount: 3,
      superclasses: [`${EX}Molecule`],
    },
  ],
  properties: properties({ [`${EX}encodedBy`]: [10, 10, 5], [`${EX}name`]: [10, 10, 10] }),
});

function warningsOf(query: string, code: QueryWarning["code"], withProfile = profile) {
  const prepared = prepareQuery(query, { ...OPTIONS, profile: withProfile });
  return prepared.warnings.filter((warning) => warning.code === code);
}

const placesOf = (warnings: readonly QueryWarning[]) => warnings.map(({ line, column }) => [line, column]);

describe("unbound_projection", () => {
  test.each([
    ["SELECT ?protien { ?protein ex:name ?name }", [[1, 8]]],
    ["SELECT ?name\n?x { ?protein ex:name ?name MINUS { ?x ex:name ?name } FILTER(?x > 1) }", [[2, 1]]],
    ["SELECT (COUNT(?z) AS ?n) { ?protein ex:name ?name }", [[1, 15]]],
    ["SELECT * { { SELECT ?z { ?protein ex:name ?name } } }", [[1, 21]]],
    ["CONSTRUCT { ?s ex:name ?nome } { ?s ex:name ?name }", [[1, 24]]],
    ["DESCRIBE ?x { ?s ex:name ?name }", [[1, 10]]],
    ["SELECT ?x { ?s ex:name ?name FILTER EXISTS { ?x ex:name ?name } }", [[1, 8]]],
  ])("%s", (query, places) => {
    expect(placesOf(warningsOf(query, "unbound_projection"))).toEqual(places);
  });

  test.each([
    "SELECT ?s ?p ?o { ?s ?p ?o }",
    "SELECT * { }",
    "SELECT (1 AS ?a) (?a + 1 AS ?b) { }",
    "SELECT ?a ?b ?c ?d { OPTIONAL { ?a ex:name 1 } { ?b ex:name 1 } UNION { GRAPH ?c { } } BIND(1 AS ?d) }",
    "SELECT ?x ?y { VALUES ?x { } } VALUES (?y ?z) { }",
    "SELECT ?l (COUNT(*) AS ?n) { ?s ex:name ?x } GROUP BY (STR(?x) AS ?l)",
    "SELECT ?s { { SELECT * { ?s ex:name ?x } } }",
    "SELECT ?s ?o ?r ?y { << ?s ex:name ?o ~ ?r >> ex:name [ ex:name ?y ] }",
    "SELECT (EXISTS { ?q ex:name 1 } AS ?b) { }",
    "SELECT ?i { ?s ex:name (1 ?i) }",
  ])("none for %s", (query) => {
    expect(warningsOf(query, "unbound_projection")).toEqual([]);
  });

  test("the nearest bound name is suggested", () => {
    expect(
      warningsOf("SELECT ?protien { ?protein ex:name ?name }", "unbound_projection")[0]?.suggestion,
    ).toBe("?protein");
  });
});

describe("cartesian_product", () => {
  test.each([
    ["SELECT * { ?a ex:name ?b . ?c ex:name ?d }", [[1, 28]]],
    ["SELECT * { ?a ex:name ?b .\n ?c ex:name ?d . ?d ex:name ?e . ?f ex:name ?a }", [[2, 2]]],
    ["SELECT * { ?a ex:name ?b OPTIONAL { ?c ex:name ?d } }", [[1, 26]]],
    ["SELECT * { ?a ex:name ?b { SELECT ?c { ?c ex:name ?d } } }", [[1, 28]]],
    ["SELECT * { ?a ex:name ?b { ?c ex:name ?d } UNION { ?e ex:name ?f } }", [[1, 26]]],
    ["SELECT * { { SELECT * { ?a ex:name ?b . ?c ex:name ?d } } }", [[1, 41]]],
    ["SELECT * { ?a ex:name ?x { ?a ex:name ?b . ?c ex:name ?d } }", [[1, 44]]],
    ["SELECT * { ?a ex:encodedBy ex:g . ?b ex:encodedBy ex:g }", [[1, 35]]],
    ["ASK { [] ex:name ?a . [] ex:name ?b }", [[1, 23]]],
  ])("%s", (query, places) => {
    expect(placesOf(warningsOf(query, "cartesian_product"))).toEqual(places);
  });

  test.each([
    "SELECT * { ?a ex:name ?b . ?b ex:name ?c . ?c ex:name ?d }",
    "SELECT * { ?a ex:name ?b . ?c ex:name ?d FILTER(?b = ?d) }",
    "SELECT * { ?a ex:name ?b . ?c ex:name ?d BIND(CONCAT(?b, ?d) AS ?e) }",
    "SELECT * { ?a ex:name ?b . ?c ex:name ?d FILTER EXISTS { ?a ex:encodedBy ?c } }",
    "SELECT * { ?a ex:name ?b . ?c ex:name ?d VALUES (?a ?c) { (1 2) } }",
    "SELECT * { ?a ex:name ?b . ?c ex:name ?d . ?a ex:name*/ex:encodedBy ?c }",
    "SELECT * { ?a ex:name ?b OPTIONAL { ?b ex:name ?c } OPTIONAL { ?c ex:name ?d } }",
    "SELECT * { ?a ex:name ?b . ?x ex:name ?d OPTIONAL { ?a ex:name ?x } }",
    "SELECT * { ex:p ex:name ?a . ex:p ex:encodedBy ?b }",
    "SELECT * { VALUES ?a { 1 2 } VALUES ?b { 3 4 } ?c ex:name ?d }",
    "SELECT * { BIND(1 AS ?x) ?c ex:name ?d }",
    "SELECT * { { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } } ?c ex:name ?d }",
    "SELECT * { ?a ex:name [ ex:encodedBy ?b ; ex:name (?c ?d) ] . ?d ex:name ?e }",
    "SELECT * { _:x ex:name ?a . _:x ex:encodedBy ?b }",
    "SELECT * { ?a ex:encodedBy ?c { ?a ex:name ?b . ?c ex:name ?d } }",
    "SELECT * { ?a ex:encodedBy ?c OPTIONAL { ?a ex:name ?b . ?c ex:name ?d } }",
    "SELECT * { ?a ex:name ?b FILTER NOT EXISTS { ?a ex:name ?x . ?b ex:name ?y } }",
    "SELECT * { ?s ?p ?o . ?p ex:name ?n }",
    "SELECT * { << ?s ex:name ?o ~ ?r >> ex:name ?y . ?r ex:encodedBy ?z }",
    "ASK { ex:a ex:name 1 . ex:b ex:name 2 }",
    "SELECT * { GRAPH ?g { ?a ex:name ?b } ?g ex:name ?n }",
  ])("none for %s", (query) => {
    expect(warningsOf(query, "cartesian_product")).toEqual([]);
  });

  test("a long query with thousands of patterns is checked quickly", () => {
    const patterns = Array.from({ length: 1_500 }, (_, index) => `OPTIONAL { ?s ?p${index} ?o${index} }`);
    const startedAt = performance.now();
    expect(warningsOf(`SELECT * { ?s ?p ?o ${patterns.join(" ")} }`, "cartesian_product")).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

test("a query full of slips gets 20 warnings of each kind, and soon", () => {
  const numbers = Array.from({ length: 2_500 }, (_, index) => index);
  const head = numbers.map((index) => `?unbound${index}`).join(" ");
  const body = numbers.map((index) => `?s ex:p${index} ?bound${index}`).join(".");
  const startedAt = performance.now();
  const { warnings } = prepareQuery(`SELECT ${head} { ${body} }`, { ...OPTIONS, profile });
  const countOf = (code: string) => warnings.filter((warning) => warning.code === code).length;
  expect(countOf("unbound_projection")).toBe(LIMITS.maxQueryWarnings);
  expect(countOf("unknown_property")).toBe(LIMITS.maxQueryWarnings);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

describe("unknown_class and unknown_property", () => {
  test.each([
    ["SELECT * { ?s a ex:Protien }", "unknown_class", 17, "ex:Protein"],
    ["SELECT * { ?s rdf:type <http://other.org/Gene> }", "unknown_class", 24, "ex:Gene"],
    ["SELECT * { ?s a ex:BiologicalCatalist }", "unknown_class", 17, "ex:Enzyme"],
    ["SELECT * { ?s ex:encodeBy ?o }", "unknown_property", 15, "ex:encodedBy"],
    ["SELECT * { ?s ex:name/^ex:encodes+ ?o }", "unknown_property", 24, undefined],
    ["SELECT * { ?s ex:name ?o FILTER EXISTS { ?s ex:nome ?o } }", "unknown_property", 45, "ex:name"],
    ["SELECT * { ?s ex:name [ ex:nam ?o ] }", "unknown_property", 25, "ex:name"],
  ] as const)("%s", (query, code, column, suggestion) => {
    const [warning, ...others] = warningsOf(query, code);
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ line: 1, column });
    expect(warning?.suggestion).toBe(suggestion);
  });

  test.each([
    "SELECT * { ?s a ex:Protein, ex:Molecule, owl:Class, ?c ; ex:name/rdfs:label|^ex:encodedBy ?o ; ?p 1 }",
    "SELECT * { ?s !(ex:unknown|^ex:other) ?o }",
    "SELECT * { ?s rdfs:subClassOf* ex:Unknown }",
    "CONSTRUCT { ?s a ex:New ; ex:made ?o } { ?s ex:name ?o }",
    "SELECT * { ?s rdf:type/rdfs:subClassOf* ex:Protein }",
  ])("none for %s", (query) => {
    expect(warningsOf(query, "unknown_class")).toEqual([]);
    expect(warningsOf(query, "unknown_property")).toEqual([]);
  });

  test("an incomplete profile knows no unknown names, nor does none", () => {
    const query = "SELECT * { ?s a ex:Protien ; ex:encodeBy ?o }";
    expect(warningsOf(query, "unknown_class", { ...profile, complete: false })).toEqual([]);
    expect(prepareQuery(query, { ...OPTIONS, prefixes: { ex: EX } }).warnings).toEqual([
      expect.objectContaining({ code: "prefix_added" }),
    ]);
  });

  test("a name is reported once, and local names with colons and escapes are whole", () => {
    const query = "SELECT * { ?s ex:na\\.me ?o . ?o ex:na\\.me ?p . ?p ex:a:b ?q }";
    expect(warningsOf(query, "unknown_property").map(({ message }) => /<(.*?)>/.exec(message)?.[1])).toEqual([
      `${EX}na.me`,
      `${EX}a:b`,
    ]);
  });
});
