import { EngineFailure } from "../failure.js";
import type { GenerationRequest } from "../generator.js";
import type { Binding } from "../rdf.js";
import { WEIGHTS } from "./graph/weights.js";

export interface Candidate {
  readonly sparql: string;
  /** From the search alone. */
  readonly score: number;
  readonly form: "select" | "ask";
  /** Whether an answer without rows, or with zero, may well be right. */
  readonly mayBeEmpty: boolean;
  /** A yes-no query for what the candidate denies; `null` when it denies nothing. */
  readonly denied: string | null;
  /** The question asks for one thing. */
  readonly singular: boolean;
}

export interface Ranked<C extends Candidate> {
  readonly candidate: C;
  /** With what its trial showed. */
  readonly score: number;
  /** `null` where it was not tried. */
  readonly trial: "rows" | "empty" | "failed" | null;
}

const TOTAL_MS = 1_500;
const TRIAL_MS = 700;
const TRIAL_ROWS = 25;
const AT_ONCE = 2;
/** What a trial can add to a score at most: a candidate further behind than this need not be tried. */
const MOST_GAIN = WEIGHTS.singularFits;

/**
 * Runs candidates under small limits, the best first, and orders them anew. It stops as soon as no untried candidate
 * could come first any more, and in any case after 1.5 seconds.
 */
export async function rankByExecution<C extends Candidate>(
  candidates: readonly C[],
  { trial, signal }: Pick<GenerationRequest, "trial" | "signal">,
  now: () => number = () => performance.now(),
): Promise<Ranked<C>[]> {
  const end = now() + TOTAL_MS;
  const ordered = [...candidates].sort((a, b) => b.score - a.score || (a.sparql < b.sparql ? -1 : 1));
  const ranked: Ranked<C>[] = [];
  let at = 0;
  while (at < ordered.length) {
    signal.throwIfAborted();
    const best = Math.max(...ranked.map(({ score }) => score));
    const next = ordered[at];
    const left = end - now();
    if (next === undefined || left < 20 || best >= next.score + MOST_GAIN) break;
    const batch = ordered.slice(at, at + (at === 0 ? 1 : AT_ONCE));
    at += batch.length;
    ranked.push(
      ...(await Promise.all(
        batch.map((candidate) => tryOne(candidate, trial, Math.min(TRIAL_MS, left), signal)),
      )),
    );
  }
  const untried = ordered
    .slice(at)
    .map((candidate): Ranked<C> => ({ candidate, score: candidate.score, trial: null }));
  // What was not tried for want of time stays behind what is known to work.
  return [...ranked, ...untried].sort(
    (a, b) =>
      b.score - a.score ||
      Number(a.trial === null) - Number(b.trial === null) ||
      (a.candidate.sparql < b.candidate.sparql ? -1 : 1),
  );
}

async function tryOne<C extends Candidate>(
  candidate: C,
  trial: GenerationRequest["trial"],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Ranked<C>> {
  try {
    const rows = await trial(candidate.sparql, { maxRows: TRIAL_ROWS, timeoutMs });
    const judged = judge(candidate, rows);
    if (candidate.denied === null || judged.trial === "failed") return judged;
    const denied = await trial(candidate.denied, { maxRows: 1, timeoutMs });
    return holds(denied) ? judged : { ...judged, score: judged.score + WEIGHTS.vacuous };
  } catch (error) {
    // A candidate that cannot be tried is a worse candidate, not the end; a cancelled question is the end.
    signal.throwIfAborted();
    if (!(error instanceof EngineFailure)) throw error;
    const slow = error.code === "query_timeout" || error.code === "upstream_timeout";
    return { candidate, score: candidate.score + (slow ? WEIGHTS.tooMany : WEIGHTS.failed), trial: "failed" };
  }
}

function judge<C extends Candidate>(candidate: C, rows: readonly Binding[]): Ranked<C> {
  const { score } = candidate;
  if (candidate.form === "ask") {
    const yes = holds(rows);
    return { candidate, score: score + (yes ? 0 : WEIGHTS.falseAsk), trial: yes ? "rows" : "empty" };
  }
  if (isEmpty(rows)) {
    return {
      candidate,
      score: score + (candidate.mayBeEmpty ? WEIGHTS.empty / 4 : WEIGHTS.empty),
      trial: "empty",
    };
  }
  const fits = candidate.singular && rows.length === 1 ? WEIGHTS.singularFits : 0;
  return { candidate, score: score + fits, trial: "rows" };
}

/** The answer of a yes-no query. */
function holds(rows: readonly Binding[]): boolean {
  const term = rows[0]?.boolean;
  return term?.type === "literal" && (term.value === "true" || term.value === "1");
}

/** No rows, or one row of a count that found nothing. */
function isEmpty(rows: readonly Binding[]): boolean {
  if (rows.length === 0) return true;
  const values = Object.values(rows[0] ?? {});
  return (
    rows.length === 1 &&
    (values.length === 0 ||
      values.every(
        (term) => term.type === "literal" && Number(term.value) === 0 && term.datatype !== undefined,
      ))
  );
}
