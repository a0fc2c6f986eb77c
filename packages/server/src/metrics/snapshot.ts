import { FAILURES } from "@sparql-live/protocol";
import { CONNECTION_STATES, type MetricsSnapshot } from "@sparql-live/protocol/admin";
import type { Live } from "../live.js";
import { increment } from "../realtime/counters.js";

/** Counted where it happens; what is held now is counted here, in one walk over connections and rooms. */
export function metricsOf(live: Live): MetricsSnapshot {
  const { counters } = live;
  const { recoveries } = counters;
  return {
    total_connections: counters.connectionsOpened,
    active_connections: live.hub.size,
    total_messages_sent: counters.messagesSent,
    total_messages_received: counters.messagesReceived,
    total_rooms_created: counters.roomsCreated,
    disconnections: sum(counters.closesByCode.values()),
    errors: counters.errors,
    rate_limit_violations: counters.rateLimitViolations,
    queued_messages: live.broker.queues.totalCount(),
    ...connectionsOf(live),
    ...roomsOf(live),
    uptime_seconds: (performance.now() - live.startedAtMs) / 1_000,
    broadcasts: counters.broadcasts + live.hub.broadcastsCount,
    deliveries: counters.deliveries,
    queued_messages_dropped: counters.queuedMessagesDropped,
    queries_in_progress: live.runs.activeCount,
    queries_shed: counters.queriesShed,
    overloaded: live.pressure.isOverloaded,
    closes_by_code: closesOf(counters.closesByCode),
    disconnects_by_reason: Object.fromEntries(counters.disconnectsByCode),
    recoveries: {
      resumed: recoveries.get("resumed") ?? 0,
      rejoined: recoveries.get("rejoined") ?? 0,
      refused: recoveries.get("refused") ?? 0,
    },
    rooms_recovered: counters.roomsRecovered,
    rooms_not_recovered: counters.roomsNotRecovered,
    connections_by_variant: variantsOf(live),
  };
}

type Connections = Pick<MetricsSnapshot, "connections_by_state" | "queued_bytes" | "max_queued_bytes">;

function connectionsOf({ hub, sessions }: Live): Connections {
  const states = Object.fromEntries(CONNECTION_STATES.map((state) => [state, 0]));
  // Every state is a member now.
  const byState = states as Connections["connections_by_state"];
  let queuedBytes = 0;
  let maxQueuedBytes = 0;
  for (const { session, link } of hub.all()) {
    byState[session.state]++;
    const bytes = link?.outbox.queuedBytes ?? 0;
    queuedBytes += bytes;
    maxQueuedBytes = Math.max(maxQueuedBytes, bytes);
  }
  for (const _ of sessions.lost()) byState.disconnected++;
  return { connections_by_state: byState, queued_bytes: queuedBytes, max_queued_bytes: maxQueuedBytes };
}

function variantsOf({ hub, experiments }: Live): MetricsSnapshot["connections_by_variant"] {
  const { settings } = experiments;
  const names = Object.keys(settings);
  if (names.length === 0) return {};
  const counts = new Map(
    names.map((name) => [name, new Map(Object.keys(settings[name] ?? {}).map((variant) => [variant, 0]))]),
  );
  for (const { variants } of hub.all()) {
    for (const [name, variant] of Object.entries(variants)) increment(counts.get(name) ?? new Map(), variant);
  }
  return Object.fromEntries([...counts].map(([name, ofName]) => [name, Object.fromEntries(ofName)]));
}

function roomsOf({ rooms }: Live): Pick<MetricsSnapshot, "active_rooms" | "members" | "rooms_in_memory"> {
  let active = 0;
  let members = 0;
  for (const { presence } of rooms.loaded()) {
    if (presence.memberCount > 0) active++;
    members += presence.memberCount;
  }
  return { active_rooms: active, members, rooms_in_memory: rooms.activeCount };
}

/** RFC 6455, section 7.4.1, and our own. A peer may close with any of 2,000 others: they are one. */
const KNOWN_CLOSE_CODES: ReadonlySet<number> = new Set([
  ...[1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...Object.values(FAILURES).flatMap(({ close }) => close ?? []),
]);

function closesOf(closesByCode: ReadonlyMap<number, number>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const [code, count] of closesByCode) {
    const name = KNOWN_CLOSE_CODES.has(code) ? String(code) : "other";
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
