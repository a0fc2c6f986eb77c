import type { Quad, Store } from "oxigraph";
import type { Completeness, PreparedQuery } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import { TRIPLE_VARIABLES } from "../../rdf.js";
import { tripleRow } from "./graph-rows.js";
import type { Reply, RowsReply } from "./messages.js";
import { isTrap } from "./parse-failure.js";
import { readResultText } from "./result-text.js";
import { nextWindowRows, type WindowSample } from "./windows.js";

/** One message's worth: parsing it takes the main thread two to three milliseconds. */
const MAX_CHUNK_ROWS = 1_000;
const MAX_CHUNK_CHARACTERS = 256 * 1024;

const COMPLETE: Completeness = { status: "complete" };
const CUT: Completeness = { status: "truncated", reason: "row_limit" };

/**
 * Executes a query step by step: each `next()` does as much of the work as one reply needs. The first rows carry
 * the variables, the last ones the completeness. At most `maxRows` rows are handed out; that there was one
 * more is what makes a result `truncated`.
 */
export function openCursor(
  store: Store,
  query: PreparedQuery,
  maxRows: number,
): Generator<Reply, void, undefined> {
  switch (query.form) {
    case "ask":
      return askReply(store, query);
    case "select":
      return selectReplies(store, query, maxRows);
    case "construct":
    case "describe":
      return graphReplies(store, query, maxRows);
  }
}

function* askReply(store: Store, query: PreparedQuery): Generator<Reply, void, undefined> {
  yield { kind: "boolean", value: run(store, query.text, {}) === true };
}

function* selectReplies(
  store: Store,
  query: PreparedQuery,
  maxRows: number,
): Generator<Reply, void, undefined> {
  const samples: WindowSample[] = [];
  let rowsLeft = maxRows;
  for (;;) {
    const window = query.windowable ? windowRows(samples, rowsLeft) : Number.POSITIVE_INFINITY;
    // On a line of its own: the query may end in a comment.
    const limits = `\nLIMIT ${window} OFFSET ${maxRows - rowsLeft}`;
    const startedAt = performance.now();
    const json = run(store, query.windowable ? query.text + limits : query.text, { results_format: "json" });
    samples.push({ rows: window, elapsedMs: performance.now() - startedAt });
    const result = readResultText(String(json));
    const head = samples.length === 1 ? { variables: columns(query, result.variables) } : {};
    let readRows = 0;
    do {
      const { json: rowsJson, rowCount } = result.take(
        Math.min(MAX_CHUNK_ROWS, rowsLeft),
        MAX_CHUNK_CHARACTERS,
      );
      readRows += rowCount;
      rowsLeft -= rowCount;
      const exhausted = !result.hasMore() && readRows < window;
      const completeness = exhausted ? COMPLETE : result.hasMore() && rowsLeft === 0 ? CUT : null;
      yield { kind: "rows", ...(readRows === rowCount ? head : {}), rowsJson, rowCount, completeness };
      if (completeness !== null) return;
    } while (result.hasMore());
  }
}

/** One row more than may be handed out, where the window reaches that far: it tells whether the result is cut. */
function windowRows(samples: readonly WindowSample[], rowsLeft: number): number {
  const rows = nextWindowRows(samples);
  return rows < rowsLeft ? rows : rowsLeft + 1;
}

/** `SELECT *` lets the store choose an order (it takes the alphabet); their order in the text says more. */
function columns({ variables, text }: PreparedQuery, told: readonly string[]): readonly string[] {
  if (variables !== null) return variables;
  const places = new Map<string, number>();
  for (const match of text.matchAll(/[?$]([\p{L}\p{N}_\u00B7\u203F\u2040\p{M}]+)/gu)) {
    const name = match[1];
    if (name !== undefined && !places.has(name)) places.set(name, match.index);
  }
  const place = (name: string) => places.get(name) ?? Number.POSITIVE_INFINITY;
  return told.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

function* graphReplies(
  store: Store,
  query: PreparedQuery,
  maxRows: number,
): Generator<RowsReply, void, undefined> {
  const quads = run(store, query.text, {}) as Quad[];
  const rowsCount = Math.min(maxRows, quads.length);
  const ending = quads.length > maxRows ? CUT : COMPLETE;
  let sent = 0;
  do {
    const rows: string[] = [];
    let characters = 0;
    for (; sent < rowsCount && rows.length < MAX_CHUNK_ROWS && characters < MAX_CHUNK_CHARACTERS; sent += 1) {
      const quad = quads[sent];
      if (quad === undefined) break;
      const json = JSON.stringify(tripleRow(quad));
      characters += json.length;
      rows.push(json);
    }
    yield {
      kind: "rows",
      ...(sent === rows.length ? { variables: TRIPLE_VARIABLES } : {}),
      rowsJson: `[${rows.join(",")}]`,
      rowCount: rows.length,
      completeness: sent < rowsCount ? null : ending,
    };
  } while (sent < rowsCount);
}

function run(store: Store, text: string, options: { readonly results_format?: string }): unknown {
  try {
    return store.query(text, options);
  } catch (error) {
    if (isTrap(error)) throw error;
    throw refusal(error);
  }
}

/** What the store refuses was wrong in the query; its message may begin with `error at line:column:`. */
function refusal(error: unknown): EngineFailure {
  const message = error instanceof Error ? error.message : String(error);
  const told = /^error at (\d+):(\d+): /.exec(message);
  if (told === null) return new EngineFailure("bad_query", `The store refused the query: ${message}.`);
  const place = { line: Number(told[1]), column: Number(told[2]) };
  return new EngineFailure("bad_query", `The store refused the query: ${message}.`, { place });
}
