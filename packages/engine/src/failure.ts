/**
 * Every way in which the engine refuses or fails, as a closed table.
 * `retry`: whether the same request may succeed later without being changed.
 */
export const ENGINE_FAILURES = {
  /** Neither a question nor a query was given. */
  question_required: { retry: false },
  /** No word of the question names anything at the endpoint. */
  not_understood: { retry: false },
  /** The text is not SPARQL, or a part of it cannot be answered here; carries line and column. */
  bad_query: { retry: false },
  /** A limit, timeout or other parameter is out of its range. */
  bad_request: { retry: false },
  /** An update was sent where only queries are answered. */
  read_only: { retry: false },
  /** SERVICE is not allowed. */
  service_forbidden: { retry: false },
  /** FROM or FROM NAMED names a graph that is not local, or LOAD was tried. */
  graph_forbidden: { retry: false },
  /** The strategy is unknown or not configured. */
  strategy_unavailable: { retry: false },
  /** No endpoint has this id. */
  endpoint_not_found: { retry: false },
  /** Endpoints given by address are off, its address is none of an endpoint, or it wants credentials. */
  endpoint_forbidden: { retry: false },
  /** The address, or where it redirects to, may not be asked. What a name resolved to is not told. */
  address_forbidden: { retry: false },
  /** The endpoint is known and cannot be reached, or is still loading its data. */
  endpoint_unavailable: { retry: true },
  /** The time given for the query is over. */
  query_timeout: { retry: true },
  /** The query was cancelled. */
  query_cancelled: { retry: false },
  /** More queries wait than may wait. */
  too_many_queries: { retry: true },
  /** The worker that ran the query ended unexpectedly (crash, or out of memory). */
  worker_crashed: { retry: true },
  /** A data file cannot be read; carries file, line and column. */
  data_unreadable: { retry: false },
  upstream_timeout: { retry: true },
  /** The endpoint answered with an HTTP error; `detail` has the status and the start of its text. */
  upstream_error: { retry: true },
  /** The endpoint's answer broke off. What came before it is not a complete result. */
  upstream_truncated: { retry: true },
  /** The endpoint's answer is no SPARQL result. */
  upstream_bad_response: { retry: false },
  /** A fault of the engine itself. */
  internal_error: { retry: true },
} as const satisfies Record<string, { readonly retry: boolean }>;

export type EngineFailureCode = keyof typeof ENGINE_FAILURES;

export interface FailurePlace {
  /** 1-based line in the text that the caller sent. */
  readonly line: number;
  /** 1-based column, in UTF-16 code units. */
  readonly column: number;
}

export interface FailureDetails {
  readonly place?: FailurePlace;
  /** What else helps: an HTTP status, the nearest known name, a file. */
  readonly detail?: string;
  /** Earliest sensible retry. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The only error that the engine throws on purpose. Its message says what was wrong and what to do. */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
  readonly code: EngineFailureCode;
  readonly place: FailurePlace | undefined;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: EngineFailureCode, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place;
    this.detail = details.detail;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whatever was thrown, as an `EngineFailure`; what is not ours becomes `internal_error` with its cause kept. */
export function toEngineFailure(error: unknown): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EngineFailure("internal_error", message, { cause: error });
}
