import type { LabelKind } from "../../labels.js";
import { foldText, lemmaKey, localNameOf, splitName, wordsOf } from "../fold.js";
import type { BuildMessage, ClassBatch, NameBatch, NameRole, SchemaName } from "./messages.js";

/** Longer texts are descriptions; their start would only blur the index. */
const MAX_NAME_CHARACTERS = 250;
const MAX_CLASSES_OF_ONE = 8;
/** Last parts of IRIs that nobody types: hashes, UUIDs, blank node labels. */
const UNTYPED_LOCAL_NAME = /^[0-9a-f]{16,}$|^[0-9a-f]{8}-[0-9a-f]{4}-/i;
const MAX_LOCAL_NAME_CHARACTERS = 80;

export interface Subject {
  readonly iri: string;
  readonly kind: LabelKind;
  readonly classes: number[];
  degree: number;
  /** Its names, as positions in the table; the first is the preferred label once the table is sealed. */
  readonly names: number[];
  readonly description: string | undefined;
  readonly lang: string | undefined;
  readonly datatype: string | undefined;
}

export interface Name {
  readonly text: string;
  readonly folded: string;
  readonly subject: number;
  readonly role: NameRole;
  readonly rank: number;
  readonly lang: string;
}

/** A sealed table: names by their folded text, by their lemmas and by their words. */
export interface NameTable {
  readonly subjects: readonly Subject[];
  readonly names: readonly Name[];
  readonly classes: readonly string[];
  /** Positions of names in the order of their folded text. */
  readonly order: Uint32Array;
  /** Lemma key → first name; the others follow in `nextWithKey` (-1 ends). */
  readonly byKey: ReadonlyMap<string, number>;
  readonly nextWithKey: Int32Array;
  /** Distinct words of names, sorted, in their lemma. */
  readonly words: readonly string[];
  readonly wordIds: ReadonlyMap<string, number>;
  /** Names of word w: `postings[postingStart[w] .. postingStart[w + 1])`. */
  readonly postingStart: Uint32Array;
  readonly postings: Uint32Array;
  /** Words of name n: `nameWords[nameWordStart[n] .. nameWordStart[n + 1])`. */
  readonly nameWordStart: Uint32Array;
  readonly nameWords: Uint32Array;
  readonly subjectByIri: ReadonlyMap<string, number>;
}

export interface NameTableBuilder {
  add(batch: BuildMessage): void;
  nameCount(): number;
  full(): boolean;
  seal(): NameTable;
}

/** Takes up to `maxNames` names from the data; the last parts of IRIs, at most one for each entity, come on top. */
export function createNameTable(maxNames: number, language: string): NameTableBuilder {
  const subjects: Subject[] = [];
  const names: Name[] = [];
  const classes: string[] = [];
  const classIds = new Map<string, number>();
  const subjectByIri = new Map<string, number>();

  const addSubject = (iri: string, kind: LabelKind, entry?: SchemaName): number => {
    const id = subjects.length;
    subjects.push({
      iri,
      kind,
      classes: [],
      degree: entry?.degree ?? 0,
      names: [],
      description: entry?.description,
      lang: entry?.lang,
      datatype: entry?.datatype,
    });
    if (kind !== "value") subjectByIri.set(iri, id);
    return id;
  };

  const addName = (subject: number, text: string, role: NameRole, rank: number, lang: string): void => {
    const trimmed = text.trim();
    if (trimmed === "" || trimmed.length > MAX_NAME_CHARACTERS) return;
    const own = subjects[subject]?.names;
    if (own === undefined || own.some((known) => names[known]?.text === trimmed)) return;
    own.push(names.length);
    names.push({ text: trimmed, folded: foldText(trimmed), subject, role, rank, lang });
  };

  const addClass = (subject: number, name: string): void => {
    let id = classIds.get(name);
    if (id === undefined) {
      id = classes.push(name) - 1;
      classIds.set(name, id);
    }
    const known = subjects[subject]?.classes;
    if (known !== undefined && known.length < MAX_CLASSES_OF_ONE && !known.includes(id)) known.push(id);
  };

  const addNames = ({ iris, texts, langs, role, rank, class: classOfAll }: NameBatch): void => {
    for (const [at, iri] of iris.entries()) {
      if (names.length >= maxNames) return;
      const subject = subjectByIri.get(iri) ?? addSubject(iri, "entity");
      addName(subject, texts[at] ?? "", role, rank, langs[at] ?? "");
      if (classOfAll !== undefined) addClass(subject, classOfAll);
    }
  };

  const addClasses = ({ iris, classes: of, nameless }: ClassBatch): void => {
    const taken = new Set(nameless);
    for (const [at, iri] of iris.entries()) {
      const name = of[at] ?? "";
      let subject = subjectByIri.get(iri);
      if (subject === undefined) {
        if (!taken.has(name) || subjects.length >= maxNames) continue;
        subject = addSubject(iri, "entity");
      }
      addClass(subject, name);
    }
  };

  const addSchema = (entries: readonly SchemaName[]): void => {
    for (const entry of entries) {
      const subject = addSubject(entry.iri, entry.kind, entry);
      for (const [rank, { role, text, lang }] of entry.names.entries())
        addName(subject, text, role, rank, lang);
    }
  };

  const addLocalNames = (): void => {
    for (const [id, { iri, kind }] of subjects.entries()) {
      if (kind !== "entity") continue;
      const local = localNameOf(iri);
      if (local.length > MAX_LOCAL_NAME_CHARACTERS || UNTYPED_LOCAL_NAME.test(local)) continue;
      const split = splitName(local);
      const same = new Set(subjects[id]?.names.map((name) => names[name]?.folded));
      if (same.has(foldText(local)) || same.has(foldText(split))) continue;
      const speaks = split.includes(" ");
      addName(id, speaks ? split : local, speaks && same.size === 0 ? "label" : "identifier", 1_000, "");
    }
  };

  return {
    add(batch) {
      switch (batch.type) {
        case "names":
          return addNames(batch);
        case "classes":
          return addClasses(batch);
        case "degrees":
          for (const [at, iri] of batch.iris.entries()) {
            const subject = subjects[subjectByIri.get(iri) ?? -1];
            if (subject?.kind === "entity") subject.degree = batch.degrees[at] ?? 0;
          }
          return;
        case "schema":
          return addSchema(batch.entries);
      }
    },
    nameCount: () => names.length,
    full: () => names.length >= maxNames,
    seal() {
      addLocalNames();
      const preference = (name: Name | undefined) =>
        name === undefined ? Infinity : preferenceOf(name, language);
      for (const subject of subjects)
        subject.names.sort((a, b) => preference(names[a]) - preference(names[b]) || a - b);
      return { subjects, names, classes, subjectByIri, ...textOrder(names), ...wordIndex(names) };
    },
  };
}

const ROLE_ORDER: Readonly<Record<NameRole, number>> = { label: 0, path: 1, alternative: 2, identifier: 3 };

/** Lower is better: labels first, then the wanted language, then none, then the predicate's rank. */
function preferenceOf({ role, lang, rank }: Name, language: string): number {
  const tag = lang.toLowerCase();
  const wanted = language.toLowerCase();
  const spoken =
    tag === wanted ? 0 : tag.startsWith(`${wanted}-`) ? 1 : tag === "" ? 2 : tag.startsWith("en") ? 3 : 4;
  return ROLE_ORDER[role] * 1e6 + spoken * 1e4 + Math.min(rank, 9_999);
}

function textOrder(names: readonly Name[]): Pick<NameTable, "order" | "byKey" | "nextWithKey"> {
  const positions = names.map((_, at) => at);
  positions.sort((a, b) => {
    const left = names[a]?.folded ?? "";
    const right = names[b]?.folded ?? "";
    return left < right ? -1 : left > right ? 1 : a - b;
  });
  const byKey = new Map<string, number>();
  const nextWithKey = new Int32Array(names.length).fill(-1);
  for (let at = names.length - 1; at >= 0; at -= 1) {
    const key = lemmaKey(names[at]?.folded ?? "");
    nextWithKey[at] = byKey.get(key) ?? -1;
    byKey.set(key, at);
  }
  return { order: Uint32Array.from(positions), byKey, nextWithKey };
}

type WordIndex = Pick<
  NameTable,
  "words" | "wordIds" | "postingStart" | "postings" | "nameWordStart" | "nameWords"
>;

/** Words of all names but lone identifiers, which are only ever looked up whole or by their start. */
function wordIndex(names: readonly Name[]): WordIndex {
  const seen = new Map<string, number>();
  const nameWordStart = new Uint32Array(names.length + 1);
  const found: number[] = [];
  for (const [at, { folded, role }] of names.entries()) {
    const words = role === "identifier" && !folded.includes(" ") ? [] : new Set(wordsOf(lemmaKey(folded)));
    for (const word of words) {
      let id = seen.get(word);
      if (id === undefined) {
        id = seen.size;
        seen.set(word, id);
      }
      found.push(id);
    }
    nameWordStart[at + 1] = found.length;
  }
  const words = [...seen.keys()].sort();
  const wordIds = new Map(words.map((word, id) => [word, id]));
  const renumbered = new Uint32Array(seen.size);
  for (const [word, id] of seen) renumbered[id] = wordIds.get(word) ?? 0;
  const nameWords = Uint32Array.from(found, (id) => renumbered[id] ?? 0);

  const postingStart = new Uint32Array(words.length + 1);
  for (const word of nameWords) postingStart[word + 1] = (postingStart[word + 1] ?? 0) + 1;
  for (let word = 0; word < words.length; word += 1) {
    postingStart[word + 1] = (postingStart[word + 1] ?? 0) + (postingStart[word] ?? 0);
  }
  const postings = new Uint32Array(nameWords.length);
  const next = postingStart.slice();
  for (let name = 0; name < names.length; name += 1) {
    for (let at = nameWordStart[name] ?? 0; at < (nameWordStart[name + 1] ?? 0); at += 1) {
      const word = nameWords[at] ?? 0;
      const place = next[word] ?? 0;
      postings[place] = name;
      next[word] = place + 1;
    }
  }
  return { words, wordIds, postingStart, postings, nameWordStart, nameWords };
}
