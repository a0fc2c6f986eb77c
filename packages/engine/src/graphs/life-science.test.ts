import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import oxigraph from "oxigraph";
import { beforeAll, describe, expect, it } from "vitest";
import { buildGraph } from "./build-graph.js";
import { parseTable } from "./table.js";

const FOLDER = fileURLToPath(new URL("../../data/life-science/", import.meta.url));
const PREFIXES = `
PREFIX up: <http://purl.uniprot.org/core/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX schema: <https://schema.org/>
`;

const files = new Map(
  readdirSync(FOLDER)
    .filter((name) => /\.(tsv|ttl|json)$/.test(name))
    .map((name) => [name, readFileSync(FOLDER + name, "utf8")]),
);
const store = new oxigraph.Store();
const examples = new oxigraph.Store();

function select(from: oxigraph.Store, query: string): readonly (readonly string[])[] {
  const result = from.query(PREFIXES + query);
  if (!Array.isArray(result)) throw new Error("the query is no SELECT query");
  return result.map((row) => {
    if (!(row instanceof Map)) throw new Error("the query gives no bindings");
    return [...(row as ReadonlyMap<string, { readonly value: string }>).values()].map((term) => term.value);
  });
}

function count(query: string): number {
  return Number(select(store, query)[0]?.[0]);
}

beforeAll(() => {
  store.load(buildGraph(files), { format: "text/turtle" });
  examples.load(files.get("examples.ttl") ?? "", { format: "text/turtle" });
});

describe("the life-science graph", () => {
  it("is large enough to be worth asking", () => {
    expect(store.size).toBeGreaterThanOrEqual(5000);
    expect(count("SELECT (COUNT(*) AS ?n) { ?protein a up:Protein }")).toBeGreaterThanOrEqual(200);
    const perOrganism = select(
      store,
      "SELECT (COUNT(*) AS ?n) { ?p a up:Protein ; up:organism ?o } GROUP BY ?o",
    );
    expect(perOrganism.length).toBeGreaterThanOrEqual(6);
    expect(Math.min(...perOrganism.map(([n]) => Number(n)))).toBeGreaterThanOrEqual(8);
  });

  it.each([
    "INS",
    "TP53",
    "APP",
    "PSEN1",
    "PSEN2",
    "APOE",
    "MAPT",
    "BRCA1",
    "BRCA2",
    "EGFR",
    "CFTR",
    "HBB",
    "HTT",
    "SOD1",
    "SNCA",
  ])("has the human gene %s with length, mass and disease", (gene) => {
    const rows = select(
      store,
      `SELECT DISTINCT ?p { ?p up:encodedBy/skos:prefLabel "${gene}" ;
      up:organism <http://purl.uniprot.org/taxonomy/9606> ; up:sequence/up:mass ?mass ; up:annotation/up:disease ?d }`,
    );
    expect(rows).toHaveLength(1);
  });

  it("describes every class and property with a label and a comment", () => {
    const used = `{ ?s ?term ?o . FILTER(?term != <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>) } UNION { ?s a ?term }`;
    const undescribed = select(
      store,
      `SELECT DISTINCT ?term { ${used}
      FILTER NOT EXISTS { ?term rdfs:label ?l ; rdfs:comment ?c }
      FILTER(!STRSTARTS(STR(?term), "http://www.w3.org/2002/07/owl#"))
      FILTER(?term NOT IN (rdfs:comment, rdfs:domain, rdfs:range, <http://www.w3.org/1999/02/22-rdf-syntax-ns#Property>)) }`,
    );
    expect(undescribed).toEqual([]);
  });

  it("uses every class and property that its vocabulary describes", () => {
    const unused = select(
      store,
      `SELECT ?term { ?term rdfs:comment ?c
      FILTER NOT EXISTS { ?s ?term ?o } FILTER NOT EXISTS { ?s a ?term } }`,
    );
    expect(unused).toEqual([]);
  });

  it("has no reference to a thing it does not describe", () => {
    const dangling = select(
      store,
      `SELECT DISTINCT ?o { ?s ?p ?o . FILTER(isIRI(?o))
      FILTER(?p NOT IN (rdfs:range, rdfs:domain, <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>))
      FILTER NOT EXISTS { ?o a ?class } }`,
    );
    expect(dangling).toEqual([]);
  });

  it("names everything but names, sequences and statements", () => {
    const nameless = select(
      store,
      `SELECT ?s { ?s a ?class FILTER NOT EXISTS { ?s rdfs:label|skos:prefLabel ?name }
      FILTER(?class NOT IN (up:Structured_Name, up:Simple_Sequence, up:Disease_Annotation,
        <https://sparql-live.github.io/ns/life#DrugAction>)) }`,
    );
    expect(nameless).toEqual([]);
  });

  it("has a source in every row, and its rows sorted", () => {
    for (const [file, text] of files) {
      if (!file.endsWith(".tsv")) continue;
      const table = parseTable(file, text, []);
      for (const row of table.rows) expect(row.cells.get("source"), `${file}:${row.line}`).toBeTruthy();
      const keys = table.rows.map((row) => [...row.cells.values()].join("\t"));
      expect(keys, file).toEqual([...keys].sort());
    }
  });
});

describe("the life-science examples", () => {
  it("are many, each with a question and keywords", () => {
    const asked = select(
      examples,
      "SELECT DISTINCT ?e { ?e a sh:SPARQLExecutable ; rdfs:comment ?q ; schema:keywords ?k }",
    );
    const all = select(examples, "SELECT DISTINCT ?e { ?e a sh:SPARQLExecutable }");
    expect(asked.length).toBeGreaterThanOrEqual(25);
    expect(asked).toHaveLength(all.length);
  });

  it("all have an answer", () => {
    for (const [question = "", query = ""] of select(
      examples,
      "SELECT ?q ?t { ?e rdfs:comment ?q ; sh:select|sh:ask ?t }",
    )) {
      const answer = store.query(query);
      expect(answer === true || (Array.isArray(answer) && answer.length > 0), question).toBe(true);
    }
  });
});
