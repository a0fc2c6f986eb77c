import type { Binding, Term } from "@sparql-live/engine";

/** Triples as the rows of a CONSTRUCT, so that the writers of results write descriptions too. */
export interface TripleBuilder {
  add(subject: Term, predicate: string, object: Term): void;
  readonly rows: readonly Binding[];
}

export function createTriples(): TripleBuilder {
  const rows: Binding[] = [];
  return {
    add: (subject, predicate, object) => rows.push({ subject, predicate: iri(predicate), object }),
    rows,
  };
}

export function iri(value: string): Term {
  return { type: "uri", value };
}

export function text(value: string, language?: string): Term {
  return { type: "literal", value, ...(language === undefined ? {} : { "xml:lang": language }) };
}

export function integer(value: number): Term {
  return { type: "literal", value: String(value), datatype: "http://www.w3.org/2001/XMLSchema#integer" };
}

export function blank(label: string): Term {
  return { type: "bnode", value: label };
}

export const SD = "http://www.w3.org/ns/sparql-service-description#";
export const VOID = "http://rdfs.org/ns/void#";
export const DCTERMS = "http://purl.org/dc/terms/";
export const TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
