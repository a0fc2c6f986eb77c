import { EngineFailure } from "../failure.js";
import { LIMITS } from "../limits.js";
import { LexicalProblemError, parseTree, SyntaxProblemError, tokenize } from "./grammar.js";
import { badQuery, lexicalFailure, quote, syntaxFailure } from "./parse-failure.js";
import { placeAt } from "./places.js";
import { missingPrefixes, prefixOf, undeclaredPrefixes } from "./prefixes.js";
import { ruleFailure } from "./rule-failure.js";
import { type ParsedQuery, rangeOf, type SparqlToken } from "./syntax.js";

const NO_PREFIXES: ReadonlyMap<string, string> = new Map();

function tokensOf(text: string): readonly SparqlToken[] {
  try {
    return tokenize(text);
  } catch (error) {
    if (error instanceof LexicalProblemError) throw lexicalFailure(text, error.tokens, error.offset);
    throw error;
  }
}

function treeOf(text: string, tokens: readonly SparqlToken[]) {
  const used = undeclaredPrefixes(tokens).map(prefixOf);
  try {
    return parseTree(text, used);
  } catch (error) {
    if (error instanceof SyntaxProblemError) throw syntaxFailure(text, tokens, error.problem);
    if (error instanceof RangeError) throw nestedTooDeeply(error);
    if (error instanceof Error) throw ruleFailure(text, tokens, error);
    throw error;
  }
}

/** The grammar calls itself for every bracket: some hundred levels exhaust the stack. */
export function nestedTooDeeply(cause: RangeError): EngineFailure {
  const message = "The query is nested too deeply to be read; write it with fewer brackets inside brackets.";
  return new EngineFailure("bad_query", message, { cause });
}

/**
 * Parses a SPARQL 1.1 or 1.2 query. `prefixes` may be used without being declared. Synchronous: the parser
 * behind it is built at the first call (about 0.3 s), reused, and not re-entrant.
 *
 * Throws `EngineFailure`: `bad_query` with the place for what is no query (a text without one included) or is longer
 * than `LIMITS.maxQueryTextBytes`, `read_only` for any update.
 */
export function parseSparql(text: string, prefixes = NO_PREFIXES): ParsedQuery {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.maxQueryTextBytes)
    throw new EngineFailure(
      "bad_query",
      `The query has ${bytes} bytes; at most ${LIMITS.maxQueryTextBytes} are read.`,
    );
  const tokens = tokensOf(text);
  if (tokens.length === 0) throw badQuery(text, 0, "the query is empty.");
  const ast = treeOf(text, tokens);
  if (ast.type === "update") {
    const operation = ast.updates.find((update) => update.operation !== undefined)?.operation;
    if (operation === undefined)
      throw badQuery(text, tokens.at(-1)?.end ?? 0, "the text has declarations, but no query after them.");
    const start = rangeOf(operation)?.start ?? 0;
    const place = placeAt(text, start);
    const word = tokens.find((token) => token.start === start)?.image.toUpperCase() ?? "an update";
    throw new EngineFailure(
      "read_only",
      `Line ${place.line}, column ${place.column}: ${quote(word)} changes data; only queries are answered.`,
      { place },
    );
  }
  return { text, tokens, ast, missingPrefixes: missingPrefixes(text, tokens, prefixes) };
}
