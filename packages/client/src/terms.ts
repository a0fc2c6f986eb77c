import type { Row } from "./queries/run.js";

/** A term of SPARQL 1.1 Query Results JSON. */
export type Term = Row[string];

/**
 * What a term is as a value of JavaScript. Integers beyond 2^53 are of type bigint; dates with a time zone are `Date`;
 * what has no such value is the text itself.
 */
export type TermValue = string | number | bigint | boolean | Date;

const XSD = "http://www.w3.org/2001/XMLSchema#";
const INTEGERS: ReadonlySet<string> = new Set([
  "integer",
  "int",
  "long",
  "short",
  "byte",
  "nonNegativeInteger",
  "positiveInteger",
  "negativeInteger",
  "nonPositiveInteger",
  "unsignedInt",
  "unsignedLong",
  "unsignedShort",
  "unsignedByte",
]);
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const FLOAT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const FLOAT_WORDS: ReadonlyMap<string, number> = new Map([
  ["INF", Number.POSITIVE_INFINITY],
  ["+INF", Number.POSITIVE_INFINITY],
  ["-INF", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
]);

/** A literal whose text does not fit its datatype is the text. */
export function termValue(term: Term): TermValue {
  if (term.type === "triple") return formatTerm(term);
  if (term.type !== "literal" || term.datatype?.startsWith(XSD) !== true) return term.value;
  const { value } = term;
  const type = term.datatype.slice(XSD.length);
  if (INTEGERS.has(type)) return integer(value.trim()) ?? value;
  switch (type) {
    case "decimal":
      return DECIMAL.test(value.trim()) ? Number(value) : value;
    case "double":
    case "float": {
      const text = value.trim();
      return FLOAT_WORDS.get(text) ?? (FLOAT.test(text) ? Number(text) : value);
    }
    case "boolean":
      return value === "true" || value === "1" ? true : value === "false" || value === "0" ? false : value;
    case "dateTime":
    case "dateTimeStamp":
      return dateTime(value) ?? value;
    default:
      return value;
  }
}

/** A row as values by the names of its columns. What is unbound is not there. */
export function rowValues(row: Row): Readonly<Record<string, TermValue>> {
  return Object.fromEntries(Object.entries(row).map(([name, term]) => [name, termValue(term)]));
}

/** As N-Triples writes it: to tell terms apart, and to show them in full. */
export function formatTerm(term: Term): string {
  switch (term.type) {
    case "uri":
      return `<${term.value}>`;
    case "bnode":
      return `_:${term.value}`;
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `<<( ${formatTerm(subject)} ${formatTerm(predicate)} ${formatTerm(object)} )>>`;
    }
    case "literal": {
      const text = `"${term.value.replaceAll(/["\\\n\r]/g, (character) => ESCAPES.get(character) ?? character)}"`;
      const direction = term["its:dir"] === undefined ? "" : `--${term["its:dir"]}`;
      if (term["xml:lang"] !== undefined) return `${text}@${term["xml:lang"]}${direction}`;
      return term.datatype === undefined ? text : `${text}^^<${term.datatype}>`;
    }
  }
}

/** What people read: the last part of an IRI, the text of a literal. */
export function termLabel(term: Term): string {
  if (term.type === "literal") return term.value;
  if (term.type !== "uri") return formatTerm(term);
  const last = /([^/#:]+)[/#]?$/.exec(term.value)?.[1] ?? term.value;
  try {
    return decodeURIComponent(last);
  } catch {
    // A percent sign that stands for itself.
    return last;
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
]);

function integer(text: string): number | bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text.replace(/^\+/, ""));
}

/** Without a time zone it names no moment. */
function dateTime(text: string): Date | undefined {
  if (!/^-?\d{4,}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
