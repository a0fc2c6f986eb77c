import { EngineFailure } from "../failure.js";
import { nearestBy } from "./edit-distance.js";
import type { SyntaxProblem } from "./grammar.js";
import { placeAt } from "./places.js";
import type { SparqlToken } from "./syntax.js";

const QUERY_WORDS = ["SELECT", "ASK", "CONSTRUCT", "DESCRIBE", "PREFIX", "BASE", "VERSION"];
const UPDATE_WORDS = ["INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"];
const CLAUSE_WORDS =
  "DISTINCT REDUCED WHERE FROM NAMED FILTER OPTIONAL UNION MINUS GRAPH SERVICE BIND VALUES LIMIT OFFSET ORDER GROUP HAVING BY ASC DESC AS EXISTS NOT IN UNDEF COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT REGEX CONTAINS STRSTARTS STRENDS LANG LANGMATCHES DATATYPE BOUND COALESCE CONCAT STR IRI URI".split(
    " ",
  );

/** Labels of the grammar's tokens that are no text one could type. */
const TOKEN_NAMES: Readonly<Record<string, string>> = {
  Var1: "a variable",
  Var2: "a variable",
  IriRef: "an IRI",
  PNameLn: "a prefixed name",
  PNameNs: "a prefixed name",
  StringLiteral1: "a string",
  StringLiteral2: "a string",
  StringLiteralLong1: "a string",
  StringLiteralLong2: "a string",
  Integer: "a number",
  Decimal: "a number",
  Double: "a number",
  IntegerPositive: "a number",
  DecimalPositive: "a number",
  DoublePositive: "a number",
  IntegerNegative: "a number",
  DecimalNegative: "a number",
  DoubleNegative: "a number",
  BlankNodeLabel: "a blank node",
  Anon: "a blank node",
  Nil: "()",
  BuiltInNotexists: "NOT EXISTS",
};

const TERM_TOKENS = new Set(Object.keys(TOKEN_NAMES).filter((name) => name !== "BuiltInNotexists"));
TERM_TOKENS.add("RSquare").add("True").add("False");

/** The most alternatives that a message names; the grammar may allow dozens. */
const MAX_EXPECTED_COUNT = 6;

export function quote(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return `“${line.length > 40 ? `${line.slice(0, 39)}…` : line}”`;
}

function describeExpected(labels: readonly string[]): string {
  const names = [
    ...new Set(labels.map((label) => TOKEN_NAMES[label] ?? (/^\W+$/.test(label) ? `“${label}”` : label))),
  ];
  const shown = names.length > MAX_EXPECTED_COUNT ? [...names.slice(0, MAX_EXPECTED_COUNT), "…"] : names;
  return shown.length === 1
    ? `${shown[0]}`
    : `${shown.slice(0, -1).join(", ")}${shown.at(-1) === "…" ? ", …" : ` or ${shown.at(-1)}`}`;
}

/** A `bad_query` at an offset of the text; the place is also part of the message, which may travel alone. */
export function badQuery(text: string, offset: number, message: string, detail?: string): EngineFailure {
  const place = placeAt(text, offset);
  return new EngineFailure("bad_query", `Line ${place.line}, column ${place.column}: ${message}`, {
    place,
    ...(detail === undefined ? {} : { detail }),
  });
}

const OPENING: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]", "{|": "|}" };

/** The innermost bracket that is still open after the tokens. */
function lastOpen(tokens: readonly SparqlToken[]): SparqlToken | undefined {
  const open: SparqlToken[] = [];
  for (const token of tokens) {
    const inner = open.at(-1);
    if (Object.hasOwn(OPENING, token.image)) open.push(token);
    else if (inner !== undefined && OPENING[inner.image] === token.image) open.pop();
  }
  return open.at(-1);
}

/** `INSERT DATA` is one token: its first word says what it is. */
function isUpdateWord(token: SparqlToken | undefined): boolean {
  return UPDATE_WORDS.includes((/^[a-z]+(?!.*:)/i.exec(token?.image ?? "")?.[0] ?? "").toUpperCase());
}

/** The first word after the declarations. */
function firstWord(tokens: readonly SparqlToken[]): SparqlToken | undefined {
  return tokens.find(
    ({ name }) => !/^(?:PrefixDecl|BaseDecl|Version|PNameNs|IriRef|StringLiteral.)$/.test(name),
  );
}

const NO_UPDATES = " Updates are not answered here.";
const BARE_IRI_HINT = "An IRI is written in angle brackets: <http://…>.";

function hintAtEnd(text: string, tokens: readonly SparqlToken[]): string {
  const open = lastOpen(tokens);
  if (open === undefined) return "";
  const { line, column } = placeAt(text, open.start);
  return ` The “${open.image}” of line ${line}, column ${column} is not closed.`;
}

function hintForToken(
  tokens: readonly SparqlToken[],
  found: SparqlToken,
  rules: readonly string[],
  expected: readonly string[],
): string {
  const index = tokens.findIndex((token) => token.start === found.start);
  const previous = tokens[index - 1];
  const before = tokens.slice(0, index);
  if (isUpdateWord(found)) return NO_UPDATES;
  if (found.name === "Comma" && !before.some((token) => token.name === "LCurly"))
    return " Variables after SELECT are separated by spaces, not by commas.";
  if (found.name === "RCurly" && lastOpen(before) === undefined) return " This “}” closes nothing.";
  if (TERM_TOKENS.has(found.name) && previous && TERM_TOKENS.has(previous.name) && expected.includes("}"))
    return ` A “.” or “;” seems to be missing after ${quote(previous.image)}.`;
  if (rules.at(-1) === "constraint" && TERM_TOKENS.has(found.name))
    return " The condition of a FILTER or HAVING stands in parentheses.";
  if (found.name === "PNameNs" && /^https?:$/.test(found.image)) return ` ${BARE_IRI_HINT}`;
  // The longest token wins: between `<` and `>` an IRI is read wherever one may stand.
  if (found.name === "IriRef" && /[?&$]/.test(found.image)) return " Put spaces around < and >.";
  const order = ["GROUP", "HAVING", "ORDER", "LIMIT"];
  if (order.includes(found.image.toUpperCase()) && expected.length === 0)
    return " The order is GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET, VALUES.";
  return "";
}

/** What the grammar refused, in words. `tokens` are those of the whole text. */
export function syntaxFailure(
  text: string,
  tokens: readonly SparqlToken[],
  problem: SyntaxProblem,
): EngineFailure {
  const { found, expected, rules } = problem;
  const wanted = expected.length === 0 ? "" : `; expected ${describeExpected(expected)}`;
  if (found === null) {
    const end = tokens.at(-1)?.end ?? 0;
    return badQuery(text, end, `the query ends too early${wanted}.${hintAtEnd(text, tokens)}`);
  }
  const hint = hintForToken(tokens, found, rules, expected);
  const isUpdate = hint === "" && isUpdateWord(firstWord(tokens));
  return badQuery(
    text,
    found.start,
    `unexpected ${quote(found.image)}${wanted}.${isUpdate ? NO_UPDATES : hint}`,
  );
}

function wordFailure(text: string, offset: number, word: string, isFirst: boolean): EngineFailure {
  const words = isFirst ? [...QUERY_WORDS, ...UPDATE_WORDS] : [...QUERY_WORDS, ...CLAUSE_WORDS];
  const meant = nearestBy(word, words, (candidate) => candidate);
  if (meant !== null)
    return badQuery(text, offset, `unknown word ${quote(word)}. Did you mean ${meant}?`, meant);
  const rule = isFirst
    ? "A query begins with PREFIX, SELECT, ASK, CONSTRUCT or DESCRIBE."
    : `A variable is written ?${word}, a text "${word}", a name with its prefix as in rdfs:label.`;
  return badQuery(text, offset, `unknown word ${quote(word)}. ${rule}`);
}

/** No token begins at `offset`; `tokens` are those before it. */
export function lexicalFailure(text: string, tokens: readonly SparqlToken[], offset: number): EngineFailure {
  const rest = text.slice(offset);
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const previous = tokens.at(-1);
  if (previous !== undefined && previous.image === "<" && previous.end === offset)
    return badQuery(
      text,
      previous.start,
      "an IRI in <…> is not closed, or has a character that IRIs may not have.",
    );
  if (/^["']/.test(rest))
    return badQuery(
      text,
      offset,
      `the quotation mark ${character} is not closed on its line; a text of several lines stands in ${character.repeat(3)}.`,
    );
  if (/^[“”‘’«»„]/.test(rest))
    return badQuery(text, offset, `${character} is a typographic quotation mark; SPARQL has " and '.`);
  if (/^[\u00a0\u2000-\u200b\u202f\u3000\ufeff]/.test(rest)) {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return badQuery(
      text,
      offset,
      `an invisible character (U+${code}) stands here; remove it or use a space.`,
    );
  }
  const [scheme, first, second] = tokens.slice(-3);
  if (/^https?:$/.test(scheme?.image ?? "") && first?.image === "/" && second?.image === "/")
    return badQuery(text, scheme?.start ?? offset, BARE_IRI_HINT);
  const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
  if (word !== undefined) return wordFailure(text, offset, word, tokens.length === 0);
  const doubled = character === "&" || character === "|" ? ` The operator is ${character.repeat(2)}.` : "";
  return badQuery(text, offset, `unexpected character ${quote(character)}.${doubled}`);
}
