import type { Gradable, Language } from "../language/language.js";

export interface GradedAdjective {
  readonly base: string;
  readonly gradable: Gradable;
  readonly degree: "positive" | "comparative" | "superlative";
}

/** Reads a gradable adjective in any degree: "longest" → long, superlative. `null` for other words. */
export function readAdjective(folded: string, language: Language): GradedAdjective | null {
  const irregular = language.irregularAdjectives.get(folded);
  if (irregular !== undefined) return graded(irregular.base, irregular.degree, language);
  const plain = graded(folded, "positive", language);
  if (plain !== null) return plain;
  for (const [degree, endings] of [
    ["superlative", language.superlativeEndings],
    ["comparative", language.comparativeEndings],
  ] as const) {
    for (const ending of endings) {
      if (!folded.endsWith(ending)) continue;
      for (const base of basesOf(folded.slice(0, -ending.length), ending)) {
        const found = graded(base, degree, language);
        if (found !== null) return found;
      }
    }
  }
  return null;
}

/** "bigg" → big, "heav" + "iest" → heavy, "larg" + "est" → large. */
function basesOf(stem: string, ending: string): string[] {
  if (stem.length < 2) return [];
  if (ending.startsWith("i")) return [`${stem}y`];
  const bases = [stem, `${stem}e`];
  if (stem.at(-1) === stem.at(-2)) bases.push(stem.slice(0, -1));
  return bases;
}

function graded(base: string, degree: GradedAdjective["degree"], language: Language): GradedAdjective | null {
  const gradable = language.gradables.get(base);
  return gradable === undefined ? null : { base, gradable, degree };
}
