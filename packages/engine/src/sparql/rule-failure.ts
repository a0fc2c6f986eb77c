import type { EngineFailure } from "../failure.js";
import { badQuery } from "./parse-failure.js";
import type { SparqlToken } from "./syntax.js";

type Find = (tokens: readonly SparqlToken[], name: string) => SparqlToken | undefined;

const isVariableToken = (token: SparqlToken, name: string) =>
  /^Var[12]$/.test(token.name) && token.image.slice(1) === name;

const firstVariable: Find = (tokens, name) => tokens.find((token) => isVariableToken(token, name));

const repeatedVariable: Find = (tokens, name) => tokens.filter((token) => isVariableToken(token, name))[1];

/** The variable of the last `AS ?name` before which the variable was already mentioned. */
const repeatedTarget: Find = (tokens, name) => {
  const first = tokens.findIndex((token) => isVariableToken(token, name));
  return tokens.find(
    (token, index) => index > first && isVariableToken(token, name) && tokens[index - 1]?.name === "As",
  );
};

const named =
  (pattern: RegExp): Find =>
  (tokens) =>
    tokens.find((token) => pattern.test(token.image));

const AGGREGATE = /^(?:count|sum|min|max|avg|sample|group_concat)$/i;

interface GrammarRule {
  readonly thrown: RegExp;
  readonly message: (name: string) => string;
  readonly find: Find;
}

/**
 * The notes of the grammar (SPARQL 1.1, 19.8) that the library checks after parsing. It says which was broken,
 * not where: the place is looked up among the tokens.
 */
const RULES: readonly GrammarRule[] = [
  {
    thrown: /^Variable (.+) used more than once in SELECT clause/,
    message: (name) => `?${name} is selected twice; select it once, or name the second AS something else.`,
    find: repeatedVariable,
  },
  {
    thrown: /^Variable used to bind is already bound \(\?(.+)\)/,
    message: (name) => `BIND … AS ?${name}: ?${name} has a value already; bind to a new variable.`,
    find: repeatedTarget,
  },
  {
    thrown: /^Target id of 'AS' \(\?(.+)\) already used/,
    message: (name) => `AS ?${name}: a subquery gives ?${name} already; choose a new variable.`,
    find: firstVariable,
  },
  {
    thrown: /^Use of ungrouped variable in projection of operation \(\?(.+)\)/,
    message: (name) => `?${name} is neither in GROUP BY nor inside an aggregate such as COUNT.`,
    find: firstVariable,
  },
  {
    thrown: /^Variable not allowed in projection/,
    message: () => "SELECT has a variable that is neither in GROUP BY nor inside an aggregate such as COUNT.",
    find: named(/^select$/i),
  },
  {
    thrown: /^GROUP BY not allowed with wildcard/,
    message: () => "SELECT * cannot be grouped; name the variables and aggregates.",
    find: (tokens) => tokens.find((token) => token.name === "Star"),
  },
  {
    thrown: /^Detected reuse of blank node .*\(_:(.+)\)/,
    message: (name) => `_:${name} is used in two graph patterns; use a variable instead.`,
    find: (tokens, name) => tokens.filter((token) => token.image === `_:${name}`).at(-1),
  },
  {
    thrown: /^Number of dataBlockValues .*(few|much)/,
    message: (amount) =>
      `a row of VALUES has too ${amount === "few" ? "few" : "many"} values for its variables; write UNDEF for none.`,
    find: named(/^values$/i),
  },
  {
    thrown: /^Aggregates are only allowed/,
    message: () => "aggregates such as COUNT stand in SELECT, HAVING or ORDER BY only.",
    find: named(AGGREGATE),
  },
  {
    thrown: /^An aggregate function is not allowed within/,
    message: () => "an aggregate stands inside an aggregate; compute the inner one in a subquery.",
    find: named(AGGREGATE),
  },
  {
    thrown: /^language direction "(.*?)"/,
    message: (direction) => `a literal's direction is --ltr or --rtl, not --${direction}.`,
    find: (tokens, direction) => tokens.find((token) => token.image.endsWith(`--${direction}`)),
  },
  {
    thrown: /surrogate/,
    message: () => "a text holds half of a surrogate pair, which is no character.",
    find: named(/\\u[dD][89a-fA-F]|\p{Surrogate}/u),
  },
  {
    thrown: /^Note 17/,
    message: () => "an annotation {| … |} cannot follow a property path.",
    find: named(/^(?:\{\||~)$/),
  },
];

/** What the library threw after the grammar itself had matched, in our words. */
export function ruleFailure(text: string, tokens: readonly SparqlToken[], thrown: Error): EngineFailure {
  for (const rule of RULES) {
    const match = rule.thrown.exec(thrown.message);
    if (match === null) continue;
    const name = match[1] ?? "";
    const token = rule.find(tokens, name) ?? tokens[0];
    return badQuery(text, token?.start ?? 0, rule.message(name));
  }
  return badQuery(text, tokens[0]?.start ?? 0, `the query breaks a rule of SPARQL: ${thrown.message}.`);
}
