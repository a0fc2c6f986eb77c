import type { Engine } from "@sparql-live/engine";
import { ProtocolFailure } from "@sparql-live/protocol";
import {
  ADMIN_LIMITS,
  type AdminAction,
  type AdminPayload,
  type AdminReply,
  type ExperimentInfo,
  type QueryInfo,
} from "@sparql-live/protocol/admin";
import { endpointsPayload } from "../features/endpoints.js";
import type { Live } from "../live.js";
import { listConnections } from "../metrics/connection-info.js";
import { metricsOf } from "../metrics/snapshot.js";
import { withoutEngine } from "../realtime/refusals.js";
import type { Run } from "../realtime/runs.js";
import { analyticsInfoOf } from "./analytics-info.js";

/** What an action acts on. */
export interface AdminTargets {
  readonly live: Live;
  /** `null`: the real-time part alone. */
  readonly engine: Engine | null;
  /** Ends the server in good order. */
  readonly drain: () => Promise<void>;
}

/** What the socket of who asks can be told to do. */
export interface MetricsSubscription {
  /** Takes the place of the one before. */
  start(intervalMs: number): void;
  stop(): void;
}

type Performers = {
  readonly [A in AdminAction]: (payload: AdminPayload<A>) => AdminReply<A> | Promise<AdminReply<A>>;
};

/** What each action does. Throws `ProtocolFailure`. */
export function createPerformers(targets: AdminTargets, subscription: MetricsSubscription): Performers {
  const { live, engine } = targets;
  return {
    get_metrics: () => ({ type: "metrics", payload: metricsOf(live) }),
    list_connections: ({ limit = ADMIN_LIMITS.listedConnectionsCount, offset = 0 }) => ({
      type: "connections",
      payload: listConnections(live, { limit, offset }),
    }),
    async list_rooms({ limit = ADMIN_LIMITS.listedRoomsCount, offset = 0 }) {
      const found = await live.controls.listRooms({ offset, limit: limit + 1 });
      return { type: "rooms", payload: { rooms: found.slice(0, limit), more: found.length > limit } };
    },
    async broadcast({ message, level = "info" }) {
      const sent = await live.controls.broadcast("system_message", { message, level });
      return { type: "broadcast_result", payload: { sent_count: sent } };
    },
    disconnect: (named) => ({
      type: "disconnect_result",
      payload: { disconnected_count: disconnect(live, named) },
    }),
    async delete_room({ room_id: roomId }) {
      await live.controls.deleteRoom(roomId);
      return { type: "delete_room_result", payload: { room_id: roomId } };
    },
    drain() {
      // Not waited for: its end is the end of this socket too.
      void targets.drain();
      return { type: "drain_result", payload: { draining: true } };
    },
    subscribe_metrics({ interval_ms: intervalMs = ADMIN_LIMITS.defaultMetricsIntervalMs }) {
      subscription.start(intervalMs);
      return { type: "subscribe_metrics_result", payload: { interval_ms: intervalMs } };
    },
    unsubscribe_metrics() {
      subscription.stop();
      return { type: "unsubscribe_metrics_result", payload: { subscribed: false } };
    },
    list_queries: () => ({
      type: "queries",
      payload: { queries: Array.from(live.runs.active(), queryInfoOf) },
    }),
    cancel_query: (named) => ({
      type: "cancel_query_result",
      payload: { cancelled_count: cancelQueries(live, named) },
    }),
    endpoints() {
      if (engine === null) throw withoutEngine();
      return { type: "endpoints", payload: endpointsPayload(engine.endpoints.list()) };
    },
    experiments: () => ({ type: "experiments", payload: { experiments: experimentsOf(live) } }),
    async analytics(range) {
      const days = await live.analytics.between(range);
      return { type: "analytics", payload: { days: days.map(analyticsInfoOf) } };
    },
  };
}

function disconnect(live: Live, { connection_id: id, user_id: userId }: AdminPayload<"disconnect">): number {
  if ((id === undefined) === (userId === undefined)) {
    throw new ProtocolFailure("bad_request", "Give either `connection_id` or `user_id`.");
  }
  if (id !== undefined) return live.controls.disconnect(id) ? 1 : 0;
  return live.controls.disconnectUser(userId ?? "");
}

function cancelQueries({ runs }: Live, named: AdminPayload<"cancel_query">): number {
  const { query_id: queryId, user_id: userId, room_id: roomId } = named;
  const found = Array.from(runs.active()).filter((run) => {
    const info = queryInfoOf(run);
    const isOfUser = userId === undefined || info.user_id === userId;
    return run.id === queryId && isOfUser && (roomId === undefined || info.room_id === roomId);
  });
  if (found.length === 0) {
    throw new ProtocolFailure("query_not_found", `No such query "${queryId}" is in progress.`);
  }
  for (const run of found) run.cancel("requested");
  return found.length;
}

function queryInfoOf({ id, scope, userId, startedAtMs }: Run): QueryInfo {
  const kind = scope.slice(0, scope.indexOf(":"));
  const name = scope.slice(scope.indexOf(":") + 1);
  return {
    query_id: id,
    ...(userId === null ? {} : { user_id: userId }),
    // Behind the id of the room stands when it was made.
    ...(kind === "room" ? { room_id: name.slice(0, name.lastIndexOf(":")) } : {}),
    ...(kind === "http" ? { ip_address: name } : {}),
    started_at: new Date(startedAtMs).toISOString(),
  };
}

function experimentsOf(live: Live): ExperimentInfo[] {
  const { connections_by_variant: counts } = metricsOf(live);
  return Object.entries(live.experiments.settings).map(([name, shares]) => ({
    name,
    variants: Object.entries(shares).map(([variant, share]) => ({
      name: variant,
      share,
      connections: counts[name]?.[variant] ?? 0,
    })),
  }));
}
