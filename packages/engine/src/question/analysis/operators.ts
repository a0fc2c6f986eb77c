import type { Comparison, Gradable, Language } from "../language/language.js";
import { readAdjective } from "./adjectives.js";
import { type DateSpan, readDate } from "./dates.js";
import { type Quantity, readQuantity } from "./numbers.js";
import type { Token } from "./tokens.js";

export type Aggregate = "avg" | "sum" | "min" | "max";

/** What a phrase does to the query. `from` and `to` are tokens, `to` exclusive. */
export type Operator = { readonly from: number; readonly to: number } & (
  | { readonly kind: "count" }
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate }
  /** "how tall": asks for the quality itself. */
  | { readonly kind: "quality"; readonly gradable: Gradable; readonly adjective: string }
  | {
      readonly kind: "superlative";
      readonly gradable: Gradable;
      readonly adjective: string;
      readonly limit: number;
      readonly offset: number;
    }
  /** "most languages": by the count, or the value, of what follows. */
  | { readonly kind: "extreme"; readonly direction: "more" | "less"; readonly limit: number }
  | {
      readonly kind: "compare";
      readonly comparison: Comparison;
      readonly quantity: Quantity;
      /** With "between". */
      readonly upper?: Quantity;
      readonly gradable?: Gradable;
      readonly adjective?: string;
    }
  /** "longer than X": with the value that another thing has. */
  | {
      readonly kind: "compare_with";
      readonly comparison: Comparison;
      readonly gradable: Gradable;
      readonly adjective: string;
    }
  | {
      readonly kind: "date";
      readonly comparison: Comparison | "in";
      readonly span: DateSpan;
      readonly upper?: DateSpan;
    }
  | { readonly kind: "limit"; readonly limit: number }
  | { readonly kind: "group" | "negation" | "possessive" | "or" | "and" | "name" }
  | { readonly kind: "order"; readonly descending: boolean }
  | { readonly kind: "direction"; readonly descending: boolean }
);

interface Scan {
  readonly question: string;
  readonly tokens: readonly Token[];
  readonly language: Language;
}

type Rule = (scan: Scan, at: number) => Operator | null;

/** Reads the operators of a question from left to right; at each word the first rule that fits takes its tokens. */
export function readOperators(question: string, tokens: readonly Token[], language: Language): Operator[] {
  const scan: Scan = { question, tokens, language };
  const found: Operator[] = [];
  for (let at = 0; at < tokens.length; ) {
    const operator = tokens[at]?.kind === "quoted" ? null : firstOf(scan, at);
    if (operator === null) at += 1;
    else {
      found.push(operator);
      at = Math.max(operator.to, at + 1);
    }
  }
  return found;
}

function firstOf(scan: Scan, at: number): Operator | null {
  for (const rule of RULES) {
    const operator = rule(scan, at);
    if (operator !== null) return operator;
  }
  return null;
}

/** Tokens that the longest phrase of a table takes at a place; 0 where none fits. */
export function phraseLength(
  tokens: readonly Token[],
  at: number,
  known: { has(phrase: string): boolean },
): number {
  let phrase = "";
  let longest = 0;
  for (let length = 1; length <= 5; length += 1) {
    const token = tokens[at + length - 1];
    if (token === undefined || token.kind === "quoted") break;
    phrase = length === 1 ? token.folded : `${phrase} ${token.folded}`;
    if (known.has(phrase)) longest = length;
  }
  return longest;
}

function phraseAt(tokens: readonly Token[], at: number, length: number): string {
  return tokens
    .slice(at, at + length)
    .map((token) => token.folded)
    .join(" ");
}

const count: Rule = ({ tokens, language }, at) => {
  const length = phraseLength(tokens, at, new Set(language.count));
  if (length === 0) return null;
  // "count" in the middle of a question is a noun ("page count").
  if (length === 1 && at > 2) return null;
  // "the accession number of X" is a number that X has.
  const before = tokens[at - 1];
  if (
    before?.kind === "word" &&
    !language.beforeCount.has(before.folded) &&
    !language.functionWords.has(before.folded)
  )
    return null;
  return { kind: "count", from: at, to: at + length };
};

const quality: Rule = ({ tokens, language }, at) => {
  if (tokens[at]?.folded !== "how" && tokens[at]?.folded !== "wie") return null;
  const adjective = readAdjective(tokens[at + 1]?.folded ?? "", language);
  if (adjective === null || adjective.degree !== "positive") return null;
  return { kind: "quality", gradable: adjective.gradable, adjective: adjective.base, from: at, to: at + 2 };
};

const order: Rule = ({ tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.ordering);
  if (length === 0) return null;
  let descending = false;
  for (let later = at + length; later < tokens.length; later += 1) {
    if (phraseLength(tokens, later, language.descending) > 0) descending = true;
  }
  return { kind: "order", descending, from: at, to: at + length };
};

const direction: Rule = ({ tokens, language }, at) => {
  const down = phraseLength(tokens, at, language.descending);
  if (down > 0) return { kind: "direction", descending: true, from: at, to: at + down };
  const up = phraseLength(tokens, at, language.ascending);
  return up > 0 ? { kind: "direction", descending: false, from: at, to: at + up } : null;
};

const group: Rule = ({ tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.grouping);
  return length === 0 ? null : { kind: "group", from: at, to: at + length };
};

const between: Rule = ({ question, tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.between);
  if (length === 0) return null;
  const lowerDate = readDate(question, tokens, at + length);
  const middleDate = lowerDate === null ? 0 : phraseLength(tokens, lowerDate.to, language.and);
  const upperDate =
    lowerDate === null || middleDate === 0 ? null : readDate(question, tokens, lowerDate.to + middleDate);
  if (lowerDate !== null && upperDate !== null) {
    return { kind: "date", comparison: "in", span: lowerDate, upper: upperDate, from: at, to: upperDate.to };
  }
  const lower = readQuantity(tokens, at + length, language);
  const middle = lower === null ? 0 : phraseLength(tokens, lower.to, language.and);
  const upper = lower === null || middle === 0 ? null : readQuantity(tokens, lower.to + middle, language);
  if (lower === null || upper === null) return null;
  return {
    kind: "compare",
    comparison: ">=",
    quantity: withUnitOf(lower, upper),
    upper,
    from: at,
    to: upper.to,
  };
};

/** "between 2 and 5 km": the unit of the second number holds for the first. */
function withUnitOf(lower: Quantity, upper: Quantity): Quantity {
  return {
    ...lower,
    ...(lower.unit === undefined && upper.unit !== undefined ? { unit: upper.unit } : {}),
    ...(lower.counted === undefined && upper.counted !== undefined ? { counted: upper.counted } : {}),
  };
}

const compare: Rule = ({ question, tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.comparisons);
  const comparison = language.comparisons.get(phraseAt(tokens, at, length));
  if (length === 0 || comparison === undefined) return null;
  const article = ["a", "the", "ein", "eine"].includes(tokens[at + length]?.folded ?? "") ? 1 : 0;
  const quantity = readQuantity(tokens, at + length + article, language);
  if (quantity === null) {
    const date = readDate(question, tokens, at + length + article);
    return date === null ? null : { kind: "date", comparison, span: date, from: at, to: date.to };
  }
  return { kind: "compare", comparison, quantity, from: at, to: quantity.to };
};

const comparative: Rule = ({ tokens, language }, at) => {
  const extreme =
    language.extremes.has(tokens[at]?.folded ?? "") || ["more", "less"].includes(tokens[at]?.folded ?? "");
  const place = extreme ? at + 1 : at;
  const adjective = readAdjective(tokens[place]?.folded ?? "", language);
  if (adjective === null || (adjective.degree !== "comparative" && !extreme)) return null;
  const than = phraseLength(tokens, place + 1, language.than);
  if (than === 0) return null;
  const less = tokens[at]?.folded === "less";
  const more = (adjective.gradable.direction === "more") !== less;
  const comparison: Comparison = more ? ">" : "<";
  const common = { comparison, gradable: adjective.gradable, adjective: adjective.base, from: at };
  const quantity = readQuantity(tokens, place + 1 + than, language);
  if (quantity !== null) return { kind: "compare", ...common, quantity, to: quantity.to };
  return { kind: "compare_with", ...common, to: place + 1 + than };
};

/** "1000 m high", "over 1000 m long": the adjective after the number names the property. */
const trailingAdjective: Rule = (scan, at) => {
  const compared = compare(scan, at);
  if (compared?.kind !== "compare") return null;
  const adjective = readAdjective(scan.tokens[compared.to]?.folded ?? "", scan.language);
  if (adjective === null || adjective.degree !== "positive") return null;
  return { ...compared, gradable: adjective.gradable, adjective: adjective.base, to: compared.to + 1 };
};

const superlative: Rule = ({ tokens, language }, at) => {
  const top = phraseLength(tokens, at, language.ordinalLimits);
  const number = readQuantity(tokens, at + top, language);
  const offset = ORDINALS.get(tokens[at]?.folded ?? "");
  let place = at;
  let limit = 1;
  if (offset !== undefined) place = at + 1;
  else if (
    number !== null &&
    number.unit === undefined &&
    number.counted === undefined &&
    number.value >= 1
  ) {
    place = number.to;
    limit = Math.floor(number.value);
  }
  const more = tokens[place]?.folded === "most" || tokens[place]?.folded === "least";
  const adjective = readAdjective(tokens[more ? place + 1 : place]?.folded ?? "", language);
  if (adjective === null || (adjective.degree !== "superlative" && !more)) return null;
  if (phraseLength(tokens, place, language.extremes) > 0 && !more) return null;
  const flipped = tokens[place]?.folded === "least";
  const gradable: Gradable = flipped
    ? { ...adjective.gradable, direction: adjective.gradable.direction === "more" ? "less" : "more" }
    : adjective.gradable;
  const to = (more ? place + 1 : place) + 1;
  return {
    kind: "superlative",
    gradable,
    adjective: adjective.base,
    limit,
    offset: offset ?? 0,
    from: at,
    to,
  };
};

const ORDINALS: ReadonlyMap<string, number> = new Map([
  ["second", 1],
  ["third", 2],
  ["fourth", 3],
  ["fifth", 4],
]);

const extreme: Rule = ({ tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.extremes);
  const direction = language.extremes.get(phraseAt(tokens, at, length));
  if (direction === undefined || tokens[at + length]?.folded === "of") return null;
  return { kind: "extreme", direction, limit: 1, from: at, to: at + length };
};

const date: Rule = ({ question, tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.dateComparisons);
  const comparison = language.dateComparisons.get(phraseAt(tokens, at, length));
  if (comparison === undefined) return null;
  const article = tokens[at + length]?.folded === "the" ? 1 : 0;
  const span = readDate(question, tokens, at + length + article);
  if (span === null) return null;
  // "in 1984 or 1985": times that follow each other are one.
  const or = phraseLength(tokens, span.to, language.or);
  const next = or === 0 ? null : readDate(question, tokens, span.to + or);
  if (next !== null && next.from === span.until) {
    return { kind: "date", comparison, span, upper: next, from: at, to: next.to };
  }
  return { kind: "date", comparison, span, from: at, to: span.to };
};

const limit: Rule = ({ tokens, language }, at) => {
  const word = phraseLength(tokens, at, language.ordinalLimits);
  const number = readQuantity(tokens, at + word, language);
  if (number === null || number.unit !== undefined || number.counted !== undefined) return null;
  if (!Number.isInteger(number.value) || number.value < 1 || number.value > 100_000) return null;
  if (word === 0) {
    // A bare number limits only where the request begins: "show me 5 drugs", not "Alzheimer disease 5".
    const before = tokens
      .slice(0, at)
      .every((token) => language.requests.has(token.folded) || language.functionWords.has(token.folded));
    const next = tokens[number.to];
    if (!before || next === undefined || next.kind !== "word") return null;
  }
  return { kind: "limit", limit: number.value, from: at, to: number.to };
};

const aggregate: Rule = ({ tokens, language }, at) => {
  const length = phraseLength(tokens, at, language.aggregates);
  const found = language.aggregates.get(phraseAt(tokens, at, length));
  return found === undefined ? null : { kind: "aggregate", aggregate: found, from: at, to: at + length };
};

function word(
  kind: "negation" | "possessive" | "or" | "name",
  known: (language: Language) => ReadonlySet<string>,
): Rule {
  return ({ tokens, language }, at) => {
    const length = phraseLength(tokens, at, known(language));
    return length === 0 ? null : { kind, from: at, to: at + length };
  };
}

const and: Rule = ({ tokens, language }, at) => {
  const folded = tokens[at]?.folded ?? "";
  return folded === "," || (language.and.has(folded) && folded !== "to" && folded !== "until")
    ? { kind: "and", from: at, to: at + 1 }
    : null;
};

const RULES: readonly Rule[] = [
  between,
  count,
  quality,
  order,
  direction,
  comparative,
  superlative,
  trailingAdjective,
  compare,
  date,
  extreme,
  limit,
  aggregate,
  group,
  word("possessive", (language) => language.possessives),
  word("negation", (language) => language.negation),
  word("or", (language) => language.or),
  word("name", (language) => language.nameWords),
  and,
];
