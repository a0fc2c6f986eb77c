import type { AnswerEvent, AnswerRequest, AnswerResult } from "./answer-events.js";
import type { Endpoint } from "./endpoint.js";
import { type ExecutionBounds, execute, NOT_EXECUTED, type Outcome } from "./execution.js";
import { EngineFailure } from "./failure.js";
import type { Draft, Generator } from "./generator.js";
import { LIMITS } from "./limits.js";
import type { SchemaProfile } from "./profile.js";
import { progress } from "./progress.js";
import type { Binding } from "./rdf.js";
import { TRIPLE_VARIABLES } from "./rdf.js";
import { type Prepared, prepareQuery } from "./sparql/prepare.js";

/** What an answer needs of the engine around it; chosen by the composition root. */
export interface AnswerDeps {
  /** Throws `endpoint_not_found` or `endpoint_forbidden`. An ad-hoc endpoint is closed with its lease. */
  readonly openEndpoint: (request: AnswerRequest) => EndpointLease;
  /** Throws `strategy_unavailable`. */
  readonly generatorFor: (strategy: string) => Generator;
  readonly maxRows: number;
  readonly maxResultBytes: number;
  readonly defaultTimeoutMs: number;
  readonly allowService: boolean;
  readonly rewriteTypes: boolean;
}

export interface EndpointLease extends AsyncDisposable {
  readonly endpoint: Endpoint;
}

/**
 * The pipeline: one request → its events, in the order of the stages (see `Engine.answer`).
 * Every await ends early when `signal` is aborted; whatever was opened is closed in `finally`.
 */
export async function* answer(
  request: AnswerRequest,
  deps: AnswerDeps,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const bounds = boundsOf(request, deps);
  await using lease = deps.openEndpoint(request);
  const { endpoint } = lease;
  throwIfCancelled(signal);

  const draft =
    request.sparql === undefined
      ? yield* draftQuery(request, endpoint, deps, signal)
      : yield* takeQuery(request.sparql);

  yield progress("optimizing", 0, "Checking the query");
  const prepared = await prepare(draft.sparql, endpoint, deps, { maxRows: bounds.maxRows, signal });
  yield progress("optimizing", 1, describeChecks(prepared), {
    query: prepared.shown,
    form: prepared.query.form,
    ...(prepared.query.variables === null ? {} : { variables: prepared.query.variables }),
    warnings: prepared.warnings,
  });

  const outcome =
    request.execute === false ? NOT_EXECUTED : yield* execute(prepared, endpoint, bounds, signal);
  yield { kind: "result", result: resultOf(draft, prepared, outcome) };
  yield progress("completed", 1, request.execute === false ? "Drafted, not executed" : "Done");
}

function boundsOf(request: AnswerRequest, deps: AnswerDeps): ExecutionBounds {
  const hasQuestion = (request.question ?? "").trim() !== "";
  const hasQuery = request.sparql !== undefined;
  if (hasQuestion && hasQuery) {
    throw new EngineFailure("bad_request", "Give either a question or a SPARQL query, not both.");
  }
  if (!hasQuestion && !hasQuery) {
    throw new EngineFailure(
      "question_required",
      "natural_language is required: ask a question, or give `sparql`.",
    );
  }
  if (request.question !== undefined && request.question.length > LIMITS.maxQuestionCharacters) {
    throw new EngineFailure(
      "bad_request",
      `The question has ${request.question.length} characters; at most ${LIMITS.maxQuestionCharacters} are read.`,
    );
  }
  const limit = request.limit ?? deps.maxRows;
  if (!Number.isInteger(limit) || limit < 1) {
    throw new EngineFailure("bad_request", `The limit must be a whole number of at least 1, not ${limit}.`);
  }
  const timeoutMs = request.timeoutMs ?? deps.defaultTimeoutMs;
  if (!(timeoutMs > 0 && timeoutMs <= LIMITS.maxQueryTimeoutMs)) {
    throw new EngineFailure(
      "bad_request",
      `The timeout must be more than 0 and at most ${LIMITS.maxQueryTimeoutMs / 1_000} seconds.`,
    );
  }
  return {
    maxRows: Math.min(limit, deps.maxRows),
    maxBytes: deps.maxResultBytes,
    timeoutMs,
    ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
  };
}

function* takeQuery(sparql: string): globalThis.Generator<AnswerEvent, Draft, undefined> {
  yield progress("parsing", 1, "Reading the query");
  return {
    sparql,
    explanation: "The query as it was given.",
    confidence: 1,
    links: [],
    notUnderstood: [],
    alternatives: [],
  };
}

async function* draftQuery(
  request: AnswerRequest,
  endpoint: Endpoint,
  deps: AnswerDeps,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, Draft, undefined> {
  const generator = deps.generatorFor(request.strategy ?? "auto");
  yield progress("parsing", 0, "Reading the question");
  const events = generator.generate({
    question: request.question ?? "",
    endpoint,
    projection: request.projection ?? "rich",
    signal,
    trial: (sparql, limits) => runTrial(sparql, endpoint, deps, limits, signal),
  });
  for await (const event of events) {
    throwIfCancelled(signal);
    if (event.kind === "draft") {
      yield progress("generating", 1, "Drafted the query", {
        query: event.draft.sparql,
        explanation: event.draft.explanation,
        confidence: event.draft.confidence,
        links: event.draft.links,
        not_understood: event.draft.notUnderstood,
      });
      return event.draft;
    }
    yield progress(event.stage, event.fraction, event.message, event.details);
  }
  throw new EngineFailure("internal_error", `The strategy "${generator.strategy}" ended without a draft.`);
}

/** A candidate run small; its failure is the ranking's concern, not the answer's. */
async function runTrial(
  sparql: string,
  endpoint: Endpoint,
  deps: AnswerDeps,
  limits: { readonly maxRows: number; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<readonly Binding[]> {
  const { query } = await prepare(sparql, endpoint, deps, { maxRows: limits.maxRows, signal });
  const rows: Binding[] = [];
  const events = endpoint.executor.execute(query, {
    ...limits,
    maxBytes: deps.maxResultBytes,
    signal,
  });
  for await (const event of events) {
    if (event.kind === "rows") rows.push(...event.rows);
    if (event.kind === "boolean") rows.push({ boolean: { type: "literal", value: String(event.value) } });
  }
  return rows;
}

/**
 * The checks profit from the schema profile and do not wait for it: a query is at work while the profile is still
 * made. Only where a query cannot be read without it (a prefix that only the data know) is it waited for, and only
 * at an embedded endpoint, where it is near.
 */
async function prepare(
  sparql: string,
  endpoint: Endpoint,
  deps: AnswerDeps,
  { maxRows, signal }: { readonly maxRows: number; readonly signal: AbortSignal },
): Promise<Prepared> {
  const known = endpoint.knownProfile();
  // The word alone may stand in a string: then the graphs are asked for in vain, once.
  const localGraphs = /\bfrom\b/i.test(sparql) ? await endpoint.graphs(signal) : "any";
  const checked = (profile: SchemaProfile | undefined) =>
    prepareWith(profile, sparql, endpoint, deps, { maxRows, localGraphs });
  try {
    return checked(known);
  } catch (error) {
    const readable = known !== undefined || endpoint.kind === "remote";
    if (readable || !(error instanceof EngineFailure) || error.code !== "bad_query") throw error;
  }
  const profile = await endpoint.profile(signal);
  throwIfCancelled(signal);
  return checked(profile);
}

function prepareWith(
  profile: SchemaProfile | undefined,
  sparql: string,
  endpoint: Endpoint,
  deps: AnswerDeps,
  { maxRows, localGraphs }: { readonly maxRows: number; readonly localGraphs: readonly string[] | "any" },
): Prepared {
  const embedded = endpoint.kind === "embedded";
  return prepareQuery(sparql, {
    prefixes: endpoint.entry.prefixes ?? {},
    maxRows,
    policy: { allowService: deps.allowService && !embedded, localGraphs },
    ...(profile === undefined ? {} : { profile }),
    rewriteTypes: deps.rewriteTypes && embedded,
    windows: embedded,
  });
}

function resultOf(draft: Draft, prepared: Prepared, outcome: Outcome): AnswerResult {
  const { form } = prepared.query;
  const graph = form === "construct" || form === "describe";
  return {
    query: prepared.shown,
    form,
    executed: outcome.executed,
    variables: graph ? TRIPLE_VARIABLES : outcome.variables,
    ...(outcome.boolean === undefined ? {} : { boolean: outcome.boolean }),
    rowCount: outcome.rowCount,
    executionTimeMs: outcome.executionTimeMs,
    explanation: draft.explanation,
    confidence: draft.confidence,
    completeness: outcome.completeness,
    links: draft.links,
    notUnderstood: draft.notUnderstood,
    alternatives: draft.alternatives,
    ...(draft.clarification === undefined ? {} : { clarification: draft.clarification }),
    warnings: prepared.warnings,
  };
}

function describeChecks(prepared: Prepared): string {
  const count = prepared.warnings.length;
  if (count === 0) return "The query passed every check";
  return count === 1 ? "The query passed, with 1 remark" : `The query passed, with ${count} remarks`;
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
}
