import type { LiteralTerm } from "../rdf.js";
import { compareText, linksByDomain, type ProfileDraft, type PropertyDraft } from "./draft.js";
import { literalCount, mainDatatype, type ValueSampleRows } from "./literals.js";
import {
  COMMENT_PREDICATES,
  isMetaClass,
  isText,
  KNOWN_ALTERNATIVE_PREDICATES,
  KNOWN_LABEL_PREDICATES,
} from "./vocabulary.js";

const MAX_LABEL_PREDICATES = 8;
const MAX_ALTERNATIVE_PREDICATES = 16;
/** A predicate names a class's instances from this score on. */
const LABEL_THRESHOLD = 0.35;
/** What a predicate gains by being one that was made for names; never enough alone. */
const KNOWN_PRIOR = 0.5;
const NAME_IN_IRI_PRIOR = 0.15;
const NAME_IN_IRI = /(?:^|[^A-Za-z]|[a-z](?=[A-Z]))(?:label|name|title)$/i;

/** How values of a predicate behave. All shares are 0 to 1. */
export interface TextBehaviour {
  readonly averageLength: number;
  readonly averageWords: number;
  /** Values that are mostly letters. */
  readonly lettersShare: number;
  /** Values of one word with digits or in capitals: codes rather than names. */
  readonly codeShare: number;
  /** Addresses, dates, numbers: text by datatype only. */
  readonly otherShare: number;
  /** Distinct values for each subject; low when many subjects share a value. */
  readonly uniqueness: number;
  /** Values of one subject in one language. */
  readonly perSubject: number;
  readonly languages: ReadonlyMap<string, number>;
}

const OTHER_TEXT =
  /^(?:[^\s@]+@[^\s@]+|[a-z]+:\/\/\S+|www\.\S+|[-+]?\d{1,3}(?:[.,]\d*)?|\d{4}-\d\d(?:-\d\d)?.*|true|false)$/i;
const CODE = /^(?=\S*[\p{N}\p{Lu}])[\p{Lu}\p{N}\p{P}\p{S}]+$|^(?=\S*\p{N})\S+$/u;

/** `null` where the values are not text. */
export function behaviourOf(property: PropertyDraft, sample: ValueSampleRows): TextBehaviour | null {
  const datatype = mainDatatype(property);
  const { literals } = sample;
  if (datatype === null || !isText(datatype) || literals.length === 0) return null;
  const languages = new Map<string, number>();
  let length = 0;
  let words = 0;
  let letters = 0;
  let codes = 0;
  let others = 0;
  for (const literal of literals) {
    const { value } = literal;
    const lang = literal["xml:lang"];
    if (lang !== undefined) languages.set(lang, (languages.get(lang) ?? 0) + 1);
    length += value.length;
    words += value.split(/\s+/).length;
    if (mostlyLetters(value)) letters += 1;
    if (OTHER_TEXT.test(value)) others += 1;
    else if (CODE.test(value)) codes += 1;
  }
  const spoken = Math.max(1, languages.size);
  const subjects = Math.max(1, property.subjects ?? sample.subjectCount);
  const triples = property.subjects === null ? sample.rowCount : literalCount(property);
  const distinct = property.objects ?? distinctCount(literals);
  return {
    averageLength: length / literals.length,
    averageWords: words / literals.length,
    lettersShare: letters / literals.length,
    codeShare: codes / literals.length,
    otherShare: others / literals.length,
    uniqueness: Math.min(1, distinct / subjects, distinct / Math.max(1, triples / spoken)),
    perSubject: triples / spoken / subjects,
    languages,
  };
}

function mostlyLetters(value: string): boolean {
  const letters = value.match(/\p{L}/gu)?.length ?? 0;
  return letters >= 2 && letters * 2 >= value.length;
}

function distinctCount(literals: readonly LiteralTerm[]): number {
  return new Set(literals.map((literal) => `${literal.value}@${literal["xml:lang"] ?? ""}`)).size;
}

/** How much the values of a predicate are like names, 0 to 1, whatever they are for. */
export function nameLikeness(behaviour: TextBehaviour): number {
  const short = clamp((120 - behaviour.averageLength) / 60);
  const phrase = clamp((14 - behaviour.averageWords) / 6);
  const unique = clamp(behaviour.uniqueness / 0.5);
  const single = behaviour.perSubject <= 1.25 ? 1 : behaviour.perSubject <= 2 ? 0.7 : 0.4;
  const lettered = clamp(behaviour.lettersShare * 1.5);
  return (
    short * phrase * unique * single * lettered * (1 - behaviour.otherShare) * (1 - 0.6 * behaviour.codeShare)
  );
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}

/**
 * Decides which predicates name their subjects and which give other names, by how their values behave: literal, short,
 * nearly unique and nearly everywhere in a class. That an IRI is a known one counts as a prior only.
 */
export function chooseNamePredicates(
  draft: ProfileDraft,
  behaviours: ReadonlyMap<string, TextBehaviour>,
): void {
  const named = new Map<string, number>();
  const comments = new Set(COMMENT_PREDICATES);
  for (const [domain, candidates] of coverages(draft, behaviours)) {
    const instances = draft.classes.get(domain)?.direct ?? 1;
    let best: { iri: string; score: number; covered: number } | null = null;
    for (const [iri, coverage] of candidates) {
      const behaviour = behaviours.get(iri);
      if (behaviour === undefined || comments.has(iri) || KNOWN_ALTERNATIVE_PREDICATES.has(iri)) continue;
      const score = labelScore(iri, coverage, behaviour);
      if (score < LABEL_THRESHOLD) continue;
      const better = best === null || score > best.score || (score === best.score && iri < best.iri);
      if (better) best = { iri, score, covered: coverage * instances };
    }
    if (best !== null) named.set(best.iri, (named.get(best.iri) ?? 0) + best.covered * best.score);
  }
  const labels = [...named].sort(([a, n], [b, m]) => m - n || compareText(a, b)).map(([iri]) => iri);
  draft.labelPredicates = labels.slice(0, MAX_LABEL_PREDICATES);
  draft.alternativePredicates = alternatives(draft, behaviours, comments);
  for (const iri of draft.labelPredicates) {
    for (const [lang, count] of behaviours.get(iri)?.languages ?? []) {
      const weight = (count * (draft.properties.get(iri)?.count ?? 1)) / 1_000;
      draft.languages.set(lang, (draft.languages.get(lang) ?? 0) + weight);
    }
  }
}

function labelScore(iri: string, coverage: number, behaviour: TextBehaviour): number {
  const likeness = nameLikeness(behaviour);
  if (likeness < 0.08) return 0;
  const prior = KNOWN_LABEL_PREDICATES.has(iri) ? KNOWN_PRIOR : NAME_IN_IRI.test(iri) ? NAME_IN_IRI_PRIOR : 0;
  return likeness * coverage + prior * Math.min(1, coverage * 2);
}

/** Class → text predicate → share of its instances that have it. Data without classes count as one class. */
function coverages(
  draft: ProfileDraft,
  behaviours: ReadonlyMap<string, TextBehaviour>,
): Map<string, Map<string, number>> {
  const result = new Map<string, Map<string, number>>();
  for (const [domain, links] of linksByDomain(draft)) {
    if (isMetaClass(domain) && !draft.ontology) continue;
    const instances = Math.max(1, draft.classes.get(domain)?.direct ?? 1);
    const shares = new Map<string, number>();
    for (const { property, kind, count } of links) {
      const behaviour = behaviours.get(property);
      if (behaviour === undefined || !isText(kind)) continue;
      const spoken = Math.max(1, behaviour.languages.size, behaviour.perSubject);
      shares.set(property, Math.min(1, (shares.get(property) ?? 0) + count / spoken / instances));
    }
    result.set(domain, shares);
  }
  if (result.size > 0) return result;
  const most = Math.max(1, ...[...draft.properties.values()].map((property) => property.subjects ?? 0));
  const shares = new Map<string, number>();
  for (const iri of behaviours.keys()) shares.set(iri, (draft.properties.get(iri)?.subjects ?? 0) / most);
  return result.set("", shares);
}

function alternatives(
  draft: ProfileDraft,
  behaviours: ReadonlyMap<string, TextBehaviour>,
  comments: ReadonlySet<string>,
): string[] {
  const labels = new Set(draft.labelPredicates);
  const scored: { iri: string; score: number }[] = [];
  for (const [iri, behaviour] of behaviours) {
    if (labels.has(iri) || comments.has(iri)) continue;
    const known = KNOWN_ALTERNATIVE_PREDICATES.has(iri) || KNOWN_LABEL_PREDICATES.has(iri);
    const score = alternativeScore(draft.properties.get(iri), behaviour);
    if (known || score > 0) scored.push({ iri, score: score + (known ? 1 : 0) });
  }
  scored.sort((a, b) => b.score - a.score || compareText(a.iri, b.iri));
  return scored.slice(0, MAX_ALTERNATIVE_PREDICATES).map(({ iri }) => iri);
}

/** Short strings that few subjects share: symbols, codes, other names. Zero for anything else. */
function alternativeScore(property: PropertyDraft | undefined, behaviour: TextBehaviour): number {
  if (property === undefined || literalCount(property) < 0.9 * property.count) return 0;
  if (behaviour.averageLength > 40 || behaviour.averageLength < 2 || behaviour.averageWords > 5) return 0;
  if (behaviour.otherShare > 0.3 || behaviour.uniqueness < 0.5) return 0;
  // A handful of distinct values is a list of values, however unique each of them is.
  if ((property.objects ?? property.count) < 5) return 0;
  return behaviour.uniqueness * (1 - behaviour.averageLength / 80);
}
