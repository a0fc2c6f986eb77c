import type { Executor } from "../executor.js";
import { EngineFailure, toEngineFailure } from "../failure.js";
import type { Binding } from "../rdf.js";

/** Bytes of one answer: generous for rows of statistics, small against an endpoint that floods. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** So many failures in a row that are the endpoint's, not the query's, end the inquiry. */
const MAX_FAILURES_IN_A_ROW = 3;

export interface Question {
  /** A whole SELECT query. */
  readonly text: string;
  readonly variables: readonly string[];
  readonly maxRows: number;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly rows: readonly Binding[];
  /** `false` when rows were cut, or when the endpoint said that it gave up midway: then sums are too low. */
  readonly whole: boolean;
}

export interface InquiryOptions {
  readonly executor: Executor;
  /** For all questions together, waiting in the executor's queue included. */
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

/** Asks an endpoint one question after the other until a common time budget ends. */
export interface Inquiry {
  /**
   * `null` when there is no answer: the budget or the question's own time is over, or the endpoint refuses it.
   * Throws `query_cancelled` when the caller's signal aborts, and the endpoint's failure when it cannot be reached.
   */
  ask(question: Question): Promise<Answer | null>;
  remainingMs(): number;
  /**
   * Whether more than this share of the budget is used: then a step that could go on for long ends, so that the later
   * ones have their part. What it leaves out counts as left out for want of time.
   */
  past(share: number): boolean;
  /** Whether anything was not asked, or was broken off, for want of time. */
  budgetEnded(): boolean;
  [Symbol.dispose](): void;
}

/** Codes by which an endpoint says that it is not there, as opposed to not answering this one question. */
const UNREACHABLE = new Set([
  "endpoint_unavailable",
  "data_unreadable",
  "endpoint_forbidden",
  "address_forbidden",
  "upstream_timeout",
  "too_many_queries",
]);

export function openInquiry({ executor, budgetMs, signal }: InquiryOptions): Inquiry {
  const startedAt = performance.now();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), budgetMs);
  const forward = () => deadline.abort();
  signal.addEventListener("abort", forward, { once: true });
  let ended = false;
  let anyAnswer = false;
  let failuresInARow = 0;

  const remainingMs = () => Math.max(0, budgetMs - (performance.now() - startedAt));

  const cancelled = () =>
    new EngineFailure("query_cancelled", "The description of the endpoint was cancelled.");

  const refuse = (error: unknown): null => {
    if (signal.aborted) throw cancelled();
    const failure = toEngineFailure(error);
    if (deadline.signal.aborted) {
      ended = true;
      return null;
    }
    if (failure.code === "internal_error") throw failure;
    if (UNREACHABLE.has(failure.code)) {
      failuresInARow += 1;
      if (!anyAnswer || failuresInARow >= MAX_FAILURES_IN_A_ROW) throw failure;
    }
    return null;
  };

  return {
    async ask(question) {
      if (signal.aborted) throw cancelled();
      const left = remainingMs();
      if (left < 1 || deadline.signal.aborted) {
        ended = true;
        return null;
      }
      try {
        const answer = await collect(executor, question, Math.min(left, question.timeoutMs), deadline.signal);
        anyAnswer = true;
        failuresInARow = 0;
        return answer;
      } catch (error) {
        return refuse(error);
      }
    },
    remainingMs,
    past(share) {
      const isPast = 1 - remainingMs() / budgetMs > share;
      ended ||= isPast;
      return isPast;
    },
    budgetEnded: () => ended,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", forward);
    },
  };
}

async function collect(
  executor: Executor,
  question: Question,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const rows: Binding[] = [];
  let whole = false;
  const query = {
    text: question.text,
    form: "select",
    variables: question.variables,
    windowable: false,
  } as const;
  const limits = {
    maxRows: question.maxRows,
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: Math.ceil(timeoutMs),
    signal,
  };
  for await (const event of executor.execute(query, limits)) {
    if (event.kind === "rows") for (const row of event.rows) rows.push(row);
    else if (event.kind === "end") whole = event.completeness.status === "complete";
  }
  return { rows, whole };
}

/** A count in a row; `null` where it is unbound or no number. */
export function countIn(row: Binding | undefined, variable: string): number | null {
  const term = row === undefined ? undefined : row[variable];
  if (term === undefined || term.type !== "literal") return null;
  const count = Number(term.value);
  return Number.isFinite(count) ? count : null;
}

/** An IRI in a row; `null` where something else or nothing stands. */
export function iriIn(row: Binding, variable: string): string | null {
  const term = row[variable];
  return term !== undefined && term.type === "uri" ? term.value : null;
}

/** The text of a literal in a row; `null` where something else or nothing stands. */
export function textIn(row: Binding, variable: string): string | null {
  const term = row[variable];
  return term !== undefined && term.type === "literal" ? term.value : null;
}
