import type { Completeness } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import type { Binding } from "../../rdf.js";
import { createBareBooleanWriter, createCsvWriter } from "./csv.js";
import { createJsonBooleanWriter, createJsonWriter } from "./json.js";
import { createNTriplesWriter } from "./ntriples.js";
import type { ResultFormat } from "./result-formats.js";
import type { ResultWriter } from "./result-writer.js";
import { createTsvWriter } from "./tsv.js";
import { createTurtleWriter } from "./turtle.js";
import { createXmlBooleanWriter, createXmlWriter } from "./xml.js";

/** The answer of a SELECT, of an ASK, or of a CONSTRUCT or DESCRIBE (rows of `TRIPLE_VARIABLES`). */
export type ResultHead =
  | { readonly kind: "bindings"; readonly variables: readonly string[] }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "triples"; readonly prefixes?: Readonly<Record<string, string>> };

export interface WriteOptions {
  readonly format: ResultFormat;
  readonly head: ResultHead;
  /**
   * Asked once after the last row. JSON then has a top-level member `"sparql-live": {"completeness": …}` behind
   * its results, XML, Turtle and N-Triples a comment; CSV and TSV have no place for it. Nothing is written for a
   * complete result.
   */
  readonly completeness?: () => Completeness;
}

/** Rows that are turned into one piece of text: bounds the pieces, however many rows arrive at once. */
const ROWS_PER_PIECE = 1_000;

function bindingsWriter(format: ResultFormat, variables: readonly string[]): ResultWriter | null {
  switch (format) {
    case "json":
      return createJsonWriter(variables);
    case "xml":
      return createXmlWriter(variables);
    case "csv":
      return createCsvWriter(variables);
    case "tsv":
      return createTsvWriter(variables);
    default:
      return null;
  }
}

function booleanWriter(format: ResultFormat, value: boolean): ResultWriter | null {
  switch (format) {
    case "json":
      return createJsonBooleanWriter(value);
    case "xml":
      return createXmlBooleanWriter(value);
    case "csv":
    case "tsv":
      return createBareBooleanWriter(value);
    default:
      return null;
  }
}

function createWriter({ format, head }: WriteOptions): ResultWriter {
  let writer: ResultWriter | null = null;
  if (head.kind === "bindings") writer = bindingsWriter(format, head.variables);
  else if (head.kind === "boolean") writer = booleanWriter(format, head.value);
  else if (format === "turtle") writer = createTurtleWriter(head.prefixes ?? {});
  else if (format === "ntriples") writer = createNTriplesWriter();
  if (writer !== null) return writer;
  const kind = head.kind === "triples" ? "a graph" : "the rows of a SELECT or the answer of an ASK";
  throw new EngineFailure("bad_request", `The format ${format} cannot hold ${kind}.`);
}

/**
 * Writes a result as it arrives: the text of each piece is made when it is asked for, and nothing is kept.
 * `rows` is not read for an ASK. Throws `bad_request` at once where the format cannot hold such a result.
 */
export function writeResults(
  options: WriteOptions,
  rows: AsyncIterable<readonly Binding[]>,
): AsyncGenerator<string, void, undefined> {
  return write(createWriter(options), options, rows);
}

async function* write(
  writer: ResultWriter,
  { head, completeness }: WriteOptions,
  rows: AsyncIterable<readonly Binding[]>,
): AsyncGenerator<string, void, undefined> {
  const begin = writer.begin();
  if (begin !== "") yield begin;
  if (head.kind !== "boolean") {
    for await (const batch of rows) {
      for (let start = 0; start < batch.length; start += ROWS_PER_PIECE) {
        const piece = writer.rows(batch.slice(start, start + ROWS_PER_PIECE));
        if (piece !== "") yield piece;
      }
    }
  }
  const end = writer.end(completeness?.() ?? null);
  if (end !== "") yield end;
}
