import type { LabelHit, LabelKind } from "../../labels.js";
import type { Name, NameTable, Subject } from "./name-table.js";

/** A link from this score on is worth a place among the answers for the sake of its kind alone. */
const MIN_SCORE_OF_A_KIND = 0.45;

interface RankedName {
  readonly name: Name;
  readonly subject: Subject;
  readonly score: number;
  readonly match: LabelHit["match"];
}

/** Keeps the best names of each kind while they come. */
export interface Ranking {
  add(position: number, score: number, match: LabelHit["match"]): void;
  size(): number;
  /** One name for each subject, best first; `everyKind`: the best of every kind has a place. */
  best(everyKind: boolean): RankedName[];
}

export function createRanking(
  table: NameTable,
  limit: number,
  kinds: ReadonlySet<LabelKind> | null,
): Ranking {
  // A subject may come with several names: room for more than the limit, so that they do not crowd others out.
  const room = limit * 4 + 16;
  const tops = new Map<LabelKind, RankedName[]>();

  return {
    add(position, score, match) {
      const name = table.names[position];
      const subject = name === undefined ? undefined : table.subjects[name.subject];
      if (name === undefined || subject === undefined || (kinds !== null && !kinds.has(subject.kind))) return;
      let top = tops.get(subject.kind);
      if (top === undefined) {
        top = [];
        tops.set(subject.kind, top);
      }
      const last = top[top.length - 1];
      if (top.length >= room && last !== undefined && score < last.score) return;
      const ranked = { name, subject, score, match };
      if (top.length >= room && last !== undefined && compare(ranked, last) >= 0) return;
      let low = 0;
      let high = top.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const other = top[middle];
        if (other !== undefined && compare(other, ranked) <= 0) low = middle + 1;
        else high = middle;
      }
      top.splice(low, 0, ranked);
      if (top.length > room) top.pop();
    },
    size() {
      let size = 0;
      for (const top of tops.values()) size += top.length;
      return size;
    },
    best(everyKind) {
      const bySubject = new Map<Subject, RankedName>();
      for (const ranked of [...tops.values()].flat()) {
        const known = bySubject.get(ranked.subject);
        if (known === undefined || compare(ranked, known) < 0) bySubject.set(ranked.subject, ranked);
      }
      const sorted = [...bySubject.values()].sort(compare);
      return everyKind ? keepKinds(sorted, limit) : sorted.slice(0, limit);
    },
  };
}

/** By score; among equals what is referred to more often, then the shorter name, then a fixed order. */
function compare(a: RankedName, b: RankedName): number {
  return (
    b.score - a.score ||
    b.subject.degree - a.subject.degree ||
    a.name.text.length - b.name.text.length ||
    (a.subject.iri < b.subject.iri ? -1 : a.subject.iri > b.subject.iri ? 1 : 0)
  );
}

function keepKinds(sorted: readonly RankedName[], limit: number): RankedName[] {
  if (sorted.length <= limit) return [...sorted];
  const firsts = new Map<LabelKind, RankedName>();
  for (const ranked of sorted) {
    if (ranked.score >= MIN_SCORE_OF_A_KIND && !firsts.has(ranked.subject.kind))
      firsts.set(ranked.subject.kind, ranked);
  }
  const chosen = new Set([...firsts.values()].sort(compare).slice(0, limit));
  for (const ranked of sorted) {
    if (chosen.size >= limit) break;
    chosen.add(ranked);
  }
  return [...chosen].sort(compare);
}
