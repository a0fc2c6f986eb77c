import type { Query } from "@traqula/rules-sparql-1-2";
import type { QueryWarning } from "../answer-events.js";
import type { PreparedQuery } from "../executor.js";
import { EngineFailure } from "../failure.js";
import type { SchemaProfile } from "../profile.js";
import { TRIPLE_VARIABLES } from "../rdf.js";
import { limitEdit } from "./limit.js";
import { createNameScope, type NameScope } from "./names.js";
import { nestedTooDeeply, parseSparql } from "./parser.js";
import { checkPolicy, type SparqlPolicy } from "./policy.js";
import { completePrefixes, knownPrefixes } from "./prefixes.js";
import { productWarnings } from "./product-warnings.js";
import { projectedVariables } from "./scope.js";
import { applyEdits, type ParsedQuery, type TextEdit } from "./syntax.js";
import { typeRewriteEdits } from "./type-rewrite.js";
import { unboundWarnings } from "./unbound-warnings.js";
import { vocabularyWarnings } from "./vocabulary-warnings.js";
import { isWindowable } from "./windows.js";

export interface PrepareOptions {
  /** The endpoint's, before the profile's and the well-known ones. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** A SELECT gets LIMIT `maxRows + 1`, so that a cut shows; `null`: none. */
  readonly maxRows: number | null;
  readonly policy: SparqlPolicy;
  /** For warnings on unknown names, and for what is selective. */
  readonly profile?: SchemaProfile;
  /**
   * Whether `?x a Class` may become a filter, for the embedded engine; never where its default graph is a
   * union of named graphs.
   */
  readonly rewriteTypes: boolean;
  /** Whether the executor reads in windows: then a windowable query keeps no LIMIT but gets the executor's own. */
  readonly windows: boolean;
}

export interface Prepared {
  readonly query: PreparedQuery;
  /** The query as its author should see it: with all prefixes, before LIMIT and rewrites. */
  readonly shown: string;
  readonly warnings: readonly QueryWarning[];
}

/**
 * Codepoint escapes are read within strings and IRIs by SPARQL 1.2, but before anything else by SPARQL 1.1 (19.2),
 * where an escaped quotation mark or line break ends the string or comment that it stands in. Both kinds of
 * endpoint exist, so that the policy has to hold of both readings.
 */
function checkOtherReading(text: string, options: PrepareOptions, known: ReadonlyMap<string, string>): void {
  const decoded = text.replace(/\\u([\dA-Fa-f]{4})|\\U([\dA-Fa-f]{8})/g, (written, short, long) => {
    const code = Number.parseInt(short ?? long, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : written;
  });
  if (decoded === text) return;
  try {
    const parsed = parseSparql(decoded, known);
    checkPolicy(parsed, options.policy, createNameScope(decoded, parsed.ast.context, known));
  } catch (error) {
    // What the other reading cannot parse, an endpoint that reads so refuses.
    if (!(error instanceof EngineFailure) || error.code !== "bad_query") throw error;
  }
}

function variablesOf(query: Query): readonly string[] | null {
  if (query.subType === "ask") return [];
  return query.subType === "select" ? projectedVariables(query) : [...TRIPLE_VARIABLES];
}

function executedText(
  parsed: ParsedQuery,
  declarations: string,
  windowable: boolean,
  options: PrepareOptions,
  names: NameScope,
): string {
  const edits: TextEdit[] = [];
  const limit = options.maxRows === null || windowable ? null : limitEdit(parsed, options.maxRows);
  if (limit !== null) edits.push(limit);
  if (options.rewriteTypes) edits.push(...typeRewriteEdits(parsed, options.profile, names));
  const text = declarations + applyEdits(parsed.text, edits);
  // A comment at the end must not swallow what the executor appends.
  const end = parsed.tokens.at(-1)?.end ?? 0;
  return /#[^\n\r]*$/.test(parsed.text.slice(end)) ? `${text}\n` : text;
}

function prepare(text: string, options: PrepareOptions): Prepared {
  const known = knownPrefixes(options.prefixes, options.profile?.prefixes);
  const parsed = parseSparql(text, known);
  const names = createNameScope(text, parsed.ast.context, known);
  checkPolicy(parsed, options.policy, names);
  checkOtherReading(text, options, known);
  const prefixes = completePrefixes(text, parsed.tokens, parsed.missingPrefixes, known);
  const windowable = options.windows && isWindowable(parsed.ast, names);
  return {
    query: {
      text: executedText(parsed, prefixes.declarations, windowable, options, names),
      form: parsed.ast.subType,
      variables: variablesOf(parsed.ast),
      windowable,
    },
    shown: prefixes.declarations + text,
    warnings: [
      ...prefixes.warnings,
      ...unboundWarnings(parsed),
      ...productWarnings(parsed),
      ...(options.profile === undefined ? [] : vocabularyWarnings(parsed, options.profile, names)),
    ],
  };
}

/**
 * Parses and checks a query and makes it ready for its executor. All places in failures and warnings are those of
 * `text`. Throws `EngineFailure`: `bad_query`, `read_only`, `service_forbidden`, `graph_forbidden`.
 */
export function prepareQuery(text: string, options: PrepareOptions): Prepared {
  try {
    return prepare(text, options);
  } catch (error) {
    if (error instanceof RangeError) throw nestedTooDeeply(error);
    throw error;
  }
}
