import { type LiteralTerm, XSD } from "../../rdf.js";

const ABBREVIATED: Readonly<Record<string, RegExp>> = {
  [`${XSD}integer`]: /^[+-]?\d+$/,
  [`${XSD}decimal`]: /^[+-]?\d*\.\d+$/,
  [`${XSD}double`]: /^[+-]?(?:\d+\.\d*|\.?\d+)[eE][+-]?\d+$/,
};

/** The lexical form of a number where Turtle reads it as just that literal (RDF 1.2 Turtle, section 2.5.2). */
export function abbreviation(term: LiteralTerm): string | null {
  const { datatype, value } = term;
  if (datatype === undefined) return null;
  return ABBREVIATED[datatype]?.test(value) === true ? value : null;
}
