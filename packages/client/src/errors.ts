import type { FailureCode, ServerPayloads } from "@sparql-live/protocol";
import type { CloseInfo } from "./connection/state.js";
import { RETRIED_FAILURES } from "./failure-table.js";

/**
 * Codes of the client's own, beside those of the protocol. `aborted`: by the signal that was given. `timeout`: no
 * answer in time. `connection_closed`: the connection is over for good, or was never made. `superseded`: a newer search
 * overtook it. `outbox_full`: too much waits. `no_websocket`: there is no WebSocket here, and `ws` is not installed.
 * `no_token`: the token could not be had. `not_loaded`: a part of the library that is loaded when it is needed.
 */
export type ClientErrorCode =
  | "aborted"
  | "timeout"
  | "connection_closed"
  | "superseded"
  | "outbox_full"
  | "no_websocket"
  | "no_token"
  | "not_loaded";

export interface SparqlLiveErrorDetails {
  readonly retryAfterMs?: number | undefined;
  readonly queryId?: string | undefined;
  readonly roomId?: string | undefined;
  /** Where a query is wrong, from 1. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure of the library: `code` is of a closed table, `retry` says whether the same may succeed later. */
export class SparqlLiveError extends Error {
  override readonly name = "SparqlLiveError";
  readonly code: FailureCode | ClientErrorCode;
  readonly retry: boolean;
  readonly details: SparqlLiveErrorDetails;

  constructor(code: FailureCode | ClientErrorCode, message: string, details: SparqlLiveErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retry =
      Object.hasOwn(RETRIED_FAILURES, code) ||
      ["timeout", "outbox_full", "not_loaded"].includes(code) ||
      // A server that ends cancels what others may answer.
      (code === "query_cancelled" && details.detail === "shutdown");
    this.details = details;
  }
}

/** What a server answered, as an error. */
export function errorOf(
  payload: ServerPayloads["error_message"] | ServerPayloads["validation_error"],
): SparqlLiveError {
  const retryAfter = "retry_after" in payload ? payload.retry_after : undefined;
  return new SparqlLiveError(payload.code, payload.error, {
    queryId: payload.query_id,
    ...("error_type" in payload
      ? { roomId: payload.room_id, line: payload.line, column: payload.column, detail: payload.detail }
      : {}),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter * 1_000 }),
  });
}

export function badRequest(text: string, details?: SparqlLiveErrorDetails): SparqlLiveError {
  return new SparqlLiveError("bad_request", text, details);
}

/** Why nothing is begun with this signal, where that is so. */
export function abortOf(signal: AbortSignal | undefined): SparqlLiveError | null {
  if (signal === undefined || signal === null) return null;
  if (typeof signal.addEventListener !== "function") return badRequest("`signal` is no AbortSignal.");
  return signal.aborted ? abortedError(signal) : null;
}

export function abortedError(signal: AbortSignal): SparqlLiveError {
  return new SparqlLiveError("aborted", "It was aborted.", { cause: signal.reason });
}

/** Of what waited for a connection that is over for good. */
export function closedError({ code, reason, cause }: CloseInfo): SparqlLiveError {
  const why = cause instanceof Error ? ` ${cause.message}` : "";
  const text = `The connection is over (${code}${reason === "" ? "" : ` ${reason}`}).${why}`;
  return new SparqlLiveError("connection_closed", text, { detail: reason, cause });
}

export function leftError(roomId: string, reason: string): SparqlLiveError {
  return new SparqlLiveError("not_in_room", `The room "${roomId}" was left (${reason}).`, { roomId });
}

const PASSING: ReadonlySet<string> = new Set<FailureCode>([
  "rate_limited",
  "unavailable",
  "going_away",
  "overloaded",
]);

/** Refused for the moment alone: it is sent again by itself. */
export function isPassing({ code }: SparqlLiveError): boolean {
  return PASSING.has(code);
}
