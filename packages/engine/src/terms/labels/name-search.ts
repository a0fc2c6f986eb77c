import type { LabelHit, LabelKind } from "../../labels.js";
import { foldText, lemmaKey, lemmaOf, localNameOf, splitName, wordsOf } from "../fold.js";
import type { NameRole, SearchRequest } from "./messages.js";
import type { Name, NameTable, Subject } from "./name-table.js";
import { afterPrefix, allowedEdits, lowerBound, type NearWord, nearWords } from "./near-words.js";
import { createRanking, type Ranking } from "./ranking.js";

/** Names that one stage looks at, at most. */
const MAX_SCANNED = 20_000;
const MAX_SEARCHED_CHARACTERS = 200;
const MAX_SEARCHED_WORDS = 12;
const MAX_FUZZY_WORDS = 4;
/** A misspelt word of a question is looked for only from this length on: shorter ones are near to everything. */
const MIN_LINKED_FUZZY_CHARACTERS = 5;
const MAX_SYNONYMS = 5;

const ROLE_WEIGHT: Readonly<Record<NameRole, number>> = {
  label: 1,
  identifier: 0.96,
  alternative: 0.94,
  path: 0.88,
};

/** Finds names: exact → prefix → words → nearly, each stage only as far as the ones before left room. */
export function searchTable(table: NameTable, request: SearchRequest): LabelHit[][] {
  // The words of a question's spans overlap: each misspelt one is looked for once.
  const near = new Map<string, NearWord[]>();
  return request.texts.map((text) => searchOne(table, text, request, near));
}

interface Query {
  readonly text: string;
  readonly folded: string;
  readonly words: readonly string[];
}

function searchOne(
  table: NameTable,
  text: string,
  { limit, kinds, mode }: SearchRequest,
  near: Map<string, NearWord[]>,
): LabelHit[] {
  const trimmed = text.trim().slice(0, MAX_SEARCHED_CHARACTERS);
  const folded = foldText(trimmed);
  const query = { text: trimmed, folded, words: wordsOf(folded).slice(0, MAX_SEARCHED_WORDS) };
  if (folded === "" || limit < 1) return [];
  const allowed = kinds === null ? null : new Set<LabelKind>(kinds);
  const ranking = createRanking(table, limit, allowed);

  exact(table, query, ranking);
  const autocomplete = mode === "autocomplete";
  if (autocomplete || (ranking.size() === 0 && folded.length >= 4)) prefixed(table, query, ranking);
  if (ranking.size() < limit) contained(table, query, autocomplete, ranking);
  if (ranking.size() === 0) nearly(table, query, autocomplete, near, ranking);
  return ranking.best(mode === "link" && kinds === null).map((hit) => toHit(table, hit));
}

function exact(table: NameTable, { text, folded }: Query, ranking: Ranking): void {
  let scanned = 0;
  for (
    let at = table.byKey.get(lemmaKey(folded)) ?? -1;
    at >= 0 && scanned < MAX_SCANNED;
    at = table.nextWithKey[at] ?? -1
  ) {
    scanned += 1;
    const name = table.names[at];
    if (name === undefined) continue;
    const likeness = name.text === text ? 1 : name.folded === folded ? 0.99 : 0.97;
    ranking.add(at, ROLE_WEIGHT[name.role] * likeness, "exact");
  }
}

function prefixed(table: NameTable, { folded }: Query, ranking: Ranking): void {
  const end = Math.min(boundOf(table, afterPrefix(folded)), table.order.length);
  const start = boundOf(table, folded);
  for (let place = start; place < Math.min(end, start + MAX_SCANNED); place += 1) {
    const at = table.order[place] ?? 0;
    const name = table.names[at];
    if (name === undefined) continue;
    const wholeWord = name.folded.charCodeAt(folded.length) === 32 ? 0.05 : 0;
    const share = folded.length / name.folded.length;
    ranking.add(at, ROLE_WEIGHT[name.role] * (0.5 + 0.35 * share + wholeWord), "prefix");
  }
}

/** The first place in the order of texts that is not before `text`. */
function boundOf({ order, names }: NameTable, text: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[order[middle] ?? 0]?.folded ?? "") < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A word of the query as ranges of dictionary words; each with the share of it that is right. */
type Choice = ReadonlyMap<number, number>;

function contained(table: NameTable, { words }: Query, autocomplete: boolean, ranking: Ranking): void {
  const choices: Choice[] = [];
  for (const [at, word] of words.entries()) {
    const choice = new Map<number, number>();
    const id = table.wordIds.get(lemmaOf(word));
    if (id !== undefined) choice.set(id, 1);
    if (autocomplete && at === words.length - 1) {
      const end = Math.min(lowerBound(table.words, afterPrefix(word)), table.words.length);
      const start = lowerBound(table.words, word);
      for (let near = start; near < Math.min(end, start + MAX_SCANNED); near += 1) {
        const length = table.words[near]?.length ?? 1;
        choice.set(near, Math.max(choice.get(near) ?? 0, 0.6 + 0.4 * (word.length / length)));
      }
    }
    if (choice.size === 0) return;
    choices.push(choice);
  }
  match(table, choices, ranking, "tokens", 1);
}

function nearly(
  table: NameTable,
  { words }: Query,
  autocomplete: boolean,
  known: Map<string, NearWord[]>,
  ranking: Ranking,
): void {
  if (words.length > MAX_FUZZY_WORDS) return;
  const choices: Choice[] = [];
  let misspelt = 0;
  for (const [at, word] of words.entries()) {
    const lemma = lemmaOf(word);
    const id = table.wordIds.get(lemma);
    if (id !== undefined) {
      choices.push(new Map([[id, 1]]));
      continue;
    }
    const edits = allowedEdits(lemma.length);
    if (edits === 0 || (!autocomplete && lemma.length < MIN_LINKED_FUZZY_CHARACTERS)) return;
    misspelt += 1;
    const asPrefix = autocomplete && at === words.length - 1;
    let near = known.get(lemma);
    if (near === undefined) {
      near = nearWords(table.words, lemma, edits, asPrefix);
      known.set(lemma, near);
    }
    if (near.length === 0) return;
    choices.push(new Map(near.map((word) => [word.id, 1 - word.edits / lemma.length])));
  }
  if (misspelt > 0) match(table, choices, ranking, "fuzzy", 0.8);
}

/**
 * Names that contain one word of every choice. Ranked by the share of the name's words, weighted by rareness, that
 * the query names: short names whose rare words were asked for come first.
 */
function match(
  table: NameTable,
  choices: readonly Choice[],
  ranking: Ranking,
  kind: "tokens" | "fuzzy",
  factor: number,
): void {
  const sizes = choices.map((choice) => {
    let size = 0;
    for (const word of choice.keys())
      size += (table.postingStart[word + 1] ?? 0) - (table.postingStart[word] ?? 0);
    return size;
  });
  const rarest = choices[sizes.indexOf(Math.min(...sizes))];
  if (rarest === undefined) return;
  let scanned = 0;
  for (const word of rarest.keys()) {
    for (let at = table.postingStart[word] ?? 0; at < (table.postingStart[word + 1] ?? 0); at += 1) {
      scanned += 1;
      if (scanned > MAX_SCANNED) return;
      const position = table.postings[at] ?? 0;
      const name = table.names[position];
      const share = name === undefined ? 0 : coverage(table, position, choices);
      if (name === undefined || share === 0) continue;
      ranking.add(position, ROLE_WEIGHT[name.role] * factor * (0.3 + 0.4 * share), kind);
    }
  }
}

/** Rareness of the matched words over that of all words of the name; 0 when a choice is not met. */
function coverage(table: NameTable, position: number, choices: readonly Choice[]): number {
  const start = table.nameWordStart[position] ?? 0;
  const end = table.nameWordStart[position + 1] ?? 0;
  let met = 0;
  let all = 0;
  const open = new Set(choices);
  for (let at = start; at < end; at += 1) {
    const word = table.nameWords[at] ?? 0;
    const weight = rareness(table, word);
    all += weight;
    let best = 0;
    for (const choice of choices) {
      const right = choice.get(word);
      if (right === undefined) continue;
      open.delete(choice);
      best = Math.max(best, right);
    }
    met += weight * best;
  }
  return open.size > 0 || all === 0 ? 0 : met / all;
}

function rareness(table: NameTable, word: number): number {
  const count = (table.postingStart[word + 1] ?? 0) - (table.postingStart[word] ?? 0);
  return 0.1 + Math.log((table.names.length + 1) / (count + 1));
}

/** The preferred label of a subject; where there is none, the words of its local name. */
export function labelOf(table: NameTable, subject: Subject): string {
  const first = table.names[subject.names[0] ?? -1];
  if (first === undefined || (first.role === "identifier" && subject.kind === "entity")) {
    return first?.text ?? (splitName(localNameOf(subject.iri)) || subject.iri);
  }
  return first.text;
}

function toHit(
  table: NameTable,
  hit: {
    readonly name: Name;
    readonly subject: Subject;
    readonly score: number;
    readonly match: LabelHit["match"];
  },
): LabelHit {
  const { name, subject, score, match: how } = hit;
  const label = labelOf(table, subject);
  const synonyms: string[] = [];
  for (const at of subject.names) {
    const other = table.names[at];
    if (other === undefined || other.text === label || other.role === "identifier") continue;
    if (synonyms.length < MAX_SYNONYMS) synonyms.push(other.text);
  }
  const isValue = subject.kind === "value";
  return {
    iri: subject.iri,
    label,
    matched: name.text,
    kind: subject.kind,
    classes: subject.classes.map((id) => table.classes[id] ?? "").filter((iri) => iri !== ""),
    ...(subject.description === undefined ? undefined : { description: subject.description }),
    ...(synonyms.length === 0 ? undefined : { synonyms }),
    ...(isValue ? { property: subject.iri } : undefined),
    ...(isValue && subject.lang !== undefined ? { lang: subject.lang } : undefined),
    ...(isValue && subject.datatype !== undefined ? { datatype: subject.datatype } : undefined),
    score: Math.round(score * 10_000) / 10_000,
    match: how,
  };
}
