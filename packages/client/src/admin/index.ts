export type {
  AdminAction,
  AdminPayload,
  AnalyticsInfo,
  ConnectionInfo,
  ExperimentInfo,
  MetricsSnapshot,
  QueryInfo,
} from "@sparql-live/protocol/admin";
export type { ConnectionState } from "../connection/state.js";
export { type ClientErrorCode, SparqlLiveError } from "../errors.js";
export type { WaitOptions } from "../waiting.js";
export type { AdminResult } from "./actions.js";
export { type AdminClient, createAdminClient } from "./create-admin-client.js";
export { ADMIN_CLIENT_LIMITS } from "./limits.js";
export type { WatchMetricsOptions } from "./metrics-watch.js";
export type { AdminClientOptions, Credential } from "./options.js";
