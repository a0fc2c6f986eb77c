/**
 * RDF terms as SPARQL text, for queries that the engine itself composes from an endpoint's data or from what a user
 * typed. Everything that goes between brackets or quotes passes here, so nothing can break out of its term.
 */

/** Characters that SPARQL 1.1 (rule 139, IRIREF) does not allow between `<` and `>`. */
const NOT_IN_IRI = /[\p{Cc} <>"{}|\\^`]/u;

/** BCP 47 in the form of SPARQL's LANGTAG (rule 145). */
const LANGUAGE_TAG = /^[A-Za-z]+(-[A-Za-z0-9]+)*$/;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ['"', '\\"'],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\f", "\\f"],
]);

/** `<iri>`; `null` for an IRI that SPARQL cannot write. */
export function iriText(iri: string): string | null {
  return iri === "" || NOT_IN_IRI.test(iri) ? null : `<${iri}>`;
}

/** The IRIs that SPARQL can write, in brackets and separated by spaces: the inside of a VALUES block. */
export function iriList(iris: Iterable<string>): string {
  const texts: string[] = [];
  for (const iri of iris) {
    const text = iriText(iri);
    if (text !== null) texts.push(text);
  }
  return texts.join(" ");
}

/**
 * A quoted literal, with its language tag where it is a valid one. Control characters and lone surrogates, which a
 * query text cannot carry, are left out.
 */
export function literalText(value: string, lang?: string): string {
  const quoted = value
    .replace(/\p{Cs}/gu, "")
    .replace(/[\\"\n\r\t\b\f]/g, (character) => ESCAPES.get(character) ?? character)
    .replace(/\p{Cc}/gu, "");
  return lang !== undefined && LANGUAGE_TAG.test(lang) ? `"${quoted}"@${lang}` : `"${quoted}"`;
}
