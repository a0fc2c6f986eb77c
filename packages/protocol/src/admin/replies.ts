import type { Static } from "typebox";
import type { EndpointStatus } from "../schemas/endpoint.js";
import type { RoomInfo } from "../schemas/rooms.js";
import type { AdminAction } from "./actions.js";
import type { AnalyticsInfo } from "./analytics-info.js";
import type { ConnectionInfo } from "./connection-info.js";
import type { MetricsSnapshot } from "./metrics-snapshot.js";

/** A query in progress. Its text is its asker's. */
export interface QueryInfo {
  readonly query_id: string;
  /** Absent where it came over HTTP. */
  readonly user_id?: string;
  readonly room_id?: string;
  /** Of who asked over HTTP. */
  readonly ip_address?: string;
  /** ISO 8601. */
  readonly started_at: string;
}

export interface ExperimentInfo {
  readonly name: string;
  readonly variants: readonly {
    readonly name: string;
    readonly share: number;
    readonly connections: number;
  }[];
}

/** The payloads of the answers, by their types. */
export interface AdminReplies {
  readonly metrics: MetricsSnapshot;
  readonly connections: { readonly connections: readonly ConnectionInfo[]; readonly more: boolean };
  readonly rooms: { readonly rooms: readonly Static<typeof RoomInfo>[]; readonly more: boolean };
  readonly broadcast_result: { readonly sent_count: number };
  readonly disconnect_result: { readonly disconnected_count: number };
  readonly delete_room_result: { readonly room_id: string };
  readonly drain_result: { readonly draining: true };
  readonly subscribe_metrics_result: { readonly interval_ms: number };
  readonly unsubscribe_metrics_result: { readonly subscribed: false };
  readonly queries: { readonly queries: readonly QueryInfo[] };
  readonly cancel_query_result: { readonly cancelled_count: number };
  readonly endpoints: Static<typeof EndpointStatus>;
  readonly experiments: { readonly experiments: readonly ExperimentInfo[] };
  readonly analytics: { readonly days: readonly AnalyticsInfo[] };
}

/** By which type each action is answered, where it is done. */
interface ReplyTypes extends Record<AdminAction, keyof AdminReplies> {
  readonly get_metrics: "metrics";
  readonly list_connections: "connections";
  readonly list_rooms: "rooms";
  readonly broadcast: "broadcast_result";
  readonly disconnect: "disconnect_result";
  readonly delete_room: "delete_room_result";
  readonly drain: "drain_result";
  readonly subscribe_metrics: "subscribe_metrics_result";
  readonly unsubscribe_metrics: "unsubscribe_metrics_result";
  readonly list_queries: "queries";
  readonly cancel_query: "cancel_query_result";
  readonly endpoints: "endpoints";
  readonly experiments: "experiments";
  readonly analytics: "analytics";
}

/** What answers an action. */
export interface AdminReply<A extends AdminAction> {
  readonly type: ReplyTypes[A];
  readonly payload: AdminReplies[ReplyTypes[A]];
}
