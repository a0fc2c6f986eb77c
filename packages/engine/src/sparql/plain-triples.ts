import type { PatternBgp, TripleNesting } from "@traqula/rules-sparql-1-2";
import { RDF } from "../rdf.js";
import type { NameScope } from "./names.js";
import {
  type AnyNode,
  isVariable,
  type ParsedQuery,
  rangeOf,
  type SparqlToken,
  type TextRange,
  visitNodes,
} from "./syntax.js";

/** A triple pattern of one basic graph pattern, with its parts as they are written. */
export interface PlainTriple {
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  /** Links to other patterns: variables and blank nodes. */
  readonly links: ReadonlySet<string>;
  readonly subjectVariable: string | null;
  /** A constant, or a variable that has its value already. */
  readonly subjectIsGiven: boolean;
  readonly objectIsGiven: boolean;
  /** `null` for a variable or a path. */
  readonly predicateIri: string | null;
  readonly isPath: boolean;
  /** The class, where this is `?x a Class`. */
  readonly classIri: string | null;
}

/** Where a pattern stands, with the `;` and `.` after it: the tree's own range ends at its last full stop. */
export function rangeOfPattern(tokens: readonly SparqlToken[], pattern: PatternBgp): TextRange | null {
  const [first, last] = [pattern.triples[0], pattern.triples.at(-1)].map(
    (triple) => triple && rangeOf(triple),
  );
  if (!first || !last) return null;
  let end = last.end;
  let index = tokenIndex(tokens, end);
  for (; tokens[index]?.name === "Semi"; index += 1) end = tokens[index]?.end ?? end;
  if (tokens[index]?.name === "Dot") end = tokens[index]?.end ?? end;
  return { start: first.start, end };
}

/** The triples of a pattern, or `null` where it has more than plain `subject predicate object` in it. */
export function plainTriples(
  { text, tokens }: ParsedQuery,
  pattern: PatternBgp,
  names: NameScope,
  given: ReadonlySet<string>,
): readonly PlainTriple[] | null {
  const triples: PlainTriple[] = [];
  let subject = "";
  let predicate = "";
  let subjectEnd = 0;
  let previousEnd: number | null = null;
  for (const triple of pattern.triples) {
    if (triple.type !== "triple" || (triple.annotations ?? []).length > 0) return null;
    const range = rangeOf(triple);
    const objectRange = rangeOf(triple.object);
    if (range === null || objectRange === null || triple.subject.type !== "term") return null;
    const subjectRange = rangeOf(triple.subject);
    const separator = previousEnd === null ? undefined : tokenFrom(tokens, previousEnd);
    if (subjectRange !== null) {
      subject = text.slice(subjectRange.start, subjectRange.end);
      subjectEnd = subjectRange.end;
      // `[]` is another node each time that it is written.
      if (subject.startsWith("[")) return null;
    }
    if (subjectRange !== null || separator?.name === "Semi") {
      const from = subjectRange === null ? afterSemicolons(tokens, previousEnd ?? 0) : subjectEnd;
      const last = tokens[tokenIndex(tokens, objectRange.start) - 1];
      predicate = text.slice(tokenFrom(tokens, from)?.start ?? from, last?.end ?? from);
    } else if (separator?.name !== "Comma") return null;
    const object = text.slice(objectRange.start, range.end);
    triples.push(plainTriple(triple, { subject, predicate, object }, names, given));
    previousEnd = range.end;
  }
  return triples;
}

/** The index of the first token that begins at `offset` or later. */
function tokenIndex(tokens: readonly SparqlToken[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function tokenFrom(tokens: readonly SparqlToken[], offset: number): SparqlToken | undefined {
  return tokens[tokenIndex(tokens, offset)];
}

function afterSemicolons(tokens: readonly SparqlToken[], offset: number): number {
  let token = tokenFrom(tokens, offset);
  while (token?.name === "Semi") token = tokenFrom(tokens, token.end);
  return token?.start ?? offset;
}

function linksOf(nodes: readonly unknown[]): Set<string> {
  const links = new Set<string>();
  visitNodes(nodes, (node) => {
    if (node.type !== "term") return true;
    if (node.subType === "variable" && "value" in node) links.add(`?${node.value}`);
    if (node.subType === "blankNode" && "label" in node) links.add(`_:${node.label}`);
    return true;
  });
  return links;
}

function isGiven(node: AnyNode, given: ReadonlySet<string>): boolean {
  if (isVariable(node)) return given.has(node.value);
  return node.type === "term" && (node.subType === "namedNode" || node.subType === "literal");
}

function plainTriple(
  triple: TripleNesting,
  written: Pick<PlainTriple, "subject" | "predicate" | "object">,
  names: NameScope,
  given: ReadonlySet<string>,
): PlainTriple {
  const { predicate: verb, subject: from, object: to } = triple;
  const predicateIri = verb.type === "term" && verb.subType === "namedNode" ? names.expand(verb) : null;
  const variable = from.type === "term" && from.subType === "variable" ? from.value : null;
  const isClass = to.type === "term" && to.subType === "namedNode" && predicateIri === `${RDF}type`;
  return {
    ...written,
    links: linksOf([from, to]),
    subjectVariable: variable,
    subjectIsGiven: isGiven(from, given),
    objectIsGiven: isGiven(to, given),
    predicateIri,
    isPath: verb.type === "path",
    classIri: isClass && variable !== null ? names.expand(to) : null,
  };
}
