import { EngineFailure } from "@sparql-live/engine";
import { type FailureCode, ProtocolFailure, type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";

/** Whatever was thrown as the code and the words that its peer may see. What is not ours stays inside. */
export function failureOf(error: unknown): EngineFailure | ProtocolFailure {
  if (error instanceof EngineFailure || error instanceof ProtocolFailure) return error;
  return new ProtocolFailure(
    "internal_error",
    "The server failed at this request. It was logged; try again, and report it if it stays.",
  );
}

/** Answered like the failure that it repeats; then the connection is closed. */
export class LastFailure extends ProtocolFailure {
  /** Of the close. */
  readonly closing: ClosingCode;

  constructor({ code, message }: ProtocolFailure, closing: ClosingCode) {
    super(code, message);
    this.closing = closing;
  }
}

type ClosingCode = "too_many_bad_messages";

/** What a server answers that was put together without an engine. */
export function withoutEngine(): ProtocolFailure {
  return new ProtocolFailure("feature_unavailable", "This server answers no queries: it has no engine.");
}

/** What a server answers that was put together without rooms. */
export function withoutRooms(): ProtocolFailure {
  return new ProtocolFailure("feature_unavailable", "This server has no rooms.");
}

/** A fault of the server itself rather than of the request. */
export function isFault(error: unknown): boolean {
  return failureOf(error).code === "internal_error";
}

export function errorMessageOf(error: unknown, queryId?: string): ServerPayloads["error_message"] {
  const failure = failureOf(error);
  const code: FailureCode = failure.code;
  const base = {
    error: failure.message,
    error_type: code,
    code,
    ...(queryId === undefined ? {} : { query_id: queryId }),
  };
  const timed =
    failure.retryAfterMs === undefined ? base : { ...base, retry_after: failure.retryAfterMs / 1_000 };
  if (failure instanceof ProtocolFailure) return timed;
  return {
    ...timed,
    ...(failure.place === undefined ? {} : { line: failure.place.line, column: failure.place.column }),
    ...(failure.detail === undefined ? {} : { detail: failure.detail }),
  };
}

/** The answer to a frame that is no message. */
export function refusalOf(error: unknown, value: unknown): ServerPayloads["validation_error"] {
  const failure = failureOf(error);
  return {
    error: failure.message,
    code: failure.code,
    errors:
      failure instanceof ProtocolFailure ? failure.violations.map((violation) => ({ ...violation })) : [],
    ...queryIdOf(value),
  };
}

/** The query that a request would have begun, for the answer to its failure. */
export function queryIdOf(value: unknown): { readonly query_id?: string } {
  const queryId = memberOf(value, "type") === "query_request" ? correlationOfValue(value) : undefined;
  return queryId === undefined ? {} : { query_id: queryId };
}

/** The id under which a sender waits for the answer, even where the rest of the message does not fit. */
export function correlationOfValue(value: unknown): string | undefined {
  for (const member of [memberOf(value, "correlation_id"), memberOf(value, "message_id")]) {
    if (typeof member === "string" && member !== "" && member.length <= WIRE_LIMITS.maxIdCharacters)
      return member;
  }
  return undefined;
}

/** The room that a request was about, for the answer to its failure. */
export function roomIdOf(payload: unknown): string | undefined {
  const roomId = memberOf(payload, "room_id");
  return typeof roomId === "string" ? roomId.slice(0, WIRE_LIMITS.maxIdCharacters) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
