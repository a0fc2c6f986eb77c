import type { Binding } from "./rdf.js";

/** A query that passed every check and is ready to be executed as it stands. */
export interface PreparedQuery {
  /** The SPARQL text, prefixes and LIMIT included. */
  readonly text: string;
  readonly form: "select" | "ask" | "construct" | "describe";
  /** Projected variables in their order; `null` where only the answer tells (`SELECT *`); empty for ASK. */
  readonly variables: readonly string[] | null;
  /**
   * Whether the rows may be read in windows of LIMIT and OFFSET and be the same rows:
   * a SELECT without ORDER BY, GROUP BY, DISTINCT/REDUCED, aggregates, LIMIT/OFFSET of its own or volatile functions.
   */
  readonly windowable: boolean;
}

export interface ExecuteOptions {
  /** More rows are cut and the end says `truncated` with reason `row_limit`. */
  readonly maxRows: number;
  /** More bytes are cut and the end says `truncated` with reason `byte_limit`. */
  readonly maxBytes: number;
  /** Time that the endpoint may work; the time in which nobody pulls does not count. */
  readonly timeoutMs: number;
  /** W3C Trace Context, for an endpoint that is asked over HTTP. */
  readonly traceparent?: string;
  readonly signal: AbortSignal;
}

/** Whether a result holds all rows that the query has. */
export interface Completeness {
  /** `partial`: the endpoint itself gave up midway and said so. */
  readonly status: "complete" | "truncated" | "partial";
  /** For example `row_limit`, `byte_limit`, `endpoint_timeout`. */
  readonly reason?: string;
}

export type ExecutionEvent =
  /** Waiting for a worker; 1 is next. Sent again whenever the position changes. */
  | { readonly kind: "queued"; readonly position: number }
  /** The work began. */
  | { readonly kind: "started" }
  | { readonly kind: "head"; readonly variables: readonly string[] }
  /** At least one row. A graph's triples come as rows of `TRIPLE_VARIABLES`. */
  | { readonly kind: "rows"; readonly rows: readonly Binding[] }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** What the endpoint itself tells of its progress. */
  | {
      readonly kind: "progress";
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "end"; readonly completeness: Completeness };

/**
 * Port: runs queries against one endpoint. Implementations: embedded (worker threads) and remote (HTTP).
 *
 * `execute` is pulled: while its caller does not ask for the next event, the source is paused (the worker waits, the
 * socket is not read). Events: `queued`* `started` then `head` `rows`* or `boolean`, then one `end`.
 * Failures are thrown as `EngineFailure`. Aborting the signal, or ending the iteration early, stops the
 * endpoint's work (connection closed, worker freed) within a second; an abort throws `query_cancelled`.
 */
export interface Executor {
  execute(query: PreparedQuery, options: ExecuteOptions): AsyncGenerator<ExecutionEvent, void, undefined>;
  /** Ends all running queries with `endpoint_unavailable` and releases threads and sockets. */
  close(): Promise<void>;
}
