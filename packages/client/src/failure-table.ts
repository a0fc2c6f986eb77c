import type { FAILURES, FailureCode } from "@sparql-live/protocol";

type Table = typeof FAILURES;
/** Of the protocol's table those that may succeed later. */
type RetriedFailure = { [C in FailureCode]: Table[C]["retry"] extends true ? C : never }[FailureCode];
type RetriedClose = Exclude<Table[RetriedFailure]["close"], null>;

/**
 * What of the protocol's table a client needs; the whole of it would be a tenth of the library. The types hold both to
 * the table: one too many or too few does not compile.
 */
export const RETRIED_FAILURES: Readonly<Record<RetriedFailure, true>> = {
  rate_limited: true,
  too_many_connections: true,
  too_many_control_frames: true,
  authentication_timeout: true,
  room_full: true,
  too_many_rooms: true,
  snapshot_required: true,
  storage_full: true,
  unavailable: true,
  endpoint_unavailable: true,
  query_lost: true,
  query_timeout: true,
  too_many_queries: true,
  worker_crashed: true,
  upstream_timeout: true,
  upstream_error: true,
  upstream_truncated: true,
  slow_consumer: true,
  heartbeat_timeout: true,
  going_away: true,
  overloaded: true,
  internal_error: true,
};

/** Close codes of the table after which it is worth to come back. */
export const RETRIED_CLOSES: Readonly<Record<RetriedClose, true>> = {
  1012: true,
  1013: true,
  4008: true,
  4408: true,
  4429: true,
};
