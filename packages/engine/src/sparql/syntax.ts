import type { Query, TermVariable } from "@traqula/rules-sparql-1-2";

/** A token of the text, without white space and comments. `name` is the grammar's, such as `Var1` or `RCurly`. */
export interface SparqlToken {
  readonly name: string;
  readonly image: string;
  /** Offset of the first character. */
  readonly start: number;
  /** Offset after the last character. */
  readonly end: number;
}

/** A query that parsed. All offsets are those of `text`. */
export interface ParsedQuery {
  readonly text: string;
  readonly tokens: readonly SparqlToken[];
  readonly ast: Query;
  /** Prefixes that the text uses without declaring them, in their order. All of them are in the given table. */
  readonly missingPrefixes: readonly string[];
}

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Where a node stands in the text; `null` for what has no text of its own (a subject repeated by `;`). */
export function rangeOf(node: { readonly loc: object }): TextRange | null {
  const { loc } = node;
  const inText = "sourceLocationType" in loc && loc.sourceLocationType === "source";
  if (!inText || !("start" in loc) || !("end" in loc)) return null;
  return typeof loc.start === "number" && typeof loc.end === "number"
    ? { start: loc.start, end: loc.end }
    : null;
}

/** What every node of the tree has; narrow by `type` and `subType`. */
export interface AnyNode {
  readonly type: string;
  readonly subType?: string;
  readonly loc: object;
}

function isNode(value: object): value is AnyNode {
  return "type" in value && typeof value.type === "string" && "loc" in value;
}

/**
 * Calls `enter` for every node under `root` (itself included), parents first. A node for which it returns
 * `false` keeps its children to itself. Uses a stack of its own: a sum of 40,000 terms is 40,000 nodes deep.
 */
export function visitNodes(root: unknown, enter: (node: AnyNode) => boolean | undefined): void {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value) && isNode(value) && enter(value) === false) continue;
    const keys = Object.keys(value);
    for (let index = keys.length - 1; index >= 0; index -= 1) {
      const key = keys[index] ?? "";
      const child: unknown = key === "loc" ? undefined : Reflect.get(value, key);
      if (typeof child === "object" && child !== null) pending.push(child);
    }
  }
}

export function isVariable(node: AnyNode): node is TermVariable {
  return node.type === "term" && node.subType === "variable";
}

/** The names of all variables that are mentioned under a node, subqueries and EXISTS included. */
export function mentionedVariables(root: unknown): Set<string> {
  const names = new Set<string>();
  visitNodes(root, (node) => {
    if (isVariable(node)) names.add(node.value);
    return true;
  });
  return names;
}

export interface TextEdit extends TextRange {
  readonly replacement: string;
}

/** Applies edits that do not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = "";
  let position = 0;
  for (const edit of [...edits].sort((left, right) => left.start - right.start)) {
    result += text.slice(position, edit.start) + edit.replacement;
    position = edit.end;
  }
  return result + text.slice(position);
}
