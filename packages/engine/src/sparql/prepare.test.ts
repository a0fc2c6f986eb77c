import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EngineFailure } from "../failure.js";
import { parseSparql } from "./parser.js";
import { type PrepareOptions, prepareQuery } from "./prepare.js";
import { OPTIONS } from "./testing/graphs.js";

function failureOf(text: string, options: PrepareOptions): EngineFailure {
  try {
    prepareQuery(text, options);
  } catch (error) {
    if (error instanceof EngineFailure) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

const textOf = (query: string, options: Partial<PrepareOptions> = {}) =>
  prepareQuery(query, { ...OPTIONS, maxRows: 100, ...options }).query.text;

describe("form and variables", () => {
  test.each([
    ["SELECT ?b (1 AS ?a) $c { ?b ?p $c }", "select", ["b", "a", "c"]],
    ["SELECT * { ?b ?p ?c }", "select", null],
    ["ASK { ?b ?p ?c }", "ask", []],
    ["CONSTRUCT WHERE { ?b ?p ?c }", "construct", ["subject", "predicate", "object"]],
    ["DESCRIBE <x>", "describe", ["subject", "predicate", "object"]],
  ])("%s", (query, form, variables) => {
    expect(prepareQuery(query, OPTIONS).query).toMatchObject({ form, variables });
  });
});

describe("LIMIT is put outermost, one above the cap", () => {
  test.each([
    ["SELECT * { ?s ?p ?o }", "SELECT * { ?s ?p ?o } LIMIT 101"],
    ["SELECT * { ?s ?p ?o } LIMIT 100", "SELECT * { ?s ?p ?o } LIMIT 100"],
    ["SELECT * { ?s ?p ?o } LIMIT 0", "SELECT * { ?s ?p ?o } LIMIT 0"],
    ["SELECT * { ?s ?p ?o } LIMIT 101", "SELECT * { ?s ?p ?o } LIMIT 101"],
    ["SELECT * { ?s ?p ?o } limit\n 102", "SELECT * { ?s ?p ?o } limit\n 101"],
    [
      "SELECT * { ?s ?p ?o } LIMIT 99999999999999999999 OFFSET 102",
      "SELECT * { ?s ?p ?o } LIMIT 101 OFFSET 102",
    ],
    ["SELECT * { ?s ?p ?o } OFFSET 500 LIMIT 500", "SELECT * { ?s ?p ?o } OFFSET 500 LIMIT 101"],
    [
      "SELECT * { ?s ?p ?o } OFFSET 500 # LIMIT 7\n LIMIT #8\n 500",
      "SELECT * { ?s ?p ?o } OFFSET 500 # LIMIT 7\n LIMIT #8\n 101",
    ],
    ["SELECT * { ?s ?p ?o } OFFSET 5", "SELECT * { ?s ?p ?o } OFFSET 5 LIMIT 101"],
    ["SELECT * { ?s ?p ?o } ORDER BY ?s", "SELECT * { ?s ?p ?o } ORDER BY ?s LIMIT 101"],
    ["SELECT * { ?s ?p ?o } # LIMIT 5", "SELECT * { ?s ?p ?o } LIMIT 101 # LIMIT 5\n"],
    ["SELECT * { ?s ?p 'LIMIT 5' }", "SELECT * { ?s ?p 'LIMIT 5' } LIMIT 101"],
    ["SELECT * { ?s ?p ?o } VALUES ?s { <x> }", "SELECT * { ?s ?p ?o } LIMIT 101 VALUES ?s { <x> }"],
    [
      "SELECT * { ?s ?p ?o } LIMIT 200 VALUES ?s { 'LIMIT 1' }",
      "SELECT * { ?s ?p ?o } LIMIT 101 VALUES ?s { 'LIMIT 1' }",
    ],
    [
      "SELECT * { { SELECT ?s { ?s ?p ?o } LIMIT 500 VALUES ?s { 1 } } }",
      "SELECT * { { SELECT ?s { ?s ?p ?o } LIMIT 500 VALUES ?s { 1 } } } LIMIT 101",
    ],
    [
      "SELECT (COUNT(*) AS ?limit) { ?limit <limit> ?o } GROUP BY ?p HAVING (?limit > 1)",
      "SELECT (COUNT(*) AS ?limit) { ?limit <limit> ?o } GROUP BY ?p HAVING (?limit > 1) LIMIT 101",
    ],
    ["ASK { ?s ?p ?o }", "ASK { ?s ?p ?o }"],
    ["CONSTRUCT WHERE { ?s ?p ?o } LIMIT 500", "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 500"],
    ["DESCRIBE ?s { ?s ?p ?o }", "DESCRIBE ?s { ?s ?p ?o }"],
  ])("%s", (query, expected) => {
    expect(textOf(query)).toBe(expected);
    expect(textOf(query, { maxRows: null }).trimEnd()).toBe(query);
  });

  const comment = fc.stringMatching(/^[ a-zA-Z0-9{}"'<>#.]{0,12}$/).map((text) => `#${text} LIMIT 9\n`);
  const gap = fc.oneof(fc.constantFrom(" ", "\n", "\r\n", "\t"), comment);
  const clause = (...texts: string[]) => fc.option(fc.constantFrom(...texts), { nil: "" });

  test("property: the executed text differs from the written one by the LIMIT alone, and parses", () => {
    fc.assert(
      fc.property(
        fc.record({
          where: fc.constantFrom(
            "{ ?s ?p ?o }",
            "{ ?s ?p 'LIMIT 3 # {' }",
            "{ SELECT * { ?s ?p ?o } LIMIT 500 }",
            "{ ?s <http://x/#LIMIT> ?o . # LIMIT 4 }\n }",
            '{ ?s ?p """\nLIMIT 2 #""" }',
          ),
          order: clause("ORDER BY ?s", "ORDER BY DESC(?o) ?s"),
          limit: fc.option(fc.nat({ max: 300 })),
          offset: fc.option(fc.nat({ max: 300 })),
          offsetFirst: fc.boolean(),
          values: clause("VALUES ?s { 1 2 }", "VALUES (?s ?o) { (1 'LIMIT 1') }", "VALUES ?s { }"),
          gaps: fc.array(gap, { minLength: 6, maxLength: 6 }),
          tail: fc.constantFrom("", " ", "\n", "# LIMIT 3", " # end\n", "#"),
        }),
        ({ where, order, limit, offset, offsetFirst, values, gaps, tail }) => {
          const [g0, g1, g2, g3, g4, g5] = gaps;
          const limits = [
            ...(limit === null ? [] : [`LIMIT${g4}${limit}`]),
            ...(offset === null ? [] : [`OFFSET ${offset}`]),
          ];
          const slice = (offsetFirst ? limits.reverse() : limits).join(g5);
          const query = `SELECT${g0}* ${where}${g1}${order}${g2}${slice}${g3}${values}${tail}`;
          const text = textOf(query);
          const { ast } = parseSparql(text);
          expect(ast.solutionModifiers.limitOffset?.limit).toBe(limit !== null && limit <= 100 ? limit : 101);
          expect(ast.solutionModifiers.limitOffset?.offset).toBe(offset ?? undefined);
          // What was added, or put in the place of the number, is one stretch of text.
          const written = text.endsWith("\n") && !query.endsWith("\n") ? text.slice(0, -1) : text;
          let start = 0;
          while (start < query.length && written[start] === query[start]) start += 1;
          let end = 0;
          while (end < query.length - start && written.at(-1 - end) === query.at(-1 - end)) end += 1;
          expect(written.slice(start, written.length - end)).toMatch(
            /^(?:(?: ?LIMIT )?\d{0,3} ?|[A-Z ]+\d+)?$/,
          );
          expect(query.slice(start, query.length - end)).toMatch(/^\d{0,3}$/);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("windows", () => {
  const windowable = (query: string, windows = true) => {
    const prepared = prepareQuery(query, { ...OPTIONS, maxRows: 100, windows });
    return prepared.query.windowable;
  };

  test.each([
    "SELECT * { ?s ?p ?o }",
    "SELECT ?s (STRLEN(?o) AS ?n) { ?s ?p ?o OPTIONAL { ?s <q> ?r } FILTER(?o > 1) }",
    "SELECT * { { SELECT ?s { ?s ?p ?o } } ?s <q> ?r }",
    "SELECT (<http://www.w3.org/2001/XMLSchema#integer>(?o) AS ?i) { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o } # rand()",
  ])("%s is read in windows, and keeps no LIMIT", (query) => {
    expect(windowable(query)).toBe(true);
    expect(windowable(query, false)).toBe(false);
    expect(textOf(query, { windows: true }).trimEnd()).toBe(query);
    // What the executor appends is not swallowed by a comment at the end.
    const appended = `${textOf(query, { windows: true })} LIMIT 10 OFFSET 5`;
    expect(parseSparql(appended).ast.solutionModifiers.limitOffset).toMatchObject({ limit: 10, offset: 5 });
  });

  test.each([
    "ASK { ?s ?p ?o }",
    "CONSTRUCT WHERE { ?s ?p ?o }",
    "SELECT DISTINCT ?s { ?s ?p ?o }",
    "SELECT REDUCED ?s { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o } ORDER BY ?s",
    "SELECT * { ?s ?p ?o } LIMIT 5",
    "SELECT * { ?s ?p ?o } OFFSET 5",
    "SELECT ?s { ?s ?p ?o } GROUP BY ?s",
    "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "SELECT (1 + MAX(?o) AS ?n) { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o } VALUES ?s { 1 }",
    "SELECT * { ?s ?p ?o BIND(RAND() AS ?r) }",
    "SELECT (now() AS ?r) { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o FILTER EXISTS { ?s ?q ?r FILTER(UUID() != ?r) } }",
    "SELECT (STRUUID() AS ?r) { ?s ?p ?o }",
    "SELECT (BNODE(?o) AS ?r) { ?s ?p ?o }",
    "SELECT (<http://example.org/f>(?o) AS ?r) { ?s ?p ?o }",
    "SELECT * { { SELECT DISTINCT ?s { ?s ?p ?o } } }",
    "SELECT * { { SELECT ?s { ?s ?p ?o } LIMIT 5 } }",
    "SELECT * { { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } } }",
  ])("%s is not", (query) => {
    expect(windowable(query)).toBe(false);
  });

  test("what is not windowable gets its LIMIT also where windows are read", () => {
    expect(textOf("SELECT DISTINCT ?s { ?s ?p ?o }", { windows: true })).toMatch(/LIMIT 101$/);
  });
});

describe("policy", () => {
  const strict: PrepareOptions = { ...OPTIONS, policy: { allowService: false, localGraphs: ["http://g/1"] } };

  test.each([
    ["SELECT * {\n SERVICE <http://x/> { ?s ?p ?o } }", 2, 2],
    ["SELECT * { SERVICE SILENT <http://x/> { ?s ?p ?o } }", 1, 12],
    ["SELECT * { SERVICE ?x { ?s ?p ?o } }", 1, 12],
    ["SELECT * { { SELECT * { OPTIONAL { SERVICE <http://x/> { } } } } }", 1, 36],
    ["SELECT * { ?s ?p ?o FILTER NOT EXISTS { SERVICE <http://x/> { } } }", 1, 41],
    ["SELECT (EXISTS { SERVICE <http://x/> { } } AS ?x) { }", 1, 18],
    ["ASK { GRAPH ?g { MINUS { SERVICE <http://x/> { } } } }", 1, 26],
    ["SELECT * { } HAVING (EXISTS { SERVICE <http://x/> { } })", 1, 31],
    ["SELECT * { ?s ?p ?o # \rSERVICE <http://x/> {}\n }", 2, 1],
  ])("SERVICE is refused with its place: %j", (query, line, column) => {
    expect(failureOf(query, strict)).toMatchObject({ code: "service_forbidden", place: { line, column } });
    const open = { ...OPTIONS, policy: { ...OPTIONS.policy, allowService: true } };
    expect(prepareQuery(query, open).query.windowable).toBe(false);
  });

  test.each([
    'SELECT * { ?s ?p "\\u0022 . SERVICE <http://x/> {} ?a ?b \\u0022" }',
    "SELECT * { ?s ?p ?o # \\u000A SERVICE <http://x/> {}\n }",
    "SELECT * { ?s ?p <http://x/\\U0000003E> . SERVICE <http://x/> { ?a ?b <y\\u003E> } }",
  ])("SERVICE behind codepoint escapes is refused, as SPARQL 1.1 reads them: %s", (query) => {
    expect(failureOf(query, strict).code).toBe("service_forbidden");
  });

  test("the word SERVICE in texts, comments and names is harmless, and so are escapes", () => {
    const query =
      'SELECT ?service { ?service <service> "SERVICE <x> {}", "\\u0022", "\\u00e9" # SERVICE <x> {}\n }';
    expect(prepareQuery(query, strict).shown).toBe(query);
  });

  test.each([
    ["SELECT * FROM <http://g/2> { }", 1, 15],
    ["SELECT * FROM <http://g/1>\nFROM NAMED <http://g/2> { }", 2, 12],
    ["PREFIX g: <http://g/> ASK FROM g:2 { }", 1, 32],
    ["BASE <http://g/> CONSTRUCT { } FROM <2> { }", 1, 37],
    ["DESCRIBE <x> FROM <file:///etc/passwd>", 1, 19],
  ])("FROM names local graphs only: %j", (query, line, column) => {
    expect(failureOf(query, strict)).toMatchObject({ code: "graph_forbidden", place: { line, column } });
    expect(prepareQuery(query, OPTIONS).shown).toBe(query);
  });

  test("local graphs may be named, also by prefix and base", () => {
    for (const query of [
      "SELECT * FROM <http://g/1> { }",
      "PREFIX g: <http://g/> SELECT * FROM NAMED g:1 { GRAPH <http://g/2> { } }",
      "BASE <http://g/x> ASK FROM <1> { }",
    ])
      expect(prepareQuery(query, strict).shown).toBe(query);
  });

  test("updates are read_only whatever the policy", () => {
    const open = { ...OPTIONS, policy: { allowService: true, localGraphs: "any" as const } };
    expect(failureOf("LOAD <http://x/>", open).code).toBe("read_only");
  });
});

describe("prefixes", () => {
  test("missing ones are declared before the text, each with a warning at its first use", () => {
    const query = "SELECT * {\n ?s up:mnemonic ?m ; skos:prefLabel ?l ; up:x ?x }";
    const { shown, query: prepared, warnings } = prepareQuery(query, OPTIONS);
    const declarations =
      "PREFIX up: <http://purl.uniprot.org/core/>\nPREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n";
    expect(shown).toBe(declarations + query);
    expect(prepared.text).toBe(`${declarations}${query} LIMIT 1001`);
    expect(warnings).toEqual([
      expect.objectContaining({
        code: "prefix_added",
        line: 2,
        column: 5,
        suggestion: "PREFIX up: <http://purl.uniprot.org/core/>",
      }),
      expect.objectContaining({ code: "prefix_added", line: 2, column: 22 }),
    ]);
  });

  test("the endpoint's own come before the well-known, and the query's before both", () => {
    const options = { ...OPTIONS, prefixes: { up: "http://own/", "": "http://empty/" } };
    expect(prepareQuery("ASK { :a up:b ?c }", options).shown).toBe(
      "PREFIX : <http://empty/>\nPREFIX up: <http://own/>\nASK { :a up:b ?c }",
    );
    const declared = "PREFIX up: <http://mine/> ASK { ?s up:b ?c }";
    expect(prepareQuery(declared, options)).toMatchObject({ shown: declared, warnings: [] });
  });

  test("a declaration that would break out of its brackets is not taken over", () => {
    const options = {
      ...OPTIONS,
      prefixes: { evil: "http://x/> SELECT * { SERVICE <y", "b d": "http://x/" },
    };
    expect(failureOf("ASK { ?s evil:b ?c }", options).code).toBe("bad_query");
  });

  test("an unknown prefix is a bad_query at its place, with the nearest known one", () => {
    const failure = failureOf("SELECT * {\n ?s skso:prefLabel ?o }", OPTIONS);
    expect(failure).toMatchObject({ code: "bad_query", place: { line: 2, column: 5 }, detail: "skos" });
    expect(failureOf("SELECT * { ?s qqqqqqqq:x ?o }", OPTIONS).detail).toBeUndefined();
  });

  test("places of what follows are those of the author's text, not of the completed one", () => {
    const [, warning] = prepareQuery("SELECT ?x {\n ?s skos:broader ?o }", OPTIONS).warnings;
    expect(warning).toMatchObject({ code: "unbound_projection", line: 1, column: 8 });
  });

  test("prefixes that look like keywords, and names with colons, dots and escapes, are read whole", () => {
    const options = { ...OPTIONS, prefixes: { a: "http://a/", select: "http://s/", limit: "http://l/" } };
    const valid = "SELECT * { a:b:c a:a\\.b limit:limit . ?x a select:1.5, true }";
    expect(prepareQuery(valid, options).shown.endsWith(valid)).toBe(true);
  });
});
