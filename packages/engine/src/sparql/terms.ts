import { EngineFailure } from "../failure.js";
import { type LiteralTerm, type Term, XSD } from "../rdf.js";
import { IRI_TEXT } from "./prefixes.js";

const ESCAPES: Readonly<Record<string, string>> = {
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\b": "\\b",
  "\f": "\\f",
  '"': '\\"',
  "\\": "\\\\",
};

const LITERAL_SPECIAL = /["\\\u0000-\u001f\u007f\ufffe\uffff\p{Surrogate}]/gu;
const IRI_SPECIAL = /[\u0000-\u0020<>"{}|^`\\\p{Surrogate}]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const REPLACEMENT = "\ufffd";

/** Halves of surrogate pairs, which no encoding can carry, replaced by U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATE, REPLACEMENT);
}

function codepointEscape(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= 0xd800 && code <= 0xdfff) return REPLACEMENT;
  return `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A text in quotation marks, escaped as canonical N-Triples has it (RDF 1.2 N-Triples, section 4). */
export function quotedText(text: string): string {
  const escaped = text.replace(
    LITERAL_SPECIAL,
    (character) => ESCAPES[character] ?? codepointEscape(character),
  );
  return `"${escaped}"`;
}

export function bracketedIri(iri: string): string {
  return `<${iri.replace(IRI_SPECIAL, codepointEscape)}>`;
}

const SAFE_LABEL = /^(?!enc-)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?$/;

/**
 * A blank node with a label that every syntax allows. Endpoints use labels such as `nodeID://b1`: their other
 * characters are written as numbers, so that different labels stay different.
 */
function blankNode(label: string): string {
  if (SAFE_LABEL.test(label)) return `_:${label}`;
  const encoded = label.replace(/[^A-Za-z0-9]/g, (character) => `-${character.charCodeAt(0).toString(16)}-`);
  return `_:enc-${encoded}`;
}

/** The language tag, with its direction, of a literal; empty without. */
export function languageSuffix(term: LiteralTerm): string {
  const language = term["xml:lang"];
  if (language === undefined || language === "") return "";
  return term["its:dir"] === undefined ? `@${language}` : `@${language}--${term["its:dir"]}`;
}

/** The datatype that has to be written; `null` for plain texts and those with a language. */
export function writtenDatatype(term: LiteralTerm): string | null {
  const { datatype } = term;
  if (datatype === undefined || datatype === `${XSD}string`) return null;
  return languageSuffix(term) === "" ? datatype : null;
}

/** A term in N-Triples (RDF 1.2, canonical escapes): triple terms as `<<( … )>>`, directions as `@ar--rtl`. */
export function ntriplesTerm(term: Term): string {
  switch (term.type) {
    case "uri":
      return bracketedIri(term.value);
    case "bnode":
      return blankNode(term.value);
    case "literal": {
      const datatype = writtenDatatype(term);
      return (
        quotedText(term.value) + (datatype === null ? languageSuffix(term) : `^^${bracketedIri(datatype)}`)
      );
    }
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `<<( ${ntriplesTerm(subject)} ${ntriplesTerm(predicate)} ${ntriplesTerm(object)} )>>`;
    }
  }
}

const LANGUAGE = /^[A-Za-z]+(?:-[A-Za-z0-9]+)*$/;

function sparqlIri(iri: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(iri) || !IRI_TEXT.test(iri) || /\p{Surrogate}/u.test(iri))
    throw new EngineFailure("bad_request", `${JSON.stringify(iri.slice(0, 200))} is not an absolute IRI.`);
  return `<${iri}>`;
}

/**
 * A term as it may stand in a SPARQL query: what comes from data or from a user enters a query by this function.
 * Throws `bad_request` for what cannot stand for itself there: an IRI that is relative or has illegal characters,
 * a malformed language tag, a blank node (in a query it would be a variable).
 */
export function sparqlTerm(term: Term): string {
  switch (term.type) {
    case "uri":
      return sparqlIri(term.value);
    case "bnode":
      throw new EngineFailure("bad_request", "A blank node cannot be named in a query.");
    case "literal": {
      const language = term["xml:lang"];
      if (language !== undefined && language !== "" && !LANGUAGE.test(language))
        throw new EngineFailure(
          "bad_request",
          `${JSON.stringify(language.slice(0, 200))} is not a language tag.`,
        );
      const datatype = writtenDatatype(term);
      return quotedText(term.value) + (datatype === null ? languageSuffix(term) : `^^${sparqlIri(datatype)}`);
    }
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `<<( ${sparqlTerm(subject)} ${sparqlTerm(predicate)} ${sparqlTerm(object)} )>>`;
    }
  }
}
