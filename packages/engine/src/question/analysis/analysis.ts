import { ENGLISH } from "../language/english.js";
import { GERMAN } from "../language/german.js";
import type { AnswerHint, Language } from "../language/language.js";
import { type Operator, phraseLength, readOperators } from "./operators.js";
import { type Token, tokenize } from "./tokens.js";

/** A question as far as it can be understood without any data. */
export interface Analysis {
  readonly question: string;
  readonly language: Language;
  readonly tokens: readonly Token[];
  readonly form: "select" | "ask";
  readonly hint: AnswerHint | null;
  readonly operators: readonly Operator[];
  /** Tokens before this one only say that, or what kind of thing, something is asked. */
  readonly bodyFrom: number;
  /** For each token whether it can name something by itself. */
  readonly content: readonly boolean[];
}

const LANGUAGES: readonly Language[] = [ENGLISH, GERMAN];

/** Reads a question: language, words, operators and the kind of answer. Pure and synchronous. */
export function analyze(question: string): Analysis {
  const tokens = tokenize(question);
  const language = languageOf(tokens);
  const form = isYesNo(tokens, language) ? "ask" : "select";
  const { hint, at: whAt } = whWord(tokens, language);
  const bodyFrom = Math.max(whAt, form === "ask" ? 1 : requestLength(tokens, language));
  const operators = readOperators(question, tokens, language).filter(
    (operator) => operator.kind !== "name" || operator.from >= bodyFrom,
  );
  const content = tokens.map(
    (token, at) =>
      token.kind !== "mark" &&
      (token.kind !== "word" || (at >= bodyFrom && !isFunctionWord(token, language))),
  );
  return { question, language, tokens, form, hint, operators, bodyFrom, content };
}

export function isFunctionWord(token: Token, language: Language): boolean {
  return token.kind === "word" && language.functionWords.has(token.folded);
}

/** Whether a word only says that something is related or asked for. */
export function isWeakWord(token: Token, language: Language): boolean {
  return (
    language.weakRelations.has(token.folded) ||
    language.weakRelations.has(token.lemma) ||
    language.requests.has(token.folded)
  );
}

/** The language of which most function words occur; the first of equals. */
function languageOf(tokens: readonly Token[]): Language {
  let best = ENGLISH;
  let most = -1;
  for (const language of LANGUAGES) {
    const known = tokens.filter(
      (token) =>
        token.kind === "word" &&
        (language.functionWords.has(token.folded) ||
          language.whWords.has(token.folded) ||
          language.requests.has(token.folded)),
    ).length;
    if (known > most) {
      best = language;
      most = known;
    }
  }
  return best;
}

function isYesNo(tokens: readonly Token[], language: Language): boolean {
  const length = phraseLength(tokens, 0, language.askOpeners);
  if (length === 0) return false;
  const addressed = ["you", "i", "we", "sie", "du"].includes(tokens[length]?.folded ?? "");
  return !addressed;
}

function requestLength(tokens: readonly Token[], language: Language): number {
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token === undefined || token.kind !== "word") break;
    if (
      !language.requests.has(token.folded) &&
      !["all", "the", "of", "a", "alle", "die"].includes(token.folded)
    )
      break;
    at += 1;
  }
  return at < tokens.length ? at : 0;
}

function whWord(tokens: readonly Token[], language: Language): { hint: AnswerHint | null; at: number } {
  for (let at = 0; at < Math.min(tokens.length, 5); at += 1) {
    const length = phraseLength(tokens, at, language.whWords);
    if (length === 0) continue;
    const phrase = tokens
      .slice(at, at + length)
      .map((token) => token.folded)
      .join(" ");
    return { hint: language.whWords.get(phrase) ?? null, at: at + length };
  }
  return { hint: null, at: 0 };
}
