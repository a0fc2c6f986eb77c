/** How an operator word changes the query; what it needs beside itself is found by the operator grammar. */
export type Comparison = "<" | "<=" | ">" | ">=" | "=" | "!=";

/** What a wh-word asks for. */
export type AnswerHint = "person" | "place" | "time" | "quantity" | "thing";

export interface Gradable {
  /** Words by which a property may say this quality, the most usual first. */
  readonly properties: readonly string[];
  /** Whether the adjective means more or less of the quality. */
  readonly direction: "more" | "less";
}

export interface Unit {
  readonly dimension: string;
  /** How many of the dimension's base unit one of this is. */
  readonly factor: number;
}

/**
 * Everything the grammar knows of one language, as folded phrases. A second language is a second table:
 * nothing outside these tables may test for a word.
 */
export interface Language {
  /** BCP 47. */
  readonly tag: string;
  /** Words that never name anything by themselves. */
  readonly functionWords: ReadonlySet<string>;
  /** Function words that separate a subject from what is said of it: no name of a class stretches over them. */
  readonly auxiliaries: ReadonlySet<string>;
  /** Words that may stand before "number of" when it asks for a count. */
  readonly beforeCount: ReadonlySet<string>;
  /** Words that say that something is related without saying how; understood, and free. */
  readonly weakRelations: ReadonlySet<string>;
  /** Verbs of asking: "show me", "find". */
  readonly requests: ReadonlySet<string>;
  readonly whWords: ReadonlyMap<string, AnswerHint>;
  /** First words of a yes-no question. */
  readonly askOpeners: ReadonlySet<string>;
  /** Phrases, the longest first where one begins another. */
  readonly count: readonly string[];
  readonly comparisons: ReadonlyMap<string, Comparison>;
  readonly between: ReadonlySet<string>;
  /** Between the two numbers. */
  readonly and: ReadonlySet<string>;
  readonly or: ReadonlySet<string>;
  readonly than: ReadonlySet<string>;
  readonly negation: ReadonlySet<string>;
  /** Before a property, a class or a number of them: "most", "fewest". */
  readonly extremes: ReadonlyMap<string, "more" | "less">;
  readonly ordinalLimits: ReadonlySet<string>;
  readonly grouping: ReadonlySet<string>;
  readonly ordering: ReadonlySet<string>;
  readonly descending: ReadonlySet<string>;
  readonly ascending: ReadonlySet<string>;
  readonly aggregates: ReadonlyMap<string, "avg" | "sum" | "min" | "max">;
  readonly dateComparisons: ReadonlyMap<string, Comparison | "in">;
  /** Possessives and joiners that ask for an attribute beside the answer: "their". */
  readonly possessives: ReadonlySet<string>;
  /** After a noun: what follows is its owner. */
  readonly genitives: ReadonlySet<string>;
  /** Marks the doer of a passive verb. */
  readonly agents: ReadonlySet<string>;
  readonly nameWords: ReadonlySet<string>;
  readonly numbers: ReadonlyMap<string, number>;
  readonly scales: ReadonlyMap<string, number>;
  readonly gradables: ReadonlyMap<string, Gradable>;
  /** Base form of an adjective with its ending of comparison. */
  readonly comparativeEndings: readonly string[];
  readonly superlativeEndings: readonly string[];
  readonly irregularAdjectives: ReadonlyMap<
    string,
    { readonly base: string; readonly degree: "comparative" | "superlative" }
  >;
  readonly units: ReadonlyMap<string, Unit>;
  /** Counted nouns that stand for a property: "people" → population. */
  readonly countedNouns: ReadonlyMap<string, readonly string[]>;
  /** Lemma → other words that a schema may use for it. */
  readonly synonyms: ReadonlyMap<string, readonly string[]>;
  readonly demonyms: ReadonlyMap<string, string>;
  /** Words in names of classes and properties that fit a hint. */
  readonly hintWords: Readonly<Record<Exclude<AnswerHint, "thing">, readonly string[]>>;
}

/** `a b|c` → a set of phrases. */
export function phrases(text: string): ReadonlySet<string> {
  return new Set(text.split("|").map((phrase) => phrase.trim()));
}

/** `key: x, y | key: z` → key → phrases. Keys may be several, separated by `/`. */
export function table(text: string): ReadonlyMap<string, readonly string[]> {
  const entries = new Map<string, readonly string[]>();
  for (const row of text.split("|")) {
    const [keys = "", values = ""] = row.split(":");
    const list = values.split(",").map((value) => value.trim());
    for (const key of keys.split("/")) entries.set(key.trim(), list);
  }
  return entries;
}

/** `key: value` rows, one value each. */
export function pairs(text: string): ReadonlyMap<string, string> {
  return new Map([...table(text)].map(([key, [value = ""]]) => [key, value]));
}
