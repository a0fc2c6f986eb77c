import type { Static } from "typebox";
import {
  AwarenessUpdate,
  CursorPosition,
  DocumentRequest,
  DocumentUpdate,
  MoveCursor,
  SealedDocument,
  SendAwarenessUpdate,
  SendDocumentUpdate,
  SnapshotStored,
  SnapshotWanted,
  StoreSnapshot,
  Typing,
  TypingIndicator,
} from "./collaboration.js";
import {
  Ack,
  Acknowledge,
  Authenticate,
  Authenticated,
  ConnectionAck,
  Heartbeat,
  Ping,
  Pong,
  Resume,
  Resumed,
  TokenExpiring,
} from "./connection.js";
import { EndpointHealth, EndpointStatus, EndpointStatusRequest } from "./endpoint.js";
import { Envelope } from "./envelope.js";
import { ErrorMessage, ValidationError } from "./errors.js";
import { OntologySearch, OntologySuggestion } from "./ontology.js";
import {
  QueryAttach,
  QueryCancel,
  QueryCancelled,
  QueryCredit,
  QueryProgress,
  QueryRequest,
  QueryResult,
  QueryRows,
} from "./query.js";
import {
  ChangeRoomInvite,
  ChangeRoomMember,
  DeleteRoom,
  JoinRoom,
  LeaveRoom,
  Presence,
  RoomDeleted,
  RoomHistory,
  RoomHistoryRequest,
  RoomId,
  RoomInfo,
  RoomInvite,
  RoomJoined,
  RoomLeft,
  RoomMemberUpdate,
  RoomMessage,
  RoomState,
  SendRoomMessage,
} from "./rooms.js";
import { Notification, ServerDraining, SystemMessage } from "./system.js";

/** Payload schemas of the messages that a client sends, by type. Types, validators and JSON Schema follow. */
export const CLIENT_PAYLOADS = {
  ping: Ping,
  pong: Pong,
  heartbeat: Pong,
  query_request: QueryRequest,
  query_attach: QueryAttach,
  query_cancel: QueryCancel,
  query_credit: QueryCredit,
  ontology_search: OntologySearch,
  endpoint_status: EndpointStatusRequest,
  authenticate: Authenticate,
  resume: Resume,
  ack: Acknowledge,
  join_room: JoinRoom,
  leave_room: LeaveRoom,
  room_message: SendRoomMessage,
  room_history: RoomHistoryRequest,
  room_member_update: ChangeRoomMember,
  room_invite: ChangeRoomInvite,
  delete_room: DeleteRoom,
  typing_indicator: Typing,
  cursor_position: MoveCursor,
  document_request: DocumentRequest,
  document_update: SendDocumentUpdate,
  document_snapshot: StoreSnapshot,
  awareness_update: SendAwarenessUpdate,
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
  authenticated: Authenticated,
  token_expiring: TokenExpiring,
  resumed: Resumed,
  ack: Ack,
  join_room: RoomJoined,
  leave_room: RoomLeft,
  user_joined: Presence,
  user_left: Presence,
  room_state: RoomState,
  room_message: RoomMessage,
  room_history: RoomHistory,
  room_member_update: RoomMemberUpdate,
  room_invite: RoomInvite,
  room_deleted: RoomDeleted,
  typing_indicator: TypingIndicator,
  cursor_position: CursorPosition,
  document_update: DocumentUpdate,
  document_snapshot: SealedDocument,
  snapshot_wanted: SnapshotWanted,
  snapshot_stored: SnapshotStored,
  awareness_update: AwarenessUpdate,
  system_message: SystemMessage,
  notification: Notification,
  server_draining: ServerDraining,
} as const;

export { Envelope, RoomId, RoomInfo };

export type EnvelopeFields = Static<typeof Envelope>;
export type ClientPayloads = { [T in keyof typeof CLIENT_PAYLOADS]: Static<(typeof CLIENT_PAYLOADS)[T]> };
export type ServerPayloads = { [T in keyof typeof SERVER_PAYLOADS]: Static<(typeof SERVER_PAYLOADS)[T]> };
