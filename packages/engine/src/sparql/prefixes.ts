import type { QueryWarning } from "../answer-events.js";
import type { EngineFailure } from "../failure.js";
import { nearestBy } from "./edit-distance.js";
import { badQuery } from "./parse-failure.js";
import { placeAt } from "./places.js";
import type { SparqlToken } from "./syntax.js";
import { WELL_KNOWN_PREFIXES } from "./well-known-prefixes.js";

/** SPARQL 1.1, PN_PREFIX in its ASCII part and beyond; the empty prefix is allowed too. */
const PREFIX_NAME = /^(?:\p{L}(?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_-])?)?$/u;

/** SPARQL 1.1, IRIREF: what may stand between `<` and `>`. */
export const IRI_TEXT = /^[^\u0000-\u0020<>"{}|^`\\]*$/;

/** Prefix tables laid over each other, the first given first; entries that could not be declared are left out. */
export function mergePrefixes(
  ...tables: readonly (Readonly<Record<string, string>> | undefined)[]
): ReadonlyMap<string, string> {
  const merged = new Map<string, string>();
  for (const table of tables) {
    for (const [prefix, namespace] of Object.entries(table ?? {})) {
      if (merged.has(prefix) || !PREFIX_NAME.test(prefix)) continue;
      if (namespace !== "" && IRI_TEXT.test(namespace)) merged.set(prefix, namespace);
    }
  }
  return merged;
}

export function knownPrefixes(
  ...tables: readonly (Readonly<Record<string, string>> | undefined)[]
): ReadonlyMap<string, string> {
  return mergePrefixes(...tables, WELL_KNOWN_PREFIXES);
}

/** What stands before the colon of a prefixed name. */
export function prefixOf(token: SparqlToken): string {
  return token.image.slice(0, token.image.indexOf(":"));
}

/** The first use of every prefix that the text uses and does not declare. */
export function undeclaredPrefixes(tokens: readonly SparqlToken[]): readonly SparqlToken[] {
  const declared = new Set<string>();
  const missing = new Map<string, SparqlToken>();
  for (const [index, token] of tokens.entries()) {
    if (token.name !== "PNameNs" && token.name !== "PNameLn") continue;
    const prefix = prefixOf(token);
    if (token.name === "PNameNs" && tokens[index - 1]?.name === "PrefixDecl") declared.add(prefix);
    else if (!declared.has(prefix) && !missing.has(prefix)) missing.set(prefix, token);
  }
  return [...missing.values()];
}

/** A prefix that nobody declared: what to write, or which known one is nearest. */
function unknownPrefixFailure(
  text: string,
  token: SparqlToken,
  known: ReadonlyMap<string, string>,
): EngineFailure {
  const prefix = prefixOf(token);
  const namespace = known.get(prefix) ?? WELL_KNOWN_PREFIXES[prefix];
  if (namespace !== undefined) {
    const declaration = `PREFIX ${prefix}: <${namespace}>`;
    return badQuery(
      text,
      token.start,
      `the prefix ${prefix}: is not declared; add ${declaration}.`,
      declaration,
    );
  }
  const nearest = nearestBy(prefix, known.keys(), (candidate) => candidate);
  const meant = nearest === null ? "" : ` Did you mean ${nearest}: (<${known.get(nearest)}>)?`;
  const message = `the prefix ${prefix}: is not known; declare it with PREFIX ${prefix}: <…> before the query.${meant}`;
  return badQuery(text, token.start, message, nearest ?? undefined);
}

export interface CompletedPrefixes {
  /** To be put before the text; empty when nothing is missing. */
  readonly declarations: string;
  readonly warnings: readonly QueryWarning[];
}

/** The declarations that a text lacks. Every missing prefix has to be known. */
export function completePrefixes(
  text: string,
  tokens: readonly SparqlToken[],
  missing: readonly string[],
  known: ReadonlyMap<string, string>,
): CompletedPrefixes {
  const uses = undeclaredPrefixes(tokens);
  const declarations: string[] = [];
  const warnings: QueryWarning[] = [];
  for (const prefix of missing) {
    const declaration = `PREFIX ${prefix}: <${known.get(prefix)}>`;
    const use = uses.find((token) => prefixOf(token) === prefix);
    declarations.push(`${declaration}\n`);
    warnings.push({
      code: "prefix_added",
      message: `The prefix ${prefix}: was not declared; it is taken for <${known.get(prefix)}>.`,
      ...placeAt(text, use?.start ?? 0),
      suggestion: declaration,
    });
  }
  return { declarations: declarations.join(""), warnings };
}

/** The names of the undeclared prefixes; throws `bad_query` at the first that is not known. */
export function missingPrefixes(
  text: string,
  tokens: readonly SparqlToken[],
  known: ReadonlyMap<string, string>,
): readonly string[] {
  return undeclaredPrefixes(tokens).map((token) => {
    const prefix = prefixOf(token);
    if (!known.has(prefix)) throw unknownPrefixFailure(text, token, known);
    return prefix;
  });
}
