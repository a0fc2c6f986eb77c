import type { Language, Unit } from "../language/language.js";
import type { Token } from "./tokens.js";

export interface Quantity {
  readonly value: number;
  /** Token after the number, its scale and its unit. */
  readonly to: number;
  readonly unit?: Unit;
  /** A counted noun that says which property is meant: "people". */
  readonly counted?: readonly string[];
  /** Written as four digits without anything else: may be a year. */
  readonly year: boolean;
}

/** Reads a number with scale and unit that begins at a token: "1.5 million people", "4,000 m", "fifty". */
export function readQuantity(tokens: readonly Token[], from: number, language: Language): Quantity | null {
  const number = readNumber(tokens, from, language);
  if (number === null) return null;
  let { value, to } = number;
  let scaled = false;
  for (
    let scale = scaleAt(tokens, to, language);
    scale !== undefined;
    scale = scaleAt(tokens, to, language)
  ) {
    value *= scale;
    scaled = true;
    to += 1;
  }
  const year = !scaled && to === from + 1 && /^[12]\d{3}$/.test(tokens[from]?.text ?? "");
  for (const length of [3, 2, 1]) {
    const words = tokens.slice(to, to + length);
    if (words.length < length) continue;
    const phrase = words.map((word) => word.folded).join(" ");
    const lemmas = words.map((word) => word.lemma).join(" ");
    const counted = language.countedNouns.get(lemmas) ?? language.countedNouns.get(phrase);
    const unit = language.units.get(phrase);
    if (unit === undefined && counted === undefined) continue;
    // "in" is an inch only where nothing follows that could be in something.
    if (language.functionWords.has(phrase)) continue;
    return {
      value,
      to: to + length,
      year: false,
      ...(unit === undefined ? {} : { unit }),
      ...(counted === undefined ? {} : { counted }),
    };
  }
  return { value, to, year };
}

function scaleAt(tokens: readonly Token[], at: number, language: Language): number | undefined {
  return language.scales.get(tokens[at]?.folded ?? "");
}

function readNumber(
  tokens: readonly Token[],
  from: number,
  language: Language,
): { value: number; to: number } | null {
  const first = tokens[from];
  if (first === undefined) return null;
  if (first.kind === "number") return { value: Number(first.text.replaceAll(",", "")), to: from + 1 };
  if (first.kind !== "word") return null;
  let value: number | undefined;
  let to = from;
  for (; to < tokens.length; to += 1) {
    const part = language.numbers.get(tokens[to]?.folded ?? "");
    if (part === undefined) break;
    value = (value ?? 0) + part;
  }
  if (value !== undefined) return { value, to };
  const scale = language.scales.get(first.folded);
  return scale !== undefined && first.folded.length > 2 ? { value: 1, to: from } : null;
}
