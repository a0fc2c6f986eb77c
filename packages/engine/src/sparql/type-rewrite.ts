import type { Pattern, PatternBgp } from "@traqula/rules-sparql-1-2";
import type { SchemaProfile } from "../profile.js";
import type { NameScope } from "./names.js";
import { type PlainTriple, plainTriples, rangeOfPattern } from "./plain-triples.js";
import { visibleVariables } from "./scope.js";
import { mentionedVariables, type ParsedQuery, rangeOf, type TextEdit } from "./syntax.js";

/** A pattern has to promise so many times fewer matches than a class has instances to be worth a rewrite. */
const SELECTIVITY = 4;
/** Matches of a pattern with a constant, where no profile tells. */
const GUESS = { withSubject: 10, withObject: 100 } as const;
/** Instances of a class that the profile does not count. */
const UNKNOWN_CLASS_COUNT = 1_000_000;

interface Counts {
  /** Instances; `null` when not known. */
  classCount(iri: string): number;
  /** How many matches a pattern has, as far as its constants and the profile tell; infinite when nothing does. */
  matches(triple: PlainTriple): number;
}

function createCounts(profile: SchemaProfile | undefined): Counts {
  const classes = new Map(profile?.classes.map((entry) => [entry.iri, entry.count]));
  const properties = new Map(profile?.properties.map((entry) => [entry.iri, entry]));
  const classCount = (iri: string) =>
    classes.get(iri) ?? (profile?.complete === true ? 0 : UNKNOWN_CLASS_COUNT);
  return {
    classCount,
    matches(triple) {
      if (triple.classIri !== null) return classCount(triple.classIri);
      const property = triple.predicateIri === null ? undefined : properties.get(triple.predicateIri);
      if (triple.subjectIsGiven)
        return property ? property.count / Math.max(1, property.distinctSubjects) : GUESS.withSubject;
      if (triple.objectIsGiven)
        return property ? property.count / Math.max(1, property.distinctObjects) : GUESS.withObject;
      return property === undefined || triple.isPath ? Number.POSITIVE_INFINITY : property.count;
    },
  };
}

/** The fewest matches among the patterns that `start` is connected with, over shared variables. */
function fewestConnected(start: string, triples: readonly PlainTriple[], counts: Counts): number {
  const reached = new Set([start]);
  let waiting = [...triples];
  let fewest = Number.POSITIVE_INFINITY;
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter((triple) => {
      if (![...triple.links].some((link) => reached.has(link))) return true;
      for (const link of triple.links) reached.add(link);
      fewest = Math.min(fewest, counts.matches(triple));
      return false;
    });
  }
  return fewest;
}

/** Patterns beyond this are left as they are: the search for connections is quadratic. */
const MAX_TRIPLES = 200;

/** The `?x a Class` patterns to be turned into filters, the biggest classes first. */
function rewritable(triples: readonly PlainTriple[], counts: Counts): ReadonlySet<PlainTriple> {
  const chosen = new Set<PlainTriple>();
  if (triples.length > MAX_TRIPLES) return chosen;
  const typed = triples.flatMap((triple) =>
    triple.classIri === null ? [] : [{ triple, count: counts.classCount(triple.classIri) }],
  );
  for (const { triple, count } of typed.sort((left, right) => right.count - left.count)) {
    const link = `?${triple.subjectVariable}`;
    const rest = triples.filter((other) => other !== triple && !chosen.has(other));
    const isBoundElsewhere = rest.some((other) => !other.isPath && other.links.has(link));
    if (isBoundElsewhere && fewestConnected(link, rest, counts) * SELECTIVITY <= count) chosen.add(triple);
  }
  return chosen;
}

interface PlacedPattern {
  readonly pattern: PatternBgp;
  /** Variables that have a value already when the engine comes to this pattern. */
  readonly given: ReadonlySet<string>;
}

const NOTHING_GIVEN: ReadonlySet<string> = new Set();

function bindsSurely(pattern: Pattern): boolean {
  return pattern.type === "pattern" && ["bgp", "values", "bind"].includes(pattern.subType);
}

function sharedWith(pattern: Pattern, before: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...mentionedVariables(pattern)].filter((name) => before.has(name)));
}

/**
 * All basic graph patterns of the default graph: not those in GRAPH, SERVICE, EXISTS or of a short CONSTRUCT.
 * An OPTIONAL is evaluated for each row of what stands before it.
 */
function placedPatterns(patterns: readonly Pattern[], given: ReadonlySet<string>): PlacedPattern[] {
  const placed: PlacedPattern[] = [];
  const before = new Set(given);
  for (const pattern of patterns) {
    if (pattern.type === "query") placed.push(...placedPatterns(pattern.where.patterns, NOTHING_GIVEN));
    else if (pattern.subType === "bgp") placed.push({ pattern, given });
    else if (pattern.subType === "optional")
      placed.push(...placedPatterns(pattern.patterns, sharedWith(pattern, before)));
    else if (pattern.subType === "group" || pattern.subType === "union" || pattern.subType === "minus")
      placed.push(...placedPatterns(pattern.patterns, NOTHING_GIVEN));
    if (bindsSurely(pattern)) for (const name of visibleVariables([pattern])) before.add(name);
  }
  return placed;
}

/**
 * Edits that turn `?x a Class` into `FILTER EXISTS { ?x a Class }` where another pattern that is connected with
 * `?x` has far fewer matches: a planner that always begins with the type then begins there.
 *
 * The rows stay the same, and as many: another triple pattern of the same basic graph pattern binds `?x` in every
 * solution, and the default graph is a set, so that the type pattern matches once or not at all. The latter
 * does not hold of a union of graphs: nothing is done for a query with FROM, and the caller does not ask for it where
 * the default graph is a union.
 */
export function typeRewriteEdits(
  parsed: ParsedQuery,
  profile: SchemaProfile | undefined,
  names: NameScope,
): readonly TextEdit[] {
  if (parsed.ast.datasets.clauses.length > 0) return [];
  const counts = createCounts(profile);
  // The short form of CONSTRUCT, whose pattern is its template, has a WHERE without a place of its own.
  const where = parsed.ast.where;
  if (where === undefined || rangeOf(where) === null) return [];
  return placedPatterns(where.patterns, NOTHING_GIVEN).flatMap(({ pattern, given }) => {
    const range = rangeOfPattern(parsed.tokens, pattern);
    const triples = plainTriples(parsed, pattern, names, given);
    if (range === null || triples === null) return [];
    const chosen = rewritable(triples, counts);
    if (chosen.size === 0) return [];
    const write = (triple: PlainTriple) => `${triple.subject} ${triple.predicate} ${triple.object}`;
    const kept = triples.filter((triple) => !chosen.has(triple)).map((triple) => `${write(triple)} .`);
    const filters = [...chosen].map((triple) => `FILTER EXISTS { ${write(triple)} }`);
    return [{ ...range, replacement: [...kept, ...filters].join(" ") }];
  });
}
