/** IRI templates such as `http://example.org/thing/{name|slug}`: text with the values of columns put in. */

type Encoding = "encoded" | "slug" | "raw";

type TemplatePart = string | { readonly name: string; readonly encoding: Encoding };

export interface Template {
  readonly text: string;
  readonly parts: readonly TemplatePart[];
}

const PLACEHOLDER = /\{([^{}]*)\}/g;
const PLACEHOLDER_CONTENT = /^([A-Za-z][A-Za-z0-9_-]*)(?:\|(slug|raw))?$/;

/** Reads a template; the fault is told to the caller, who knows where in the mapping it stands. */
export function parseTemplate(text: string): Template | { readonly fault: string } {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const content = PLACEHOLDER_CONTENT.exec(match[1] ?? "");
    if (content === null)
      return { fault: `«${match[0]}» is no placeholder ({column}, {column|slug} or {column|raw})` };
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ name: content[1] ?? "", encoding: readEncoding(content[2]) });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  const stray = parts.find((part) => typeof part === "string" && /[{}]/.test(part));
  return stray === undefined ? { text, parts } : { fault: `«${text}» has a brace without its partner` };
}

function readEncoding(word: string | undefined): Encoding {
  return word === "slug" || word === "raw" ? word : "encoded";
}

/** The names a template uses, each once. */
export function templateNames(template: Template): readonly string[] {
  return [...new Set(template.parts.flatMap((part) => (typeof part === "string" ? [] : [part.name])))];
}

/** A template with its values. A name that is empty leaves no IRI: then the first such name is told. */
export function fillTemplate(
  template: Template,
  cellOf: (name: string) => string,
): { readonly iri: string } | { readonly empty: string } {
  let iri = "";
  for (const part of template.parts) {
    if (typeof part === "string") {
      iri += part;
      continue;
    }
    const value = encode(cellOf(part.name), part.encoding);
    if (value === "") return { empty: part.name };
    iri += value;
  }
  return { iri };
}

function encode(value: string, encoding: Encoding): string {
  if (encoding === "raw") return value;
  return encoding === "slug" ? slug(value) : encodeSegment(value);
}

/** What RFC 3987 lets stand in a path segment stays readable; the rest is percent-encoded. */
function encodeSegment(value: string): string {
  return value.replace(
    /[^A-Za-z0-9\-._~!$&'()*+,;=:@\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]/gu,
    (character) =>
      [...new TextEncoder().encode(character)]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
        .join(""),
  );
}

function slug(value: string): string {
  return value
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
}
