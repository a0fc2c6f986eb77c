import { foldText, lemmaOf, wordsOf } from "../../terms/fold.js";

const ENDINGS: readonly (readonly [ending: string, least: number])[] = [
  ["ations", 4],
  ["ation", 4],
  ["ings", 4],
  ["ing", 4],
  ["ions", 4],
  ["ion", 4],
  ["ors", 5],
  ["ers", 5],
  ["ees", 5],
  ["or", 5],
  ["er", 5],
  ["ee", 5],
  ["ed", 4],
  ["ate", 4],
  ["es", 4],
  ["e", 3],
];

/** A word without its derivational ending, so that "painted", "painter" and "painting" meet. Coarser than a lemma. */
function stemOf(word: string): string {
  const lemma = lemmaOf(word);
  for (const [ending, least] of ENDINGS) {
    if (lemma.endsWith(ending) && lemma.length - ending.length >= least)
      return lemma.slice(0, -ending.length);
  }
  return lemma;
}

/** Words that names of classes and properties carry without meaning more by them. */
const EMPTY_WORDS: ReadonlySet<string> = new Set([
  "has",
  "have",
  "is",
  "are",
  "was",
  "of",
  "the",
  "a",
  "an",
  "in",
  "by",
  "for",
  "to",
  "with",
  "from",
  "at",
  "on",
]);

export interface NameKeys {
  /** All words, folded, in lemmas. */
  readonly lemmas: string;
  /** Words that mean something, sorted, in lemmas. */
  readonly content: string;
  readonly stems: string;
  readonly contentWords: readonly string[];
}

export function keysOf(text: string): NameKeys {
  const words = wordsOf(foldText(text));
  const lemmas = words.map(lemmaOf);
  const kept = words.filter((word) => !EMPTY_WORDS.has(word));
  const content = kept.length === 0 ? lemmas : kept.map(lemmaOf);
  return {
    lemmas: lemmas.join(" "),
    content: [...content].sort().join(" "),
    stems: (kept.length === 0 ? words : kept).map(stemOf).sort().join(" "),
    contentWords: content,
  };
}
