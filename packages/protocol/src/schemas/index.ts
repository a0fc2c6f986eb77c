import type { Static } from "typebox";
import { ConnectionAck, Heartbeat, Ping, Pong } from "./connection.js";
import { EndpointHealth, EndpointStatus, EndpointStatusRequest } from "./endpoint.js";
import { Envelope } from "./envelope.js";
import { ErrorMessage, ValidationError } from "./errors.js";
import { OntologySearch, OntologySuggestion } from "./ontology.js";
import {
  QueryCancel,
  QueryCancelled,
  QueryCredit,
  QueryProgress,
  QueryRequest,
  QueryResult,
  QueryRows,
} from "./query.js";

/** Payload schemas of the messages that a client sends, by type. Types, validators and JSON Schema follow. */
export const CLIENT_PAYLOADS = {
  ping: Ping,
  pong: Pong,
  heartbeat: Pong,
  query_request: QueryRequest,
  query_cancel: QueryCancel,
  query_credit: QueryCredit,
  ontology_search: OntologySearch,
  endpoint_status: EndpointStatusRequest,
} as const;

/** Payload schemas of the messages that a server sends, by type. */
export const SERVER_PAYLOADS = {
  connection_ack: ConnectionAck,
  ping: Ping,
  pong: Pong,
  heartbeat: Heartbeat,
  query_progress: QueryProgress,
  query_rows: QueryRows,
  query_result: QueryResult,
  query_cancelled: QueryCancelled,
  error_message: ErrorMessage,
  validation_error: ValidationError,
  ontology_suggestion: OntologySuggestion,
  endpoint_status: EndpointStatus,
  endpoint_health: EndpointHealth,
} as const;

export { Envelope };

export type EnvelopeFields = Static<typeof Envelope>;
export type ClientPayloads = { [T in keyof typeof CLIENT_PAYLOADS]: Static<(typeof CLIENT_PAYLOADS)[T]> };
export type ServerPayloads = { [T in keyof typeof SERVER_PAYLOADS]: Static<(typeof SERVER_PAYLOADS)[T]> };
