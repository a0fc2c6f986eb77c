export { ADMIN_ACTIONS, type AdminAction, type AdminPayload } from "./actions.js";
export { AnalyticsInfo } from "./analytics-info.js";
export { CONNECTION_STATES, ConnectionInfo } from "./connection-info.js";
export { ADMIN_LIMITS } from "./limits.js";
export { MetricsSnapshot } from "./metrics-snapshot.js";
export type { AdminReplies, AdminReply, ExperimentInfo, QueryInfo } from "./replies.js";
