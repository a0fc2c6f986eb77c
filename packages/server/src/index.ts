/**
 * The server as a library. `createServer` is the whole of it, ready to listen; `sparqlLive` mounts it in a Fastify
 * application; `WebSocketManager` is the real-time part alone, for any HTTP server. All three work without an engine.
 */
export { FAILURES, type FailureCode, ProtocolFailure } from "@sparql-live/protocol";
export type { ConnectionInfo, MetricsSnapshot } from "@sparql-live/protocol/admin";
export {
  defineMessage,
  type MessageDefinition,
  type MessageOfDefinition,
} from "@sparql-live/protocol/validate";
export type { Authenticator, Identity, SignIn, TokenOrigin } from "./auth/authenticator.js";
export { type AuthSettings, configuredAuthenticator } from "./auth/configured.js";
export { type AuthenticateHook, createHookAuthenticator, type HookIdentity } from "./auth/hook.js";
export type { Fetch } from "./auth/json-document.js";
export type { Revocation } from "./auth/revocations.js";
export { StorageError, type StorageErrorCode } from "./database/storage-error.js";
export type { ErasedCounts, UserData, UserDatum } from "./features/user-data.js";
export { openFileStorage } from "./file-storage.js";
export { type SparqlLiveOptions, sparqlLive } from "./http/plugin.js";
export { createServer, type Server, type ServerParts, type ServerSettings } from "./http/server.js";
export type { Live } from "./live.js";
export type { LiveOptions, Newcomer, TierLimits } from "./live-options.js";
export { createLog } from "./log.js";
export { type TransportNewcomer, WebSocketManager, type WebSocketManagerOptions } from "./manager.js";
export { createMemoryStorage } from "./memory-storage.js";
export type { Connection, Life, SendOptions, Tier, User, UserRole } from "./realtime/connection.js";
export type {
  Controls,
  DisconnectOptions,
  Page,
  RoomDeliveryOptions,
  RoomMessageOptions,
  RoomOutgoing,
  RoomPayload,
} from "./realtime/controls.js";
export { correlationOf, type Incoming, type IncomingMessage } from "./realtime/dispatcher.js";
export type { ApplicationHandler } from "./realtime/handler-list.js";
export { createMemoryTransport, type MemoryPeer } from "./realtime/memory-transport.js";
export type { DeliveryOptions, Outgoing, OutgoingPayload } from "./realtime/outgoing.js";
export type { NewRoom, RoomInfo } from "./realtime/rooms/room-record.js";
export type { Transport, TransportEvents } from "./realtime/transport.js";
export { readSettings, type SettingSources } from "./settings/read.js";
export { SettingsError } from "./settings/settings-error.js";
export {
  envOf,
  flagOf,
  SETTING_NAMES,
  SETTINGS,
  type SettingDefinition,
  type SettingName,
  type Settings,
} from "./settings/table.js";
export type { Storage, StorageOptions } from "./storage.js";
export type { StorageBounds } from "./storage-bounds.js";
export { createVault, type OpenedSecret, type Vault } from "./vault.js";
