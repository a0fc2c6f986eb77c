import type { Binding, Term } from "../../rdf.js";

/** Bytes of a row's terms in UTF-8: lexical forms and IRIs, with a literal's datatype or language tag. */
export function rowBytes(row: Binding): number {
  let bytes = 0;
  for (const term of Object.values(row)) bytes += termBytes(term);
  return bytes;
}

function termBytes(term: Term): number {
  if (term.type === "triple") {
    const { subject, predicate, object } = term.value;
    return termBytes(subject) + termBytes(predicate) + termBytes(object);
  }
  const bytes = Buffer.byteLength(term.value);
  if (term.type !== "literal") return bytes;
  return bytes + Buffer.byteLength(term.datatype ?? term["xml:lang"] ?? "");
}
