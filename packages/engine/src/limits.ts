/** Bounds of the engine. Each is a default that a setting or a request may lower, or raise to its maximum. */
export const LIMITS = {
  /** Rows of one result; more are cut and the result is flagged `truncated`. */
  maxRows: 10_000,
  /** Bytes of one result, counted over its terms; more are cut and the result is flagged `truncated`. */
  maxResultBytes: 10 * 1024 * 1024,
  queryTimeoutMs: 30_000,
  maxQueryTimeoutMs: 120_000,
  /** Time that all pauses of one query for want of credit may take together. */
  maxPausedMs: 120_000,
  /** Decoded bytes of one remote answer. */
  maxUpstreamBytes: 64 * 1024 * 1024,
  upstreamConnectTimeoutMs: 10_000,
  maxRedirects: 5,
  maxQueryTextBytes: 100_000,
  /** Warnings of one kind on one query. */
  maxQueryWarnings: 20,
  maxQuestionCharacters: 2_000,
} as const;
