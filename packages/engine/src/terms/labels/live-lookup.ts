import type { Executor } from "../../executor.js";
import type { LabelHit } from "../../labels.js";
import type { SchemaProfile } from "../../profile.js";
import { type Inquiry, iriIn, openInquiry } from "../../schema/inquiry.js";
import { iriList, literalText } from "../../schema/sparql-terms.js";
import { foldText } from "../fold.js";

/** An endpoint's answer comes while somebody types or waits for a query: later ones only fill the cache. */
const DEADLINE_MS = { autocomplete: 800, link: 2_000 } as const;
const MAX_TEXTS = 24;
const MAX_TEXT_CHARACTERS = 100;
const MAX_TEXT_WORDS = 8;
const MAX_PREDICATES = 6;
const MAX_LANGUAGES = 3;
const MAX_ROWS = 300;
const MAX_HITS = 10;
const MAX_CACHED = 2_000;
const MAX_AGE_MS = 10 * 60_000;
/** Questions under way at once; beyond them the index answers alone. */
const MAX_RUNNING = 2;

export interface LiveLookup {
  /** Entities that are named exactly so; texts that were not (or not in time) found out are absent. */
  find(
    texts: readonly string[],
    mode: keyof typeof DEADLINE_MS,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly LabelHit[]>>;
}

/** Asks an endpoint for names that its index does not hold: exact ones in their usual spellings, nothing else. */
export function createLiveLookup(executor: Executor, profile: SchemaProfile): LiveLookup {
  const cache = new Map<string, { readonly hits: readonly LabelHit[]; readonly until: number }>();
  const predicates = [...profile.labelPredicates, ...profile.alternativePredicates].slice(0, MAX_PREDICATES);
  const languages = [...new Set(["en", ...profile.languages])].slice(0, MAX_LANGUAGES);
  let running = 0;

  const cached = (text: string): readonly LabelHit[] | undefined => {
    const known = cache.get(text);
    return known !== undefined && known.until > performance.now() ? known.hits : undefined;
  };
  const keep = (text: string, hits: readonly LabelHit[]) => {
    cache.delete(text);
    cache.set(text, { hits, until: performance.now() + MAX_AGE_MS });
    for (const oldest of cache.keys()) {
      if (cache.size <= MAX_CACHED) break;
      cache.delete(oldest);
    }
  };

  return {
    async find(texts, mode, signal) {
      const found = new Map<string, readonly LabelHit[]>();
      const open = new Set<string>();
      for (const text of texts) {
        const hits = cached(text);
        if (hits !== undefined) found.set(text, hits);
        else if (worthAsking(text)) open.add(text);
      }
      if (open.size === 0 || predicates.length === 0 || running >= MAX_RUNNING) return found;
      running += 1;
      try {
        using inquiry = openInquiry({ executor, budgetMs: DEADLINE_MS[mode], signal });
        const asked = [...open].sort((a, b) => promise(b) - promise(a)).slice(0, MAX_TEXTS);
        for (const [text, hits] of (await ask(inquiry, asked, predicates, languages)) ?? []) {
          keep(text, hits);
          found.set(text, hits);
        }
      } catch (error) {
        // An endpoint that cannot be asked now takes nothing from what the index holds.
        if (signal.aborted) throw error;
      } finally {
        running -= 1;
      }
      return found;
    },
  };
}

function worthAsking(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed.length < 2 || trimmed.length > MAX_TEXT_CHARACTERS || !/[\p{L}\p{N}]/u.test(trimmed))
    return false;
  return trimmed.split(/\s+/).length <= MAX_TEXT_WORDS;
}

/** Names are written with capitals and digits, and long texts that are names leave least to guess. */
function promise(text: string): number {
  return (/\p{Lu}/u.test(text) ? 100 : 0) + (/\p{N}/u.test(text) ? 50 : 0) + Math.min(text.length, 49);
}

async function ask(
  inquiry: Inquiry,
  texts: readonly string[],
  predicates: readonly string[],
  languages: readonly string[],
): Promise<Map<string, LabelHit[]> | null> {
  const literals: string[] = [];
  for (const text of texts) {
    for (const spelling of spellings(text.trim())) {
      literals.push(literalText(spelling), ...languages.map((lang) => literalText(spelling, lang)));
    }
  }
  const answer = await inquiry.ask({
    text: `SELECT ?s ?p ?o ?c WHERE { { SELECT ?s ?p ?o WHERE { VALUES ?o { ${literals.join(" ")} } VALUES ?p { ${iriList(predicates)} } ?s ?p ?o FILTER(isIRI(?s)) } LIMIT ${MAX_ROWS} } OPTIONAL { ?s a ?c } } LIMIT ${MAX_ROWS * 4}`,
    variables: ["s", "p", "o", "c"],
    maxRows: MAX_ROWS * 4,
    timeoutMs: inquiry.remainingMs(),
  });
  if (answer === null) return null;
  const byText = new Map<string, Map<string, { hit: LabelHit; classes: Set<string> }>>();
  for (const row of answer.rows) {
    const iri = iriIn(row, "s");
    const name = row.o;
    const rank = predicates.indexOf(iriIn(row, "p") ?? "");
    if (iri === null || name?.type !== "literal" || rank < 0) continue;
    const folded = foldText(name.value);
    const entities = byText.get(folded) ?? new Map();
    byText.set(folded, entities);
    const known = entities.get(iri) ?? { hit: hitOf(iri, name.value, rank), classes: new Set<string>() };
    const ofClass = iriIn(row, "c");
    if (ofClass !== null) known.classes.add(ofClass);
    entities.set(iri, known);
  }
  const found = new Map<string, LabelHit[]>();
  for (const text of texts) {
    const hits = [...(byText.get(foldText(text))?.values() ?? [])].map(({ hit, classes }) => ({
      ...hit,
      classes: [...classes].sort(),
    }));
    found.set(text, hits.sort((a, b) => b.score - a.score || (a.iri < b.iri ? -1 : 1)).slice(0, MAX_HITS));
  }
  return found;
}

function hitOf(iri: string, label: string, rank: number): LabelHit {
  // A little below what the index holds: nothing is known of how often the entity is referred to.
  return {
    iri,
    label,
    matched: label,
    kind: "entity",
    classes: [],
    score: rank === 0 ? 0.95 : 0.9,
    match: "exact",
  };
}

/** A literal matches letter by letter, so the usual ways of writing a name are asked for together. */
function spellings(text: string): Set<string> {
  const lower = text.toLowerCase();
  const first = lower.charAt(0).toUpperCase() + lower.slice(1);
  const title = lower.replace(/(?<![\p{L}\p{N}'’])\p{L}/gu, (letter) => letter.toUpperCase());
  return new Set([text, lower, first, title, text.toUpperCase()]);
}
