import type { Quad, Term as StoreTerm } from "oxigraph";
import { type Binding, RDF, type Term, XSD } from "../../rdf.js";

/** A triple as a row of `TRIPLE_VARIABLES`. */
export function tripleRow(quad: Quad): Binding {
  return { subject: toTerm(quad.subject), predicate: toTerm(quad.predicate), object: toTerm(quad.object) };
}

function toTerm(term: StoreTerm): Term {
  switch (term.termType) {
    case "NamedNode":
      return { type: "uri", value: term.value };
    case "BlankNode":
      return { type: "bnode", value: term.value };
    case "Literal":
      return toLiteral(term);
    case "Quad": {
      const { subject, predicate, object } = term;
      return {
        type: "triple",
        value: { subject: toTerm(subject), predicate: toTerm(predicate), object: toTerm(object) },
      };
    }
    default:
      throw new TypeError(`A triple cannot hold a ${term.termType}.`);
  }
}

function toLiteral(term: Extract<StoreTerm, { termType: "Literal" }>): Term {
  const { value, language, direction } = term;
  if (language !== "") {
    const tagged = { type: "literal", value, "xml:lang": language } as const;
    return direction === "" ? tagged : { ...tagged, "its:dir": direction };
  }
  const datatype = term.datatype.value;
  const plain = datatype === `${XSD}string` || datatype === `${RDF}langString`;
  return plain ? { type: "literal", value } : { type: "literal", value, datatype };
}
