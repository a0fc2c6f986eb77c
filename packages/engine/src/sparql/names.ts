import type { Query, TermIri } from "@traqula/rules-sparql-1-2";
import { rangeOf } from "./syntax.js";

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;

/** Turns the IRIs of a query into full ones, by its PREFIX and BASE declarations. */
export interface NameScope {
  /** `null` where that is not possible (relative without BASE). */
  expand(iri: TermIri): string | null;
  /** The shortest way to write an IRI in this query: a prefixed name, or `<…>`. */
  write(iri: string): string;
}

function resolve(iri: string, base: string | null): string | null {
  if (ABSOLUTE.test(iri)) return iri;
  if (base === null) return null;
  return URL.canParse(iri, base) ? new URL(iri, base).href : null;
}

/** `prefixes` are those that will be declared for the query in addition to its own. */
export function createNameScope(
  text: string,
  context: Query["context"],
  prefixes: ReadonlyMap<string, string>,
): NameScope {
  const namespaces = new Map(prefixes);
  let base: string | null = null;
  for (const definition of context) {
    if (definition.subType === "base") base = resolve(definition.value.value, base);
    else if (definition.subType === "prefix")
      namespaces.set(definition.key, resolve(definition.value.value, base) ?? definition.value.value);
  }
  return {
    expand(iri) {
      const range = rangeOf(iri);
      const written = range === null ? "" : text.slice(range.start, range.end);
      // The tree cuts a local name at its second colon and keeps its escapes: the text is what counts.
      if ("prefix" in iri && iri.prefix !== undefined && range !== null) {
        const colon = written.indexOf(":");
        const namespace = namespaces.get(written.slice(0, colon));
        return namespace === undefined ? null : namespace + written.slice(colon + 1).replace(/\\(.)/g, "$1");
      }
      return resolve(iri.value, base);
    },
    write(iri) {
      for (const [prefix, namespace] of namespaces) {
        const local = iri.slice(namespace.length);
        if (iri.startsWith(namespace) && /^[A-Za-z0-9_]+$/.test(local)) return `${prefix}:${local}`;
      }
      return `<${iri}>`;
    },
  };
}
