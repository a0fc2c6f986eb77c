import type { NamedText, SchemaProfile } from "../../profile.js";
import { XSD } from "../../rdf.js";
import { localNameOf, splitName } from "../../terms/fold.js";
import { keysOf } from "./stems.js";

interface SchemaName {
  readonly kind: "class" | "property";
  readonly iri: string;
  /** 0 to 1: how well the words fit the name. */
  readonly score: number;
  readonly label: string;
}

/** Classes and properties of an endpoint by their names. */
export interface SchemaLexicon {
  /** Names that fit a phrase, the best first; each class and property once. */
  find(phrase: string): readonly SchemaName[];
  labelOf(iri: string): string;
}

interface Entry {
  readonly kind: "class" | "property";
  readonly iri: string;
  /** How good a name this is for it: its label 1, an alternative or local name less. */
  readonly quality: number;
  readonly wordCount: number;
}

type Index = Map<string, Entry[]>;

const SCORES = { lemmas: 1, content: 0.95, joined: 0.9, stems: 0.8, part: 0.6 } as const;
const MOST_FOUND = 12;

const lexicons = new WeakMap<SchemaProfile, SchemaLexicon>();

/** The lexicon of a profile, made once for each. */
export function lexiconOf(profile: SchemaProfile): SchemaLexicon {
  let lexicon = lexicons.get(profile);
  if (lexicon === undefined) {
    lexicon = createLexicon(profile);
    lexicons.set(profile, lexicon);
  }
  return lexicon;
}

function createLexicon(profile: SchemaProfile): SchemaLexicon {
  const indexes = {
    lemmas: new Map(),
    content: new Map(),
    joined: new Map(),
    stems: new Map(),
    part: new Map(),
  } satisfies Record<keyof typeof SCORES, Index>;
  const labels = new Map<string, string>();
  const add = (kind: Entry["kind"], iri: string, names: readonly NamedText[]) => {
    const local = splitName(localNameOf(iri));
    const spoken = isSpoken(local);
    const best = names.find((name) => name.lang === undefined || name.lang.startsWith("en")) ?? names[0];
    labels.set(iri, best?.text ?? (spoken ? local : localNameOf(iri)));
    names.forEach((name, at) => {
      addName(indexes, { kind, iri, quality: at === 0 || name === best ? 1 : 0.95, wordCount: 0 }, name.text);
    });
    if (spoken) addName(indexes, { kind, iri, quality: names.length === 0 ? 1 : 0.9, wordCount: 0 }, local);
  };
  for (const { iri, labels: names } of profile.classes) add("class", iri, names);
  for (const { iri, labels: names } of profile.properties) add("property", iri, names);
  return {
    find: (phrase) => find(indexes, labels, phrase),
    labelOf: (iri) => labels.get(iri) ?? splitName(localNameOf(iri)),
  };
}

/** Whether a local name is made of words, as opposed to a code such as `P31` or `IAO_0000115`. */
function isSpoken(local: string): boolean {
  return /\p{L}{2}/u.test(local) && !/\d{3}/.test(local) && !/^[A-Z]\d+$/i.test(local);
}

function addName(indexes: Record<keyof typeof SCORES, Index>, entry: Entry, name: string): void {
  // What stands in brackets is a remark, most often a unit: "length (km)".
  const plain = name.replace(/\([^)]*\)/g, " ").trim();
  const keys = keysOf(plain === "" ? name : plain);
  const full = { ...entry, wordCount: keys.contentWords.length };
  put(indexes.lemmas, keys.lemmas, full);
  put(indexes.content, keys.content, full);
  put(indexes.joined, keys.contentWords.join(""), full);
  put(indexes.stems, keys.stems, full);
  if (keys.contentWords.length > 1 && keys.contentWords.length <= 5) {
    for (const word of new Set(keys.contentWords)) put(indexes.part, word, full);
  }
}

function put(index: Index, key: string, entry: Entry): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, [entry]);
  else if (!known.some((other) => other.iri === entry.iri && other.quality >= entry.quality))
    known.push(entry);
}

function find(
  indexes: Record<keyof typeof SCORES, Index>,
  labels: ReadonlyMap<string, string>,
  phrase: string,
): readonly SchemaName[] {
  const keys = keysOf(phrase);
  const queries: readonly [keyof typeof SCORES, string][] = [
    ["lemmas", keys.lemmas],
    ["content", keys.content],
    ["joined", keys.contentWords.join("")],
    ["stems", keys.stems],
    ...(keys.contentWords.length === 1 ? [["part", keys.content] as [keyof typeof SCORES, string]] : []),
  ];
  const best = new Map<string, SchemaName>();
  for (const [kind, key] of queries) {
    for (const entry of indexes[kind].get(key) ?? []) {
      const coverage = kind === "part" ? (1 / entry.wordCount) ** 0.3 : 1;
      const score = SCORES[kind] * entry.quality * coverage;
      if ((best.get(entry.iri)?.score ?? 0) >= score) continue;
      best.set(entry.iri, {
        kind: entry.kind,
        iri: entry.iri,
        score,
        label: labels.get(entry.iri) ?? phrase,
      });
    }
  }
  return [...best.values()]
    .sort((a, b) => b.score - a.score || (a.iri < b.iri ? -1 : 1))
    .slice(0, MOST_FOUND);
}

const NUMERIC_TYPES = new Set(
  [
    "integer",
    "decimal",
    "double",
    "float",
    "int",
    "long",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
    "nonPositiveInteger",
    "negativeInteger",
    "unsignedInt",
    "unsignedLong",
    "unsignedShort",
    "unsignedByte",
  ].map((name) => XSD + name),
);
const TEMPORAL_TYPES = new Set(
  ["date", "dateTime", "dateTimeStamp", "gYear", "gYearMonth"].map((name) => XSD + name),
);

export type ValueKind = "number" | "time" | "boolean" | "text";

export function valueKindOf(datatype: string | null): ValueKind {
  if (datatype === null) return "text";
  if (NUMERIC_TYPES.has(datatype)) return "number";
  if (TEMPORAL_TYPES.has(datatype)) return "time";
  return datatype === `${XSD}boolean` ? "boolean" : "text";
}
