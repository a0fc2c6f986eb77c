import { EventEmitter } from "node:events";
import { TextDecoder } from "node:util";
import { Parser, type Quad } from "n3";
import { EngineFailure } from "../../failure.js";
import { type Binding, type Term, TRIPLE_VARIABLES, XSD } from "../../rdf.js";
import type { AnswerReader, ReaderEvent } from "./results-reader.js";

/** Of one unfinished statement; n3 keeps it in memory. */
const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;

/** A term as the parser makes it: its type declarations do not know triple terms and directions yet. */
type ParsedTerm =
  | { readonly termType: "NamedNode" | "BlankNode"; readonly value: string }
  | ParsedLiteral
  | (ParsedTriple & { readonly termType: "Quad" });

interface ParsedLiteral {
  readonly termType: "Literal";
  readonly value: string;
  readonly language: string;
  readonly direction?: string;
  readonly datatype: { readonly value: string };
}

interface ParsedTriple {
  readonly subject: ParsedTerm;
  readonly predicate: ParsedTerm;
  readonly object: ParsedTerm;
}

/**
 * Reads the answer to CONSTRUCT or DESCRIBE: N-Triples or Turtle, one row of `TRIPLE_VARIABLES` a triple.
 * `baseIri` resolves relative IRIs of Turtle: the address that answered.
 */
export function createGraphReader(format: "N-Triples" | "Turtle", baseIri: string): AnswerReader {
  const source = new EventEmitter();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rows: Binding[] = [];
  let failure: Error | undefined;
  let begun = false;
  let pendingBytes = 0;

  new Parser({ format, baseIRI: baseIri }).parse(source, (error: Error | null, quad: Quad | null) => {
    if (error !== null) failure ??= error;
    else if (quad !== null) rows.push(toRow(quad as ParsedTriple));
  });
  // The parser works inside `emit`, so whatever it found in a chunk is there when `emit` returns.
  const emitText = (text: string) => {
    if (text !== "") source.emit("data", text);
    if (failure !== undefined) throw malformed(format, failure);
  };
  return {
    read(chunk) {
      const events: ReaderEvent[] = [];
      if (!begun) events.push({ kind: "head", variables: TRIPLE_VARIABLES });
      begun = true;
      rows = [];
      emitText(decode(decoder, chunk, format));
      if (rows.length > 0) events.push({ kind: "rows", rows });
      pendingBytes = rows.length > 0 ? 0 : pendingBytes + chunk.length;
      if (pendingBytes > MAX_STATEMENT_BYTES) {
        throw malformed(format, new Error(`${MAX_STATEMENT_BYTES} bytes came without one triple`));
      }
      return events;
    },
    end() {
      rows = [];
      emitText(decode(decoder, undefined, format));
      source.emit("end");
      if (failure !== undefined) {
        throw new EngineFailure(
          "upstream_truncated",
          `The endpoint's answer ended inside a statement of ${format}: ${failure.message}`,
          { cause: failure },
        );
      }
      const last: ReaderEvent[] = begun ? [] : [{ kind: "head", variables: TRIPLE_VARIABLES }];
      if (rows.length > 0) last.push({ kind: "rows", rows });
      return last;
    },
    begun: () => begun,
  };
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, format: string): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw malformed(format, new Error("it is not valid UTF-8", { cause }));
  }
}

function toRow(quad: ParsedTriple): Binding {
  return {
    subject: toTerm(quad.subject),
    predicate: toTerm(quad.predicate),
    object: toTerm(quad.object),
  };
}

function toTerm(term: ParsedTerm): Term {
  switch (term.termType) {
    case "NamedNode":
      return { type: "uri", value: term.value };
    case "BlankNode":
      return { type: "bnode", value: term.value };
    case "Literal":
      return toLiteral(term);
    case "Quad":
      return {
        type: "triple",
        value: {
          subject: toTerm(term.subject),
          predicate: toTerm(term.predicate),
          object: toTerm(term.object),
        },
      };
  }
}

function toLiteral({ value, language, direction, datatype }: ParsedLiteral): Term {
  if (language !== "") {
    return direction === "ltr" || direction === "rtl"
      ? { type: "literal", value, "xml:lang": language, "its:dir": direction }
      : { type: "literal", value, "xml:lang": language };
  }
  return datatype.value === `${XSD}string`
    ? { type: "literal", value }
    : { type: "literal", value, datatype: datatype.value };
}

function malformed(format: string, cause: Error): EngineFailure {
  return new EngineFailure(
    "upstream_bad_response",
    `The endpoint's answer is no ${format}: ${cause.message}`,
    { cause },
  );
}
