import { EngineFailure } from "../../failure.js";
import { type Binding, RDF, type Term, type TripleTerm, XSD } from "../../rdf.js";

const XSD_STRING = `${XSD}string`;
const RDF_LANG_STRING = `${RDF}langString`;
const RDF_DIR_LANG_STRING = `${RDF}dirLangString`;
/** Virtuoso writes blank nodes like IRIs; what follows is their label. */
const VIRTUOSO_NODE = /^nodeID:\/\//;
const MAX_TRIPLE_DEPTH = 16;

/**
 * One element of `results.bindings` as a row: every term checked and brought into its one form
 * (`typed-literal` of old endpoints is `literal`; `xsd:string` and `rdf:langString` go without saying).
 * The object itself is kept and its values replaced.
 */
export function toRow(value: unknown): Binding {
  if (!isRecord(value)) throw refuse("a row is no object");
  const row = value as Record<string, Term>;
  for (const variable of Object.keys(value)) {
    // A variable may be called `__proto__`: `JSON.parse` made it an own property, so this assignment stays one.
    row[variable] = toTerm(value[variable], variable, 0);
  }
  return row;
}

function toTerm(value: unknown, variable: string, depth: number): Term {
  if (!isRecord(value)) throw refuse(`the value of ?${variable} is no object`);
  const { type } = value;
  if (type === "triple") return toTripleTerm(value.value, variable, depth);
  const lexical = value.value;
  if (typeof lexical !== "string") throw refuse(`a term of ?${variable} has no string as \`value\``);
  if (type === "uri") return { type, value: lexical };
  if (type === "literal" || type === "typed-literal") return toLiteral(value, lexical, variable);
  if (type === "bnode") return { type, value: lexical.replace(VIRTUOSO_NODE, "") };
  throw refuse(`a term of ?${variable} has the type ${JSON.stringify(type)?.slice(0, 50)}`);
}

function toLiteral(term: Record<string, unknown>, value: string, variable: string): Term {
  const lang = optionalString(term, "xml:lang", variable);
  if (lang !== undefined) {
    const direction = term["its:dir"];
    return direction === "ltr" || direction === "rtl"
      ? { type: "literal", value, "xml:lang": lang, "its:dir": direction }
      : { type: "literal", value, "xml:lang": lang };
  }
  const datatype = optionalString(term, "datatype", variable);
  if (datatype === undefined || datatype === XSD_STRING) return { type: "literal", value };
  if (datatype === RDF_LANG_STRING || datatype === RDF_DIR_LANG_STRING) {
    throw refuse(`a literal of ?${variable} has the datatype ${datatype} and no language`);
  }
  return { type: "literal", value, datatype };
}

function toTripleTerm(value: unknown, variable: string, depth: number): TripleTerm {
  if (!isRecord(value)) throw refuse(`a triple term of ?${variable} has no \`value\``);
  if (depth === MAX_TRIPLE_DEPTH) throw refuse(`a triple term of ?${variable} is nested too deeply`);
  return {
    type: "triple",
    value: {
      subject: toTerm(value.subject, variable, depth + 1),
      predicate: toTerm(value.predicate, variable, depth + 1),
      object: toTerm(value.object, variable, depth + 1),
    },
  };
}

/** Some endpoints write the empty string or `null` for "none". */
function optionalString(term: Record<string, unknown>, key: string, variable: string): string | undefined {
  const value = term[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw refuse(`\`${key}\` of a literal of ?${variable} is no string`);
  return value;
}

/** Bytes of a row's terms in UTF-8: lexical forms, IRIs, datatypes and language tags. */
export function rowBytes(row: Binding): number {
  let bytes = 0;
  for (const variable of Object.keys(row)) {
    const term = row[variable];
    if (term !== undefined) bytes += termBytes(term);
  }
  return bytes;
}

function termBytes(term: Term): number {
  if (term.type === "triple") {
    const { subject, predicate, object } = term.value;
    return termBytes(subject) + termBytes(predicate) + termBytes(object);
  }
  let bytes = Buffer.byteLength(term.value);
  if (term.type === "literal") {
    if (term.datatype !== undefined) bytes += Buffer.byteLength(term.datatype);
    else if (term["xml:lang"] !== undefined) bytes += term["xml:lang"].length;
  }
  return bytes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(reason: string): EngineFailure {
  return new EngineFailure(
    "upstream_bad_response",
    `The endpoint's answer is no SPARQL Query Results JSON: ${reason}.`,
  );
}
