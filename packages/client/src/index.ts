export type {
  ClientMessage,
  ClientPayloads,
  Codec,
  FailureCode,
  ServerMessage,
  ServerPayloads,
} from "@sparql-live/protocol";
export { type SearchOptions, SPARQLWebSocketClient } from "./client.js";
export type { RetryPolicy } from "./connection/retry.js";
export type { Signals } from "./connection/signals.js";
export type { CloseInfo, ConnectionState } from "./connection/state.js";
export type { BroadcastGap, ClientEvents, OwnEvents } from "./create-client.js";
export { type ClientErrorCode, SparqlLiveError, type SparqlLiveErrorDetails } from "./errors.js";
export { CLIENT_LIMITS } from "./limits.js";
export type { ForeignMessage, MessageOf } from "./messages.js";
export type { ClientOptions } from "./options.js";
export type { Acknowledgement, AddOptions, Delivery, OutboxEntry, OutboxStorage, Place } from "./outbox.js";
export type { RowStream } from "./queries/row-stream.js";
export type { Chunk, QueryProgress, QueryResult, Row } from "./queries/run.js";
export type {
  AttachOptions,
  QueryOptions,
  QueryText,
  SendQueryOptions,
  StreamOptions,
} from "./queries/runs.js";
export type { RoomEntry, RoomUpdate } from "./rooms/entries.js";
export type { HistoryOptions, HistoryPage } from "./rooms/history.js";
export type { CursorInput, Gap, Room, RoomAccess, RoomEvents } from "./rooms/room.js";
export type { JoinOptions } from "./rooms/rooms.js";
export type { Cursor, Member, Role, RoomStatus, RoomView } from "./rooms/view.js";
export type { SocketConstructor, SocketLike } from "./socket.js";
export { createStore, type ReadableStore, type Store } from "./store.js";
export type { WaitOptions } from "./waiting.js";
