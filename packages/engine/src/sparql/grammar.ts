import { LexerBuilder } from "@traqula/core";
import { sparql12ParserBuilder } from "@traqula/parser-sparql-1-2";
import { AstFactory, completeParseContext, lex, type SparqlQuery } from "@traqula/rules-sparql-1-2";
import type { SparqlToken } from "./syntax.js";

/** What the grammar expected and found. */
export interface SyntaxProblem {
  /** Labels of the tokens that could have stood here; not all where the grammar was already past an optional part. */
  readonly expected: readonly string[];
  /** `null` at the end of the text. */
  readonly found: SparqlToken | null;
  /** Names of the grammar rules around the place, outermost first. */
  readonly rules: readonly string[];
}

/** Thrown by `parseTokens`; caught by `parseSparql` alone. */
export class SyntaxProblemError extends Error {
  override readonly name = "SyntaxProblemError";
  readonly problem: SyntaxProblem;

  constructor(problem: SyntaxProblem) {
    super("The text is not SPARQL.");
    this.problem = problem;
  }
}

/** Characters at `offset` begin no token. */
export class LexicalProblemError extends Error {
  override readonly name = "LexicalProblemError";
  readonly offset: number;
  readonly tokens: readonly SparqlToken[];

  constructor(offset: number, tokens: readonly SparqlToken[]) {
    super("The text is not SPARQL.");
    this.offset = offset;
    this.tokens = tokens;
  }
}

/**
 * The library's tokens, nearer to the recommendation in two points (SPARQL 1.1, 19.4 and 19.8): a comment ends at
 * a carriage return too – or a query could hide a part of itself from our checks that its endpoint then reads –
 * and a number may begin with its decimal point.
 */
function createVocabulary() {
  const numbers = new Map([
    ["Decimal", /\d*\.\d+/],
    ["DecimalPositive", /\+\d*\.\d+/],
    ["DecimalNegative", /-\d*\.\d+/],
  ]);
  const all = lex.sparql12LexerBuilder.tokenVocabulary.map((token) => {
    const pattern = token.name === "Comment" ? /#[^\n\r]*/ : numbers.get(token.name);
    return pattern === undefined ? token : { ...token, PATTERN: pattern };
  });
  // The first token that matches wins, so that what begins with a point has to stand before the point.
  const early = all.filter((token) => token.name === "Double" || token.name === "Decimal");
  return [...early, ...all.filter((token) => !early.includes(token))];
}

type TokenLike = {
  readonly image: string;
  readonly startOffset: number;
  readonly endOffset?: number;
  readonly tokenType: { readonly name: string };
};

function toToken(token: TokenLike): SparqlToken {
  const end = token.startOffset + token.image.length;
  return { name: token.tokenType.name, image: token.image, start: token.startOffset, end };
}

const SEPARATOR = "\n";

function labels(paths: readonly (readonly { readonly name: string; readonly LABEL?: string }[])[]): string {
  return [...new Set(paths.flatMap(([token]) => (token ? [token.LABEL ?? token.name] : [])))].join(SEPARATOR);
}

function createGrammar() {
  const tokenVocabulary = createVocabulary();
  const parser = sparql12ParserBuilder.build({
    tokenVocabulary,
    lexerConfig: { positionTracking: "full" },
    parserConfig: {
      // The messages carry nothing but the labels of the expected tokens: the words are made in parse-failure.ts.
      errorMessageProvider: {
        buildMismatchTokenMessage: ({ expected }) => labels([[expected]]),
        buildNotAllInputParsedMessage: () => "",
        buildNoViableAltMessage: ({ expectedPathsPerAlt }) => labels(expectedPathsPerAlt.flat()),
        buildEarlyExitMessage: ({ expectedIterationPaths }) => labels(expectedIterationPaths),
      },
    },
    errorHandler: ([first]) => {
      if (first === undefined) return;
      const { token, message, context } = first;
      throw new SyntaxProblemError({
        expected: message.split(SEPARATOR).filter((label) => label !== ""),
        found: Number.isNaN(token.startOffset) ? null : toToken(token),
        rules: context.ruleStack,
      });
    },
  });
  const lexer = LexerBuilder.create()
    .add(...tokenVocabulary)
    .build({ positionTracking: "full", recoveryEnabled: false, ensureOptimizations: true });
  return { parser, lexer, astFactory: new AstFactory() };
}

let grammar: ReturnType<typeof createGrammar> | undefined;

/** Building it takes about 200 ms; it holds state while it parses, which is why everything here is synchronous. */
function theGrammar() {
  grammar ??= createGrammar();
  return grammar;
}

export function tokenize(text: string): readonly SparqlToken[] {
  const { tokens, errors } = theGrammar().lexer.tokenize(text);
  const found = tokens.map(toToken);
  const [problem] = errors;
  if (problem !== undefined) throw new LexicalProblemError(problem.offset, found);
  return found;
}

/** The tree of a text. `prefixes`: names that may be used besides those that the text declares. */
export function parseTree(text: string, prefixes: Iterable<string>): SparqlQuery {
  const { parser, astFactory } = theGrammar();
  const known: Record<string, string> = Object.create(null);
  for (const prefix of prefixes) known[prefix] = "";
  return parser.queryOrUpdate(text, completeParseContext({ astFactory, prefixes: known }));
}
