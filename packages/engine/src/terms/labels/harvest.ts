import type { Executor } from "../../executor.js";
import { EngineFailure, toEngineFailure } from "../../failure.js";
import type { SchemaProfile } from "../../profile.js";
import type { Binding } from "../../rdf.js";
import { iriList, iriText } from "../../schema/sparql-terms.js";
import { isText } from "../../schema/vocabulary.js";
import type { LabelWorker } from "./label-worker.js";
import type { BuildMessage, NameRole } from "./messages.js";

/** Rows of one message to the worker. */
const BATCH_ROWS = 5_000;
const MAX_HARVEST_BYTES = 256 * 1024 * 1024;
/** Harvests of so many names and typed nodes read each predicate whole; larger ones take a share of every class. */
const WHOLE_FACTOR = 4;
const MIN_CLASS_SHARE = 500;
const MAX_CLASS_QUERIES = 300;
const MAX_DEGREES = 20_000;
const MAX_DEGREE_TRIPLES = 2_000_000;
/** An endpoint that gives fewer rows than it counted has cut them. */
const WHOLE_SHARE = 0.95;

/** One query whose rows become names, classes or degrees of entities. */
interface Reap {
  readonly text: string;
  readonly variables: readonly string[];
  readonly maxRows: number;
  /** Rows that a whole answer has at least; 0 where that is not known. */
  readonly expected: number;
  /** Whether names are missing when rows are; degrees only order what is there. */
  readonly namesThings: boolean;
  readonly batch: (rows: readonly Binding[]) => BuildMessage;
}

export interface HarvestOptions {
  readonly executor: Executor;
  readonly profile: SchemaProfile;
  readonly maxNames: number;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
  readonly worker: LabelWorker;
  readonly onProgress: (progress: { readonly fraction: number; readonly message: string }) => void;
}

/** Reads the names of an endpoint's entities into the worker. Gives whether names are missing: cut, late or refused. */
export async function harvestNames(options: HarvestOptions): Promise<boolean> {
  const { profile, maxNames, budgetMs, signal, onProgress } = options;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), budgetMs);
  const forward = () => deadline.abort();
  signal.addEventListener("abort", forward, { once: true });
  const endsAt = performance.now() + budgetMs;
  let missing = false;
  try {
    const reaps = plan(profile, maxNames);
    for (const [at, reap] of reaps.entries()) {
      if (signal.aborted)
        throw new EngineFailure("query_cancelled", "The making of the label index was cancelled.");
      const leftMs = endsAt - performance.now();
      if (leftMs < 1) return true;
      onProgress({ fraction: at / reaps.length, message: "Collecting names" });
      const { rowCount, cut, full } = await reapRows(options, reap, Math.ceil(leftMs), deadline.signal);
      if (reap.namesThings) missing ||= cut || full || rowCount < reap.expected * WHOLE_SHARE;
      if (full) return true;
    }
    return missing;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", forward);
  }
}

async function reapRows(
  { executor, worker, signal }: HarvestOptions,
  reap: Reap,
  timeoutMs: number,
  deadline: AbortSignal,
): Promise<{ rowCount: number; cut: boolean; full: boolean }> {
  let open: Binding[] = [];
  let rowCount = 0;
  let cut = true;
  let full = false;
  const flush = async () => {
    const batch = reap.batch(open);
    open = [];
    const reply = await worker.request({ type: "build", batch }, signal);
    if (reply.type === "built") full = reply.full;
  };
  const query = { text: reap.text, form: "select", variables: reap.variables, windowable: false } as const;
  const limits = { maxRows: reap.maxRows, maxBytes: MAX_HARVEST_BYTES, timeoutMs, signal: deadline };
  try {
    for await (const event of executor.execute(query, limits)) {
      if (event.kind === "rows") {
        for (const row of event.rows) open.push(row);
        rowCount += event.rows.length;
        if (open.length >= BATCH_ROWS) await flush();
        if (full) break;
      } else if (event.kind === "end") cut = event.completeness.status !== "complete";
    }
  } catch (error) {
    // What one query could not give is missing from the index, which says so; a cancelled harvest ends.
    if (signal.aborted) throw toEngineFailure(error);
    cut = true;
  }
  if (open.length > 0 && !full) await flush();
  return { rowCount, cut, full };
}

function plan(profile: SchemaProfile, maxNames: number): Reap[] {
  const counts = new Map(profile.properties.map((property) => [property.iri, property.count]));
  let names = 0;
  for (const iri of [...profile.labelPredicates, ...profile.alternativePredicates])
    names += counts.get(iri) ?? 0;
  let typed = 0;
  for (const { directCount } of profile.classes) typed += directCount;
  const small = profile.tripleCount !== null && names <= maxNames && typed <= maxNames * WHOLE_FACTOR;
  const entities = small ? wholeReaps(profile, counts, maxNames) : classReaps(profile, maxNames);
  return [...entities, ...degreeReaps(profile)];
}

function wholeReaps(profile: SchemaProfile, counts: ReadonlyMap<string, number>, maxNames: number): Reap[] {
  const reaps: Reap[] = [];
  const whole = (iris: readonly string[], role: NameRole) => {
    for (const [rank, iri] of iris.entries()) {
      const text = iriText(iri);
      if (text === null) continue;
      const pattern = `?s ${text} ?o FILTER(isIRI(?s) && isLiteral(?o))`;
      reaps.push(nameReap(`${pattern} }`, { role, rank, maxRows: maxNames, expected: 0 }));
    }
  };
  whole(profile.labelPredicates, "label");
  reaps.push(classesReap(profile, maxNames));
  whole(profile.alternativePredicates, "alternative");
  for (const [rank, path] of profile.labelPaths.entries()) {
    const pattern = pathPattern(path.link, path.label);
    if (pattern !== null && (counts.get(path.link) ?? 0) <= maxNames) {
      reaps.push(nameReap(`${pattern} }`, { role: "path", rank, maxRows: maxNames, expected: 0 }));
    }
  }
  return reaps;
}

function pathPattern(link: string, label: string): string | null {
  const first = iriText(link);
  const second = iriText(label);
  if (first === null || second === null) return null;
  return `?s ${first} ?node . ?node ${second} ?o FILTER(isIRI(?s) && isLiteral(?o))`;
}

/** Every class gets a share, the smallest first: what they leave over is for the larger ones. */
function classReaps(profile: SchemaProfile, maxNames: number): Reap[] {
  const pairs: { domain: string; predicate: string; role: NameRole; rank: number; count: number }[] = [];
  for (const link of profile.links) {
    if (link.datatype === null || !isText(link.datatype)) continue;
    const rank = profile.labelPredicates.indexOf(link.property);
    const other = profile.alternativePredicates.indexOf(link.property);
    if (rank < 0 && other < 0) continue;
    const role = rank >= 0 ? "label" : "alternative";
    pairs.push({
      domain: link.domain,
      predicate: link.property,
      role,
      rank: Math.max(rank, other),
      count: link.count,
    });
  }
  // Labels of all classes come before other names of any.
  pairs.sort((a, b) => (a.role === b.role ? a.count - b.count : a.role === "label" ? -1 : 1));
  const reaps: Reap[] = [];
  let left = maxNames;
  for (const [at, { domain, predicate, role, rank, count }] of pairs.slice(0, MAX_CLASS_QUERIES).entries()) {
    const domainText = iriText(domain);
    const predicateText = iriText(predicate);
    if (domainText === null || predicateText === null || left <= 0) continue;
    const share = Math.max(
      MIN_CLASS_SHARE,
      Math.floor(left / (Math.min(pairs.length, MAX_CLASS_QUERIES) - at)),
    );
    const maxRows = Math.min(share, left);
    left -= Math.min(maxRows, count);
    const pattern = `?s a ${domainText} ; ${predicateText} ?o FILTER(isIRI(?s) && isLiteral(?o))`;
    reaps.push(nameReap(`${pattern} } LIMIT ${maxRows}`, { role, rank, maxRows, expected: count, domain }));
  }
  return reaps;
}

interface NameReap {
  readonly role: NameRole;
  readonly rank: number;
  readonly maxRows: number;
  readonly expected: number;
  /** The class of all nodes, where the pattern asks for one. */
  readonly domain?: string;
}

/** `pattern`: what stands after the opening brace, the closing one and a LIMIT included. */
function nameReap(pattern: string, { role, rank, maxRows, expected, domain }: NameReap): Reap {
  return {
    text: `SELECT ?s ?o WHERE { ${pattern}`,
    variables: ["s", "o"],
    maxRows,
    expected,
    namesThings: true,
    batch: (rows) => ({
      type: "names",
      role,
      rank,
      iris: rows.map((row) => textOf(row, "s")),
      texts: rows.map((row) => textOf(row, "o")),
      langs: rows.map((row) => (row.o?.type === "literal" ? (row.o["xml:lang"] ?? "") : "")),
      ...(domain === undefined ? undefined : { class: domain }),
    }),
  };
}

function textOf(row: Binding, variable: string): string {
  const term = row[variable];
  return term === undefined || term.type === "triple" ? "" : term.value;
}

function classesReap(profile: SchemaProfile, maxNames: number): Reap {
  const naming = new Set([...profile.labelPredicates, ...profile.alternativePredicates]);
  const named = new Set<string>();
  for (const { domain, property, datatype } of profile.links) {
    if (datatype !== null && naming.has(property)) named.add(domain);
  }
  const passed = new Set(profile.valueNodes.map((node) => node.class));
  const known = new Set(profile.classes.map(({ iri }) => iri));
  const nameless = [...known].filter((iri) => !named.has(iri) && !passed.has(iri));
  return {
    text: "SELECT ?s ?c WHERE { ?s a ?c FILTER(isIRI(?s)) }",
    variables: ["s", "c"],
    maxRows: maxNames * WHOLE_FACTOR,
    expected: 0,
    namesThings: nameless.length > 0,
    batch: (rows) => {
      const kept = rows.filter((row) => known.has(textOf(row, "c")));
      return {
        type: "classes",
        iris: kept.map((row) => textOf(row, "s")),
        classes: kept.map((row) => textOf(row, "c")),
        nameless,
      };
    },
  };
}

/** How often entities are the object of a triple: what is referred to most is meant most. */
function degreeReaps(profile: SchemaProfile): Reap[] {
  const linking = profile.properties.filter((property) => property.kind !== "literal");
  const triples = linking.reduce((sum, property) => sum + property.count, 0);
  if (linking.length === 0 || profile.tripleCount === null || triples > MAX_DEGREE_TRIPLES) return [];
  return [
    {
      text: `SELECT ?o (COUNT(*) AS ?n) WHERE { VALUES ?p { ${iriList(linking.map(({ iri }) => iri))} } ?s ?p ?o FILTER(isIRI(?o)) } GROUP BY ?o HAVING (COUNT(*) > 1) ORDER BY DESC(?n) ?o LIMIT ${MAX_DEGREES}`,
      variables: ["o", "n"],
      maxRows: MAX_DEGREES,
      expected: 0,
      namesThings: false,
      batch: (rows) => ({
        type: "degrees",
        iris: rows.map((row) => textOf(row, "o")),
        degrees: rows.map((row) => Number(textOf(row, "n"))),
      }),
    },
  ];
}
