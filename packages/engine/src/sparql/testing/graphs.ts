import oxigraph from "oxigraph";
import type { PrepareOptions } from "../prepare.js";

/** A small graph with every kind of term, a named graph, and nodes that several patterns can meet in. */
export const SAMPLE = `
@prefix ex: <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:anna a ex:Person, ex:Author ; ex:name "Anna"@en, "Ana"@es ; ex:knows ex:ben, _:c ; ex:age 30 ; ex:born "1994-02-03"^^xsd:date .
ex:ben a ex:Person ; ex:name "Ben" ; ex:knows ex:anna, ex:cleo ; ex:age 41.5 .
ex:cleo a ex:Robot ; ex:name "Cléo \\"the\\" bot\\n" ; ex:height 1.2e0 ; ex:on true .
_:c a ex:Person ; ex:name "Chris" .
ex:list ex:items (1 2 ex:anna) .
ex:Author rdfs:subClassOf ex:Person .
ex:Person rdfs:label "person"@en-GB .
ex:g1 { ex:dora a ex:Person ; ex:name "Dora" ; ex:knows ex:anna . }
`;

export function createStore(text: string, format: string): oxigraph.Store {
  const store = new oxigraph.Store();
  store.load(text, { format });
  return store;
}

/** The rows, or the triples, or the boolean of a query, as sorted lines: what counts is which, and how often. */
export function answer(store: oxigraph.Store, query: string): readonly string[] {
  const result: unknown = store.query(query);
  if (typeof result === "boolean") return [String(result)];
  if (!Array.isArray(result)) throw new TypeError("the engine gave no rows");
  return result.map(lineOf).sort();
}

function lineOf(row: unknown): string {
  if (!(row instanceof Map)) return String(row);
  return [...row]
    .map(([name, term]) => `${name}=${term}`)
    .sort()
    .join(" ");
}

export const OPTIONS: PrepareOptions = {
  prefixes: { ex: "http://example.org/" },
  maxRows: 1_000,
  policy: { allowService: false, localGraphs: "any" },
  rewriteTypes: false,
  windows: false,
};
