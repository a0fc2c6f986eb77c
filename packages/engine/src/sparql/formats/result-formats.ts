import type { PreparedQuery } from "../../executor.js";

export type ResultFormat = "json" | "xml" | "csv" | "tsv" | "turtle" | "ntriples";

export interface ResultFormatEntry {
  readonly id: ResultFormat;
  /** The first is sent as content type; all are understood in Accept, the specific ones before the general. */
  readonly mediaTypes: readonly [string, ...string[]];
  /** Parameters that the content type is sent with, such as `charset=utf-8`. */
  readonly parameters: string | null;
  /** Of a file, without the dot. */
  readonly extension: string;
  readonly forms: readonly PreparedQuery["form"][];
}

/**
 * Everything that results can be written as, the preferred first. Media types: SPARQL 1.1 Query Results JSON
 * (section 5), SPARQL Query Results XML (section 4), SPARQL 1.1 Query Results CSV and TSV (section 6),
 * RDF 1.2 Turtle and N-Triples (their sections on media types).
 */
export const RESULT_FORMATS: readonly ResultFormatEntry[] = [
  {
    id: "json",
    mediaTypes: ["application/sparql-results+json", "application/json"],
    parameters: null,
    extension: "srj",
    forms: ["select", "ask"],
  },
  {
    id: "xml",
    mediaTypes: ["application/sparql-results+xml", "application/xml", "text/xml"],
    parameters: null,
    extension: "srx",
    forms: ["select", "ask"],
  },
  {
    id: "csv",
    mediaTypes: ["text/csv"],
    parameters: "charset=utf-8; header=present",
    extension: "csv",
    forms: ["select", "ask"],
  },
  {
    id: "tsv",
    mediaTypes: ["text/tab-separated-values"],
    parameters: "charset=utf-8",
    extension: "tsv",
    forms: ["select", "ask"],
  },
  {
    id: "turtle",
    mediaTypes: ["text/turtle", "application/x-turtle"],
    parameters: "charset=utf-8",
    extension: "ttl",
    forms: ["construct", "describe"],
  },
  {
    id: "ntriples",
    mediaTypes: ["application/n-triples", "text/plain"],
    parameters: null,
    extension: "nt",
    forms: ["construct", "describe"],
  },
];
