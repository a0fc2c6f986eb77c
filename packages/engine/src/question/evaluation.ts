import type { Endpoint } from "../endpoint.js";
import type { Executor } from "../executor.js";
import { type EngineFailureCode, toEngineFailure } from "../failure.js";
import type { Draft, GenerationRequest, Generator, Projection } from "../generator.js";
import type { Binding, Term } from "../rdf.js";

/** A development question with the query that answers it. */
export interface GradedQuestion {
  readonly id: string;
  readonly question: string;
  /** The kind of operation that it needs, for grouping the scores. */
  readonly class: string;
  readonly sparql: string;
}

export interface QuestionScore {
  readonly question: GradedQuestion;
  /** Over the pooled set of answer strings of all columns, 0 to 1. */
  readonly f1: number;
  /** The same rows, in any order of rows and columns. */
  readonly exact: boolean;
  readonly elapsedMs: number;
  readonly draft: Draft | null;
  /** Why there is no draft, or why its query failed. */
  readonly failure: EngineFailureCode | null;
}

const MAX_ROWS = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

/** Runs a query whole. A yes-no question gives one row `{boolean}`. */
async function rowsOf(
  executor: Executor,
  sparql: string,
  {
    maxRows = MAX_ROWS,
    timeoutMs = TIMEOUT_MS,
    signal,
  }: { maxRows?: number; timeoutMs?: number; signal: AbortSignal },
): Promise<Binding[]> {
  const form = /^\s*(?:(?:PREFIX|BASE)[^\n]*\n\s*)*ASK\b/i.test(sparql) ? "ask" : "select";
  const query = { text: sparql, form, variables: form === "ask" ? [] : null, windowable: false } as const;
  const rows: Binding[] = [];
  for await (const event of executor.execute(query, { maxRows, maxBytes: MAX_BYTES, timeoutMs, signal })) {
    if (event.kind === "rows") rows.push(...event.rows);
    if (event.kind === "boolean") {
      rows.push({
        boolean: {
          type: "literal",
          value: String(event.value),
          datatype: "http://www.w3.org/2001/XMLSchema#boolean",
        },
      });
    }
  }
  return rows;
}

/** Asks a generator every question and scores what its queries answer against what the graded queries answer. */
export async function evaluate(
  generator: Generator,
  endpoint: Endpoint,
  questions: readonly GradedQuestion[],
  signal: AbortSignal,
  projection: Projection = "answer",
): Promise<QuestionScore[]> {
  const scores: QuestionScore[] = [];
  for (const question of questions) {
    const expected = await rowsOf(endpoint.executor, question.sparql, { signal });
    const startedAt = performance.now();
    let draft: Draft | null = null;
    let elapsedMs = 0;
    try {
      draft = await draftOf(generator, endpoint, question.question, projection, signal);
      elapsedMs = performance.now() - startedAt;
      const found = await rowsOf(endpoint.executor, draft.sparql, { signal });
      scores.push({
        question,
        f1: pooledF1(expected, found),
        exact: sameRows(expected, found),
        elapsedMs,
        draft,
        failure: null,
      });
    } catch (error) {
      elapsedMs ||= performance.now() - startedAt;
      scores.push({ question, f1: 0, exact: false, elapsedMs, draft, failure: toEngineFailure(error).code });
    }
  }
  return scores;
}

async function draftOf(
  generator: Generator,
  endpoint: Endpoint,
  question: string,
  projection: Projection,
  signal: AbortSignal,
): Promise<Draft> {
  const trial: GenerationRequest["trial"] = (sparql, limits) =>
    rowsOf(endpoint.executor, sparql, { ...limits, signal });
  for await (const event of generator.generate({ question, endpoint, projection, signal, trial })) {
    if (event.kind === "draft") return event.draft;
  }
  throw new TypeError("The generator ended without a draft.");
}

function textOf(term: Term): string {
  if (term.type === "triple") return JSON.stringify(term.value);
  const number = term.type === "literal" && term.datatype !== undefined ? Number(term.value) : Number.NaN;
  return Number.isFinite(number) && term.value.trim() !== "" ? String(number) : term.value;
}

/** F1 over the sets of strings in all columns; two empty answers agree. */
export function pooledF1(expected: readonly Binding[], found: readonly Binding[]): number {
  const wanted = pool(expected);
  const given = pool(found);
  if (wanted.size === 0 && given.size === 0) return 1;
  let common = 0;
  for (const text of given) if (wanted.has(text)) common += 1;
  return common === 0 ? 0 : (2 * common) / (wanted.size + given.size);
}

function pool(rows: readonly Binding[]): Set<string> {
  return new Set(rows.flatMap((row) => Object.values(row).map(textOf)));
}

/** Whether two answers have the same rows; names of columns, and the order of rows and columns, do not matter. */
export function sameRows(expected: readonly Binding[], found: readonly Binding[]): boolean {
  return rowKeys(expected) === rowKeys(found);
}

function rowKeys(rows: readonly Binding[]): string {
  const keys = rows.map((row) => JSON.stringify(Object.values(row).map(textOf).sort()));
  return JSON.stringify([...new Set(keys)].sort());
}
