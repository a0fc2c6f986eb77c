import type { Pattern, PatternBgp, QuerySelect } from "@traqula/rules-sparql-1-2";
import type { QueryWarning } from "../answer-events.js";
import { LIMITS } from "../limits.js";
import { placeAt } from "./places.js";
import { valuesVariables, visibleVariables } from "./scope.js";
import {
  type AnyNode,
  isVariable,
  mentionedVariables,
  type ParsedQuery,
  rangeOf,
  visitNodes,
} from "./syntax.js";
import { hasAggregate } from "./windows.js";

/** Something that a group joins, by what it has in common with others. */
interface Part {
  /** Variables as `?x`, blank nodes as `_:b`, a constant subject as `<iri>`. */
  readonly links: ReadonlySet<string>;
  /** Whether it may have many rows; a BIND, a FILTER or a few VALUES only connect. */
  readonly many: boolean;
  readonly offset: number;
}

function variableLinks(names: Iterable<string>): Set<string> {
  return new Set([...names].map((name) => `?${name}`));
}

function bgpParts(pattern: PatternBgp): Part[] {
  return pattern.triples.map((entry) => {
    const links = new Set<string>();
    visitNodes(entry, (node) => {
      if (node.type !== "term" || !("value" in node || "label" in node)) return true;
      if (node.subType === "variable" && "value" in node) links.add(`?${node.value}`);
      if (node.subType === "blankNode" && "label" in node) links.add(`_:${node.label}`);
      return true;
    });
    // Two attributes of one named thing are no product that would surprise anybody.
    if (entry.type === "triple" && entry.subject.type === "term" && entry.subject.subType === "namedNode")
      links.add(`<${"prefix" in entry.subject ? entry.subject.prefix : ""}:${entry.subject.value}>`);
    const many = [...links].some((link) => link.startsWith("?") || link.startsWith("_:"));
    return { links, many, offset: rangeOf(entry)?.start ?? rangeOf(pattern)?.start ?? 0 };
  });
}

function givesOneRow(query: QuerySelect): boolean {
  const { group, limitOffset } = query.solutionModifiers;
  return limitOffset?.limit === 1 || (group === undefined && hasAggregate(query.variables));
}

/** All variables that a pattern mentions, of a subquery only those that it gives. */
function connecting(pattern: Pattern): Set<string> {
  const names = new Set<string>();
  visitNodes(pattern, (node) => {
    if (isVariable(node)) names.add(node.value);
    if (node.type !== "query") return true;
    for (const name of visibleVariables([node as QuerySelect])) names.add(name);
    return false;
  });
  return names;
}

function partsOf(pattern: Pattern): Part[] {
  const offset = rangeOf(pattern)?.start ?? 0;
  if (pattern.type === "query") {
    return [{ links: variableLinks(visibleVariables([pattern])), many: !givesOneRow(pattern), offset }];
  }
  switch (pattern.subType) {
    case "bgp":
      return bgpParts(pattern);
    case "values":
      return [{ links: variableLinks(valuesVariables(pattern)), many: false, offset }];
    case "bind":
    case "filter":
      return [{ links: variableLinks(mentionedVariables(pattern)), many: false, offset }];
    case "minus":
      return [];
    default: {
      // Braces around a subquery are a matter of layout.
      const only =
        pattern.subType === "group" && pattern.patterns.length === 1 ? pattern.patterns[0] : undefined;
      if (only?.type === "query") return partsOf(only);
      return [{ links: variableLinks(connecting(pattern)), many: true, offset }];
    }
  }
}

/** The parts, united where they share a link (disjoint sets, with path halving). */
function components(parts: readonly Part[], outer: Iterable<string>): Part[][] {
  const parent: number[] = [];
  const rootOf = (node: number): number => {
    let root = node;
    for (let next = parent[root] ?? root; next !== root; next = parent[root] ?? root) {
      parent[root] = parent[next] ?? next;
      root = next;
    }
    return root;
  };
  const nodes = new Map<string, number>();
  const connect = (owner: number, link: string) => {
    const other = nodes.get(link);
    if (other === undefined) nodes.set(link, owner);
    else parent[rootOf(other)] = rootOf(owner);
  };
  const outside = parts.length;
  for (let index = 0; index <= parts.length; index += 1) parent.push(index);
  for (const link of variableLinks(outer)) connect(outside, link);
  for (const [index, part] of parts.entries()) for (const link of part.links) connect(index, link);

  const groups = new Map<number, Part[]>();
  for (const [index, part] of parts.entries()) {
    const group = groups.get(rootOf(index));
    if (group === undefined) groups.set(rootOf(index), [part]);
    else group.push(part);
  }
  return [...groups.values()].filter((group) => group.some((part) => part.many));
}

function describe(parts: readonly Part[]): string {
  const names = [...new Set(parts.flatMap((part) => [...part.links]))].filter((link) => link.startsWith("?"));
  return names.length > 4 ? `${names.slice(0, 4).join(", ")}, …` : names.join(", ");
}

function groupWarning(
  text: string,
  patterns: readonly Pattern[],
  outer: ReadonlySet<string>,
): QueryWarning | null {
  const separate = components(patterns.flatMap(partsOf), outer)
    .map((parts) => ({ parts, offset: Math.min(...parts.map((part) => part.offset)) }))
    .filter(({ parts }) => describe(parts) !== "")
    .sort((left, right) => left.offset - right.offset);
  const [first, second] = separate;
  if (first === undefined || second === undefined) return null;
  return {
    code: "cartesian_product",
    message: `The patterns on ${describe(first.parts)} and those on ${describe(second.parts)} share no variable: every row of the one is combined with every row of the other.`,
    ...placeAt(text, second.offset),
  };
}

function nestedGroups(pattern: Pattern): readonly (readonly Pattern[])[] {
  if (pattern.type === "query" || !("patterns" in pattern)) return [];
  return pattern.subType === "union" ? pattern.patterns.map((branch) => branch.patterns) : [pattern.patterns];
}

/**
 * `cartesian_product` where parts of one group have nothing in common. What an outer group binds connects the
 * parts of an inner one: the rows of both are joined. Groups inside EXISTS are not looked at for the same reason.
 */
export function productWarnings({ ast, text }: ParsedQuery): readonly QueryWarning[] {
  const warnings: QueryWarning[] = [];
  const look = (patterns: readonly Pattern[], outer: ReadonlySet<string>): void => {
    const warning = groupWarning(text, patterns, outer);
    if (warning !== null && warnings.length < LIMITS.maxQueryWarnings) warnings.push(warning);
    const visible = patterns.map((pattern) => visibleVariables([pattern]));
    const binderCounts = new Map<string, number>();
    for (const name of visible.flatMap((names) => [...names]))
      binderCounts.set(name, (binderCounts.get(name) ?? 0) + 1);
    for (const [index, pattern] of patterns.entries()) {
      const groups = nestedGroups(pattern);
      if (groups.length === 0) continue;
      // Only what the inner groups mention can connect them.
      const shared = [...mentionedVariables(pattern)].filter((name) => {
        const elsewhere = (binderCounts.get(name) ?? 0) - (visible[index]?.has(name) === true ? 1 : 0);
        return elsewhere > 0 || outer.has(name);
      });
      const others = new Set(shared);
      for (const group of groups) look(group, others);
    }
  };
  visitNodes(ast, (node: AnyNode) => {
    if (node.type === "query") look((node as QuerySelect).where?.patterns ?? [], new Set());
    return node.subType !== "patternOperation";
  });
  return warnings;
}
