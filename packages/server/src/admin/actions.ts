import { type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";
import { RoomId } from "@sparql-live/protocol/schemas";
import Type, { type Static } from "typebox";
import { SERVER_LIMITS } from "../limits.js";
import type { ConnectionInfo } from "../metrics/connection-info.js";
import type { MetricsSnapshot } from "../metrics/snapshot.js";
import type { RoomInfo } from "../realtime/rooms/room-record.js";
import type { AnalyticsDay } from "../store.js";

const Id = Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters });
const Day = Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\d$", description: "UTC." });
const Nothing = Type.Object({});

const pageOf = (maximum: number, fallback: number) =>
  Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum, default: fallback })),
    offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  });

/** Everything that an admin may ask for: what stands beside `action`. */
export const ADMIN_ACTIONS = {
  get_metrics: Nothing,
  list_connections: pageOf(SERVER_LIMITS.maxListedConnectionsCount, SERVER_LIMITS.listedConnectionsCount),
  list_rooms: pageOf(SERVER_LIMITS.maxListedRoomsCount, SERVER_LIMITS.listedRoomsCount),
  broadcast: Type.Object({
    message: Type.String({ minLength: 1, maxLength: SERVER_LIMITS.maxBroadcastCharacters }),
    level: Type.Optional(Type.Enum(["info", "warning", "error"])),
  }),
  disconnect: Type.Object({ connection_id: Type.Optional(Id), user_id: Type.Optional(Id) }),
  delete_room: Type.Object({ room_id: RoomId }),
  drain: Nothing,
  subscribe_metrics: Type.Object({
    interval_ms: Type.Optional(
      Type.Integer({
        minimum: SERVER_LIMITS.minMetricsIntervalMs,
        maximum: SERVER_LIMITS.maxMetricsIntervalMs,
        default: SERVER_LIMITS.defaultMetricsIntervalMs,
      }),
    ),
  }),
  unsubscribe_metrics: Nothing,
  list_queries: Nothing,
  cancel_query: Type.Object({ query_id: Id, user_id: Type.Optional(Id), room_id: Type.Optional(RoomId) }),
  endpoints: Nothing,
  experiments: Nothing,
  analytics: Type.Object({ from: Type.Optional(Day), to: Type.Optional(Day) }),
} as const;

export type AdminAction = keyof typeof ADMIN_ACTIONS;

export type AdminPayload<A extends AdminAction> = Static<(typeof ADMIN_ACTIONS)[A]>;

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
  readonly rooms: { readonly rooms: readonly RoomInfo[]; readonly more: boolean };
  readonly broadcast_result: { readonly sent_count: number };
  readonly disconnect_result: { readonly disconnected_count: number };
  readonly delete_room_result: { readonly room_id: string };
  readonly drain_result: { readonly draining: true };
  readonly subscribe_metrics_result: { readonly interval_ms: number };
  readonly unsubscribe_metrics_result: { readonly subscribed: false };
  readonly queries: { readonly queries: readonly QueryInfo[] };
  readonly cancel_query_result: { readonly cancelled_count: number };
  readonly endpoints: ServerPayloads["endpoint_status"];
  readonly experiments: { readonly experiments: readonly ExperimentInfo[] };
  readonly analytics: { readonly days: readonly AnalyticsInfo[] };
}

/** One day of one endpoint. */
interface AnalyticsInfo {
  readonly day: string;
  readonly endpoint_id: string;
  readonly questions: number;
  readonly queries: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly rows: number;
  /** Of those that completed. */
  readonly latency_ms: {
    readonly count: number;
    readonly sum: number;
    readonly max: number;
    /** `le`: took no longer, and longer than the one before; `null`: longer than all of them. */
    readonly buckets: readonly { readonly le: number | null; readonly count: number }[];
  };
  /** Only where the setting keeps them. */
  readonly texts: readonly string[];
}

export function analyticsInfoOf(day: AnalyticsDay): AnalyticsInfo {
  const { latency } = day;
  return {
    day: day.day,
    endpoint_id: day.endpointId,
    questions: day.question,
    queries: day.sparql,
    completed: day.completed,
    failed: day.failed,
    cancelled: day.cancelled,
    rows: day.rows,
    latency_ms: {
      count: latency.count,
      sum: latency.sumMs,
      max: latency.maxMs,
      buckets: latency.buckets.map((count, index) => ({
        le: SERVER_LIMITS.analyticsBucketsMs[index] ?? null,
        count,
      })),
    },
    texts: day.texts,
  };
}
