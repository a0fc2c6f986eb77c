/**
 * Every code that an `error_message`, a `validation_error` or a close reason may carry: a closed table.
 *
 * `close`: the close code of the socket, or `null` where one request fails and the socket lives.
 * `retry`: whether the same request may succeed later, unchanged.
 * `http`: the status under which the HTTP interfaces answer.
 */
export const FAILURES = {
  /** The frame is no JSON object (or MessagePack map) with a string `type`, or nests too deeply. */
  bad_message: { close: null, retry: false, http: 400 },
  /** The message does not fit the schema of its type; `errors` says where. */
  invalid_message: { close: null, retry: false, http: 400 },
  unknown_type: { close: null, retry: false, http: 400 },
  /** Ten bad messages in a row, or five bad updates of a document or of awareness. */
  too_many_bad_messages: { close: 1008, retry: false, http: 400 },
  message_too_large: { close: 1009, retry: false, http: 413 },
  /** A binary frame on a text subprotocol, or the other way round. */
  wrong_frame_kind: { close: 1003, retry: false, http: 400 },
  rate_limited: { close: null, retry: true, http: 429 },
  /** Too many connections of one address or one user. */
  too_many_connections: { close: 4429, retry: true, http: 429 },
  /** More WebSocket pings and pongs than signs of life need. */
  too_many_control_frames: { close: 4429, retry: true, http: 429 },
  /** The message is forbidden in this state of the connection. */
  bad_state: { close: 4400, retry: false, http: 400 },
  /** Who comes has not said who it is, and this is only for those who have. */
  not_authenticated: { close: 4400, retry: false, http: 401 },
  /** No token came in time. */
  authentication_timeout: { close: 4408, retry: true, http: 408 },
  /** The token proves nothing here. A fresh one may. */
  bad_token: { close: 4401, retry: false, http: 401 },
  token_expired: { close: 4401, retry: false, http: 401 },
  /** The token, its user or its sign-in was revoked. */
  token_revoked: { close: 4401, retry: false, http: 401 },
  /** The token is of another user than the connection. */
  other_user: { close: 4403, retry: false, http: 403 },
  /** Another socket took the session over. */
  session_replaced: { close: 4409, retry: false, http: 409 },
  /** The application, or who runs the server, ended the connection. */
  disconnected: { close: 4403, retry: false, http: 403 },
  /** This server was put together without the part that would answer. */
  feature_unavailable: { close: null, retry: false, http: 501 },

  /** The room is not there, or is not for this user: both answer alike. */
  room_not_found: { close: null, retry: false, http: 404 },
  room_exists: { close: null, retry: false, http: 400 },
  room_full: { close: null, retry: true, http: 409 },
  /** The message wants a member of the room. */
  not_in_room: { close: null, retry: false, http: 403 },
  /** The role in the room does not allow it. */
  role_forbidden: { close: null, retry: false, http: 403 },
  too_many_rooms: { close: null, retry: true, http: 429 },
  /** An address that joins at once leads to no room, and none may be made. */
  room_closed: { close: 4404, retry: false, http: 404 },
  /** The room is encrypted: it takes what was sealed by its clients, and nothing that the server could read. */
  seal_required: { close: null, retry: false, http: 422 },
  /** The room is not encrypted: others could not read what is sealed. */
  seal_unexpected: { close: null, retry: false, http: 422 },
  /** It has not the form of a sealed thing, or names another message than the one that carries it. */
  bad_seal: { close: null, retry: false, http: 422 },
  /** Too many sealed updates wait: a client that may edit must store a snapshot of the document first. */
  snapshot_required: { close: null, retry: true, http: 409 },
  bad_document_update: { close: null, retry: false, http: 422 },
  document_too_large: { close: null, retry: false, http: 413 },
  /** The disk is full: nothing was stored, what is stored can be read. */
  storage_full: { close: null, retry: true, http: 507 },
  /** A part that is needed does not answer; nothing was done. */
  unavailable: { close: null, retry: true, http: 503 },

  question_required: { close: null, retry: false, http: 400 },
  not_understood: { close: null, retry: false, http: 422 },
  bad_query: { close: null, retry: false, http: 400 },
  bad_request: { close: null, retry: false, http: 400 },
  read_only: { close: null, retry: false, http: 403 },
  service_forbidden: { close: null, retry: false, http: 403 },
  graph_forbidden: { close: null, retry: false, http: 403 },
  strategy_unavailable: { close: null, retry: false, http: 400 },
  endpoint_not_found: { close: null, retry: false, http: 404 },
  endpoint_forbidden: { close: null, retry: false, http: 403 },
  /** The address, or where it redirects to, may not be asked. */
  address_forbidden: { close: null, retry: false, http: 403 },
  endpoint_unavailable: { close: null, retry: true, http: 503 },
  duplicate_query: { close: null, retry: false, http: 409 },
  query_not_found: { close: null, retry: false, http: 404 },
  /** The run is over for longer than it is kept, or its start is not kept any more. */
  query_expired: { close: null, retry: false, http: 410 },
  /** The server that ran it is gone. Send it again under a new id. */
  query_lost: { close: null, retry: true, http: 503 },
  query_timeout: { close: null, retry: true, http: 504 },
  query_cancelled: { close: null, retry: false, http: 499 },
  too_many_queries: { close: null, retry: true, http: 429 },
  worker_crashed: { close: null, retry: true, http: 500 },
  data_unreadable: { close: null, retry: false, http: 500 },
  upstream_timeout: { close: null, retry: true, http: 504 },
  upstream_error: { close: null, retry: true, http: 502 },
  upstream_truncated: { close: null, retry: true, http: 502 },
  upstream_bad_response: { close: null, retry: false, http: 502 },

  /** The peer does not read: bytes wait above the bound, or nothing was written for too long. */
  slow_consumer: { close: 4008, retry: true, http: 503 },
  heartbeat_timeout: { close: 4408, retry: true, http: 408 },
  /** The server shuts down; another one, or the same one again, will answer. */
  going_away: { close: 1012, retry: true, http: 503 },
  /** The server has no room for new work right now. */
  overloaded: { close: 1013, retry: true, http: 503 },
  internal_error: { close: null, retry: true, http: 500 },
} as const satisfies Record<
  string,
  { readonly close: number | null; readonly retry: boolean; readonly http: number }
>;

export type FailureCode = keyof typeof FAILURES;

/** One place in a message that does not fit: a JSON pointer into the message and what was expected there. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

/** Thrown by codecs and validators; the session turns it into an answer or a close. */
export class ProtocolFailure extends Error {
  override readonly name = "ProtocolFailure";
  readonly code: FailureCode;
  readonly violations: readonly Violation[];
  /** When it may be tried again, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FailureCode,
    message: string,
    violations: readonly Violation[] = [],
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.violations = violations;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The reason of a close frame: JSON of at most 123 bytes (RFC 6455, section 5.5: a control frame holds 125,
 * two of which are the close code).
 */
export function closeReason(code: FailureCode, retryAfterMs?: number): string {
  return JSON.stringify(
    retryAfterMs === undefined ? { code } : { code, retry_after_ms: Math.round(retryAfterMs) },
  );
}
