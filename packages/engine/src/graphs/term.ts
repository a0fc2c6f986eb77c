/** RDF terms as Turtle text. Everything is written in full, so that a line means the same wherever it stands. */

const FORBIDDEN_IN_IRI = /[\u0000-\u0020<>"{}|^`\\]/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const LANGUAGE_TAG = /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/;

/** What is wrong with a text as an absolute IRI, or undefined. */
export function iriFault(iri: string): string | undefined {
  if (!SCHEME.test(iri)) return `«${iri}» is not an absolute IRI`;
  const forbidden = FORBIDDEN_IN_IRI.exec(iri);
  return forbidden === null
    ? undefined
    : `«${iri}» has a character an IRI cannot have: ${JSON.stringify(forbidden[0])}`;
}

/** Whether a text is a language tag in form. */
export function isLanguageTag(text: string): boolean {
  return LANGUAGE_TAG.test(text);
}

/** An IRI as Turtle text; the caller has checked it with `iriFault`. */
export function writeIri(iri: string): string {
  return `<${iri}>`;
}

export interface LiteralKind {
  readonly datatype?: string;
  readonly lang?: string;
}

/** A literal as Turtle text. Control characters are escaped too, so that the file stays one line per triple. */
export function writeLiteral(value: string, kind: LiteralKind): string {
  const text = `"${escapeText(value)}"`;
  if (kind.lang !== undefined) return `${text}@${kind.lang}`;
  return kind.datatype === undefined ? text : `${text}^^${writeIri(kind.datatype)}`;
}

const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ['"', '\\"'],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escapeText(value: string): string {
  return value.replace(/[\u0000-\u001f"\\\u007f]/g, (character) => {
    const named = NAMED_ESCAPES.get(character);
    return named ?? `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

const XSD = "http://www.w3.org/2001/XMLSchema#";
const LEXICAL_FORMS: ReadonlyMap<string, RegExp> = new Map([
  [`${XSD}integer`, /^[+-]?\d+$/],
  [`${XSD}int`, /^[+-]?\d+$/],
  [`${XSD}decimal`, /^[+-]?(\d+(\.\d*)?|\.\d+)$/],
  [`${XSD}double`, /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?INF|NaN)$/],
  [`${XSD}boolean`, /^(true|false|1|0)$/],
  [`${XSD}date`, /^-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(Z|[+-]\d{2}:\d{2})?$/],
  [`${XSD}gYear`, /^-?\d{4,}(Z|[+-]\d{2}:\d{2})?$/],
  [`${XSD}gYearMonth`, /^-?\d{4,}-(0[1-9]|1[0-2])(Z|[+-]\d{2}:\d{2})?$/],
  [`${XSD}dateTime`, /^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/],
]);
const MAX_INT = 2_147_483_647;

/** What is wrong with a value of a datatype, or undefined; unknown datatypes are taken as they are. */
export function lexicalFault(value: string, datatype: string): string | undefined {
  const shortName = datatype.startsWith(XSD) ? `xsd:${datatype.slice(XSD.length)}` : datatype;
  if (datatype === `${XSD}anyURI`) return iriFault(value);
  const form = LEXICAL_FORMS.get(datatype);
  if (form !== undefined && !form.test(value)) return `«${value}» is not of the form of ${shortName}`;
  if (datatype === `${XSD}int` && Math.abs(Number(value)) > MAX_INT)
    return `«${value}» is too large for ${shortName}`;
  return undefined;
}
