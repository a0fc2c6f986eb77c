import type { ExampleQuery } from "../profile.js";
import { foldText, lemmaKey, wordsOf } from "../terms/fold.js";
import { ENGLISH } from "./language/english.js";

export interface ExampleMatch {
  readonly example: ExampleQuery;
  /** 0 to 1; 1 when the questions are the same but for case, punctuation and endings. */
  readonly similarity: number;
}

const LEAST_SIMILARITY = 0.75;

/** The endpoint's own example that asks (nearly) the same, if there is one. */
export function nearestExample(question: string, examples: readonly ExampleQuery[]): ExampleMatch | null {
  const asked = wordSet(question);
  let best: ExampleMatch | null = null;
  for (const example of examples) {
    const similarity = jaccard(asked, wordSet(example.question));
    if (similarity >= LEAST_SIMILARITY && similarity > (best?.similarity ?? 0))
      best = { example, similarity };
  }
  return best;
}

function wordSet(question: string): ReadonlySet<string> {
  const words = wordsOf(lemmaKey(foldText(question)));
  const content = words.filter(
    (word) => !ENGLISH.requests.has(word) && !["the", "a", "an", "all", "is", "are", "of"].includes(word),
  );
  return new Set(content.length === 0 ? words : content);
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const word of a) if (b.has(word)) common += 1;
  const all = a.size + b.size - common;
  return all === 0 ? 0 : common / all;
}
