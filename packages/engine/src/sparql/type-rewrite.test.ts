import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SchemaProfile } from "../profile.js";
import { prepareQuery } from "./prepare.js";
import { answer, createStore, OPTIONS } from "./testing/graphs.js";
import { classes, profileOf, properties } from "./testing/profiles.js";

const EX = "http://example.org/";

const profile = profileOf({
  classes: classes({ [`${EX}Big`]: 100_000, [`${EX}Small`]: 10 }),
  properties: properties({
    [`${EX}label`]: [500_000, 500_000, 400_000],
    [`${EX}rare`]: [50, 50, 50],
    [`${EX}flag`]: [100_000, 100_000, 2],
  }),
});

function rewritten(query: string, withProfile?: SchemaProfile): string {
  const text = `PREFIX ex: <${EX}> ${query}`;
  const options = { ...OPTIONS, maxRows: null, rewriteTypes: true };
  const prepared = prepareQuery(text, withProfile ? { ...options, profile: withProfile } : options);
  return prepared.query.text.slice(text.length - query.length);
}

describe("a type becomes a filter where something else is selective", () => {
  test.each([
    ["{ ?x a ex:Big ; ex:rare ?r }", "{ ?x ex:rare ?r . FILTER EXISTS { ?x a ex:Big } }"],
    ["{ ?x ex:rare ?r ; a ex:Big }", "{ ?x ex:rare ?r . FILTER EXISTS { ?x a ex:Big } }"],
    ["{ ?x a ex:Big. ?x ex:label 'Bob' . }", "{ ?x ex:label 'Bob' . FILTER EXISTS { ?x a ex:Big } }"],
    [
      "{ ?x a ex:Big ; ex:label ?l . ?y ex:label ?l ; ex:rare 5 }",
      "{ ?x ex:label ?l . ?y ex:label ?l . ?y ex:rare 5 . FILTER EXISTS { ?x a ex:Big } }",
    ],
    [
      "{ ?x a ex:Small . ?x ex:label ?y . ?y a ex:Big }",
      "{ ?x a ex:Small . ?x ex:label ?y . FILTER EXISTS { ?y a ex:Big } }",
    ],
    [
      "{ ?s ex:flag ?o OPTIONAL { ?x a ex:Big ; ex:rare ?s } }",
      "{ ?s ex:flag ?o OPTIONAL { ?x ex:rare ?s . FILTER EXISTS { ?x a ex:Big } } }",
    ],
    [
      "{ ?s ex:rare ?o OPTIONAL { ?x a ex:Big ; ex:label ?s OPTIONAL { ?y a ex:Big ; ex:label ?o } } }",
      "{ ?s ex:rare ?o OPTIONAL { ?x ex:label ?s . FILTER EXISTS { ?x a ex:Big } OPTIONAL { ?y ex:label ?o . FILTER EXISTS { ?y a ex:Big } } } }",
    ],
    [
      "{ ?x a ex:Big, ex:Big ; ex:rare [ ex:label 'x' # c\n ], (1 2) ;; ex:rare # d\n ?q ; }",
      "{ ?x ex:rare [ ex:label 'x' # c\n ] . ?x ex:rare (1 2) . ?x ex:rare ?q . FILTER EXISTS { ?x a ex:Big } FILTER EXISTS { ?x a ex:Big } }",
    ],
    [
      "{ ?x a ex:Big ; (ex:rare|ex:flag)/ex:rare ?z ; ex:rare 1 }",
      "{ ?x (ex:rare|ex:flag)/ex:rare ?z . ?x ex:rare 1 . FILTER EXISTS { ?x a ex:Big } }",
    ],
  ])("%s", (group, expected) => {
    expect(rewritten(`SELECT * ${group}`, profile)).toBe(`SELECT * ${expected}`);
  });

  test("without a profile, a constant is what is selective", () => {
    expect(rewritten("SELECT * { ?x a ex:T ; ex:p 1 }")).toContain("FILTER EXISTS");
    expect(rewritten("SELECT * { ?x a ex:T ; ex:p ?o }")).not.toContain("FILTER EXISTS");
  });

  test.each([
    ["nothing is selective", "SELECT * { ?x a ex:Big ; ex:label ?l }"],
    ["the class is small", "SELECT * { ?x a ex:Small ; ex:rare ?l }"],
    ["the data has no such class", "SELECT * { ?x a ex:None ; ex:rare ?l }"],
    ["the constant has many matches", "SELECT * { ?x a ex:Big ; ex:flag true }"],
    ["the type alone binds the variable", "SELECT * { ?x a ex:Big . ?y ex:rare 5 }"],
    ["the type is a variable", "SELECT * { ?x a ?type ; ex:rare 5 }"],
    ["the subject is a constant", "SELECT * { ex:x a ex:Big ; ex:rare 5 }"],
    ["the type is all of an OPTIONAL", "SELECT * { ?x ex:rare 5 OPTIONAL { ?x a ex:Big } }"],
    ["the other pattern is in another group", "SELECT * { ?x a ex:Big { ?x ex:rare 5 } }"],
    [
      "what an OPTIONAL may have bound is not sure",
      "SELECT * { ?q ex:label ?r OPTIONAL { ?s ex:rare ?q } OPTIONAL { ?x a ex:Big ; ex:label ?s } }",
    ],
    ["the other pattern is optional", "SELECT * { ?x a ex:Big OPTIONAL { ?x ex:rare 5 } }"],
    ["a path alone binds the variable", "SELECT * { ?x a ex:Big ; ex:rare* ex:y }"],
    ["the pattern is in a graph", "SELECT * { GRAPH ex:g { ?x a ex:Big ; ex:rare 5 } }"],
    ["graphs are merged", "SELECT * FROM ex:g FROM ex:h { ?x a ex:Big ; ex:rare 5 }"],
    ["it is within EXISTS", "SELECT * { ?y ex:rare ?x FILTER EXISTS { ?x a ex:Big ; ex:rare 5 } }"],
    ["it is a template too", "CONSTRUCT WHERE { ?x a ex:Big ; ex:rare 5 }"],
    ["the subject is written anew each time", "SELECT * { [] a ex:Big ; ex:rare 5 }"],
    ["the statement is annotated", "SELECT * { ?x a ex:Big {| ex:rare 5 |} ; ex:rare 5 }"],
  ])("not where %s", (_, query) => {
    expect(rewritten(query, profile)).toBe(query);
  });

  test("it can be switched off, and the shown text has none of it", () => {
    const query = `PREFIX ex: <${EX}> SELECT * { ?x a ex:Big ; ex:rare 5 }`;
    expect(prepareQuery(query, { ...OPTIONS, maxRows: null, profile }).query.text).toBe(query);
    expect(prepareQuery(query, { ...OPTIONS, rewriteTypes: true, profile }).shown).toBe(query);
  });
});

const nodes = ["ex:n0", "ex:n1", "ex:n2", "ex:n3", "ex:n4", "_:b0", "_:b1"];
const variables = ["?x", "?y", "?z"];
const predicates = ["ex:p", "ex:q"];
const types = ["ex:A", "ex:B", "ex:C"];

const fact = fc.oneof(
  fc.tuple(fc.constantFrom(...nodes), fc.constant("a"), fc.constantFrom(...types)),
  fc.tuple(
    fc.constantFrom(...nodes),
    fc.constantFrom(...predicates),
    fc.constantFrom(...nodes, "1", "'l'@en"),
  ),
);

const pattern = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(...variables), fc.constant("a"), fc.constantFrom(...types)),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constantFrom(...variables, "ex:n0", "_:l"),
      fc.constantFrom(...predicates, "?p", "ex:p/ex:q", "ex:p*", "^ex:q", "(ex:p|ex:q)"),
      fc.constantFrom(...variables, "ex:n1", "ex:n2", "1", "'l'@en", "[ ex:p ?w ]"),
    ),
  },
);

/** Patterns as text, with `;` where neighbours share their subject. */
const basic = fc.array(pattern, { minLength: 1, maxLength: 5 }).map((patterns) =>
  patterns
    .map(([subject, predicate, object], index) => {
      const repeats = index > 0 && patterns[index - 1]?.[0] === subject;
      return `${repeats ? " ;" : index > 0 ? ` . ${subject}` : subject} ${predicate} ${object}`;
    })
    .join(""),
);

const group = basic.chain((first) =>
  fc.oneof(
    fc.constant(first),
    basic.map((inner) => `${first} OPTIONAL { ${inner} }`),
    fc.tuple(basic, basic).map(([one, two]) => `${first} OPTIONAL { ${one} OPTIONAL { ${two} } }`),
    basic.map((inner) => `${first} MINUS { ${inner} }`),
    basic.map((inner) => `{ ${first} } UNION { ${inner} }`),
    basic.map((inner) => `${first} { SELECT ?x (COUNT(*) AS ?n) { ${inner} } GROUP BY ?x }`),
    basic.map((inner) => `${first} FILTER NOT EXISTS { ${inner} }`),
    basic.map((inner) => `OPTIONAL { ${inner} OPTIONAL { ${first} } FILTER(BOUND(?x)) }`),
  ),
);

/** Counts that make any of the classes or properties the selective one. */
const profiles = fc
  .record({
    classes: fc.tuple(...types.map(() => fc.constantFrom(0, 10, 100_000))),
    properties: fc.tuple(...predicates.map(() => fc.constantFrom(1, 1_000_000))),
  })
  .map((counts) =>
    profileOf({
      classes: types.map((type, index) => ({
        iri: type.replace("ex:", EX),
        labels: [],
        count: counts.classes[index] ?? 0,
        directCount: counts.classes[index] ?? 0,
        superclasses: [],
      })),
      properties: properties(
        Object.fromEntries(
          predicates.map((iri, index) => {
            const count = counts.properties[index] ?? 0;
            return [iri.replace("ex:", EX), [count, count, count]] as const;
          }),
        ),
      ),
    }),
  );

test("property: the rows are the same, and as many, with and without the rewrite", () => {
  let changedCount = 0;
  fc.assert(
    fc.property(
      fc.array(fact, { maxLength: 40 }),
      group,
      fc.option(profiles, { nil: undefined }),
      (facts, where, withProfile) => {
        // One label in two patterns is no SPARQL; a reused `[ … ]` is fine.
        fc.pre(where.split("_:l").length <= 2);
        const data = facts.map((parts) => `${parts.join(" ")} .`).join("\n");
        const store = createStore(`@prefix ex: <${EX}> .\n${data}`, "text/turtle");
        const query = `PREFIX ex: <${EX}> SELECT * { ${where} }`;
        const text = rewritten(`SELECT * { ${where} }`, withProfile);
        if (text.includes("FILTER EXISTS")) changedCount += 1;
        expect(answer(store, `PREFIX ex: <${EX}> ${text}`)).toEqual(answer(store, query));
      },
    ),
    { numRuns: 500 },
  );
  // The property says nothing if hardly any query is rewritten.
  expect(changedCount).toBeGreaterThan(50);
});
