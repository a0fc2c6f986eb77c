import oxigraph from "oxigraph";
import { describe, expect, it } from "vitest";
import { buildGraph } from "./build-graph.js";

const PREFIXES = { ex: "http://example.org/" };

function build(tables: readonly object[], files: Readonly<Record<string, string>>): string {
  return buildGraph(
    new Map([...Object.entries(files), ["mapping.json", JSON.stringify({ prefixes: PREFIXES, tables })]]),
  );
}

function fault(tables: readonly object[], files: Readonly<Record<string, string>>): string {
  try {
    build(tables, files);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}

const THINGS = { file: "things.tsv", subject: "http://example.org/{id}" };

describe("buildGraph", () => {
  it("writes sorted Turtle that says what the tables say, each triple once", () => {
    const tables = [
      {
        ...THINGS,
        types: ["ex:Thing"],
        key: ["id"],
        ignore: ["source"],
        constants: [{ predicate: "ex:in", object: "ex:world" }],
        columns: {
          name: [
            { predicate: "rdfs:label", lang: "en" },
            { predicate: "skos:altLabel", separator: "|" },
          ],
          size: { predicate: "ex:size", datatype: "xsd:int" },
          parent: { predicate: "ex:child", kind: "iri", iri: "http://example.org/{value}", inverse: true },
        },
        nodes: [
          {
            predicate: "ex:name",
            each: "name",
            separator: "|",
            iri: "http://example.org/{id}-name-{index}",
            types: ["ex:Name"],
            columns: { value: { predicate: "ex:text" } },
          },
        ],
      },
    ];
    const text = build(tables, {
      "things.tsv": 'id\tname\tsize\tparent\tsource\nb\tB|"C"\t7\ta\tbook\na\t\t\t\tbook\n',
      "vocabulary.ttl": "# vocabulary\n",
    });
    expect(text).toBe(`# vocabulary

@prefix ex: <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

ex:a
  a ex:Thing ;
  ex:child ex:b ;
  ex:in ex:world .

ex:b
  a ex:Thing ;
  ex:in ex:world ;
  ex:name ex:b-name-1, ex:b-name-2 ;
  ex:size "7"^^xsd:int ;
  rdfs:label "B|\\"C\\""@en ;
  skos:altLabel "B", "\\"C\\"" .

ex:b-name-1
  a ex:Name ;
  ex:text "B" .

ex:b-name-2
  a ex:Name ;
  ex:text "\\"C\\"" .
`);
    const store = new oxigraph.Store();
    store.load(text, { format: "text/turtle" });
    expect(store.size).toBe(15);
  });

  it("tells file, line and cell of every fault in the rows", () => {
    const tables = [
      {
        ...THINGS,
        key: ["id"],
        columns: {
          size: { predicate: "ex:size", datatype: "xsd:int" },
          link: { predicate: "ex:link", kind: "iri" },
        },
      },
    ];
    const text = "id\tsize\tlink\na\tbig\t\na\t1\tno iri\n\t2\t\n";
    expect(fault(tables, { "things.tsv": text }).split("\n")).toEqual([
      "things.tsv:2:2 (size): «big» is not of the form of xsd:int",
      "things.tsv:3:1 (id): «a» stands already in line 2",
      "things.tsv:3:3 (link): «no iri» is not an absolute IRI",
      "things.tsv:4:1 (id): the cell must not be empty",
      "things.tsv:4:1 (id): the IRI http://example.org/{id} needs this cell, and it is empty",
    ]);
  });

  it("tells empty values beside a separator", () => {
    const tables = [{ ...THINGS, columns: { name: { predicate: "ex:name", separator: "|" } } }];
    expect(fault(tables, { "things.tsv": "id\tname\na\tA||B\n" })).toContain(
      "things.tsv:2:2 (name): an empty value",
    );
  });

  it("compares header and mapping both ways", () => {
    const message = fault([{ ...THINGS, columns: { name: { predicate: "ex:name" } } }], {
      "things.tsv": "id\tsize\n",
    });
    expect(message).toContain("mapping.json: things.tsv has no column «name»");
    expect(message).toContain("things.tsv:2 (size)");
  });

  it("tells missing and unnamed tables", () => {
    expect(fault([THINGS], { "other.tsv": "id\n" })).toBe(
      "mapping.json: the table things.tsv is not in the folder\nother.tsv: mapping.json does not name this table",
    );
  });

  it("tells faults of the mapping with their path", () => {
    const tables = [
      {
        ...THINGS,
        colums: {},
        columns: {
          name: { predicate: "foo:name" },
          size: { predicate: "ex:size", kind: "text", lang: "en", datatype: "xsd:int" },
        },
      },
    ];
    expect(fault(tables, {}).split("\n")).toEqual([
      expect.stringContaining("mapping.json: tables[0].colums: unknown key"),
      expect.stringContaining("tables[0].columns.name.predicate: «foo:name»"),
      expect.stringContaining("tables[0].columns.size.kind: «text»"),
      expect.stringContaining("tables[0].columns.size.datatype: a literal has a datatype or a language"),
    ]);
  });
});
