/**
 * RDF terms in the form of SPARQL 1.1 Query Results JSON (W3C Recommendation, section 3.2.2),
 * with the triple terms of SPARQL 1.2. One form from the executor to the wire: nothing converts a row twice.
 */
export type Term = IriTerm | LiteralTerm | BlankNodeTerm | TripleTerm;

interface IriTerm {
  readonly type: "uri";
  readonly value: string;
}

/** A literal without `datatype` and `xml:lang` is an `xsd:string`. */
export interface LiteralTerm {
  readonly type: "literal";
  readonly value: string;
  readonly datatype?: string;
  readonly "xml:lang"?: string;
  readonly "its:dir"?: "ltr" | "rtl";
}

/** A blank node; its label is unique within one result. */
interface BlankNodeTerm {
  readonly type: "bnode";
  readonly value: string;
}

export interface TripleTerm {
  readonly type: "triple";
  readonly value: { readonly subject: Term; readonly predicate: Term; readonly object: Term };
}

/**
 * One row: variable name (without `?`) → term; unbound variables are absent.
 * Names come from the query's author: read with `Object.hasOwn` or by a known variable, never with `in`.
 */
export type Binding = Readonly<Record<string, Term>>;

/** The variables of the rows of a CONSTRUCT or DESCRIBE: one row a triple. */
export const TRIPLE_VARIABLES = ["subject", "predicate", "object"] as const;

/** Well-known IRIs that several parts of the engine name. */
export const XSD = "http://www.w3.org/2001/XMLSchema#";
export const RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
export const RDFS = "http://www.w3.org/2000/01/rdf-schema#";
export const OWL = "http://www.w3.org/2002/07/owl#";
export const SKOS = "http://www.w3.org/2004/02/skos/core#";
