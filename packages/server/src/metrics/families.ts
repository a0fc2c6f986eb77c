import type { MetricsSnapshot } from "@sparql-live/protocol/admin";
import { Counter, Gauge, type Registry } from "prom-client";

interface Family {
  readonly kind: "counter" | "gauge";
  /** After `sparql_live_`; in base units. */
  readonly name: string;
  readonly help: string;
  /** One number, or one for each value of a label: closed lists, never a user, a room or a text. */
  readonly read:
    | ((snapshot: MetricsSnapshot) => number)
    | {
        readonly label: string;
        readonly values: (snapshot: MetricsSnapshot) => Readonly<Record<string, number>>;
      };
}

const FAMILIES: readonly Family[] = [
  {
    kind: "counter",
    name: "connections_opened_total",
    help: "Connections opened.",
    read: (snapshot) => snapshot.total_connections,
  },
  {
    kind: "counter",
    name: "connections_closed_total",
    help: "Sockets closed, by close code; codes of a peer's own invention are `other`.",
    read: { label: "code", values: (snapshot) => snapshot.closes_by_code },
  },
  {
    kind: "counter",
    name: "disconnects_total",
    help: "Connections that the server gave up or refused, by failure code.",
    read: { label: "reason", values: (snapshot) => snapshot.disconnects_by_reason },
  },
  {
    kind: "gauge",
    name: "connections",
    help: "Connections by state; `disconnected` are those that may come back.",
    read: { label: "state", values: (snapshot) => snapshot.connections_by_state },
  },
  {
    kind: "gauge",
    name: "variant_connections",
    help: "Connections that have a socket, by experiment and variant.",
    read: {
      label: "variant",
      values: ({ connections_by_variant: byExperiment }) =>
        Object.fromEntries(
          Object.entries(byExperiment).flatMap(([experiment, byVariant]) =>
            Object.entries(byVariant).map(([variant, count]) => [`${experiment}/${variant}`, count]),
          ),
        ),
    },
  },
  {
    kind: "counter",
    name: "messages_received_total",
    help: "Messages of clients.",
    read: (snapshot) => snapshot.total_messages_received,
  },
  {
    kind: "counter",
    name: "messages_sent_total",
    help: "Messages to clients, once for each recipient.",
    read: (snapshot) => snapshot.total_messages_sent,
  },
  {
    kind: "counter",
    name: "broadcasts_total",
    help: "Messages to a room or to everybody, before they were multiplied.",
    read: (snapshot) => snapshot.broadcasts,
  },
  {
    kind: "counter",
    name: "deliveries_total",
    help: "Of the messages sent, those of which several recipients get the same.",
    read: (snapshot) => snapshot.deliveries,
  },
  {
    kind: "gauge",
    name: "outbox_bytes",
    help: "Bytes that wait to be written, of all connections.",
    read: (snapshot) => snapshot.queued_bytes,
  },
  {
    kind: "gauge",
    name: "outbox_max_bytes",
    help: "Bytes that wait for the connection for which most wait.",
    read: (snapshot) => snapshot.max_queued_bytes,
  },
  {
    kind: "gauge",
    name: "rooms_active",
    help: "Rooms with somebody in them.",
    read: (snapshot) => snapshot.active_rooms,
  },
  {
    kind: "gauge",
    name: "rooms_in_memory",
    help: "Rooms that are held in memory.",
    read: (snapshot) => snapshot.rooms_in_memory,
  },
  {
    kind: "counter",
    name: "rooms_created_total",
    help: "Rooms made.",
    read: (snapshot) => snapshot.total_rooms_created,
  },
  {
    kind: "gauge",
    name: "room_members",
    help: "Users in rooms, once for each room.",
    read: (snapshot) => snapshot.members,
  },
  {
    kind: "counter",
    name: "recoveries_total",
    help: "Connections that came back: with their session, with their rooms, with neither.",
    read: { label: "outcome", values: (snapshot) => snapshot.recoveries },
  },
  {
    kind: "counter",
    name: "rooms_recovered_total",
    help: "Rooms that returning connections got back, without a gap or not.",
    read: {
      label: "outcome",
      values: ({ rooms_recovered: recovered, rooms_not_recovered: gap }) => ({ recovered, gap }),
    },
  },
  {
    kind: "gauge",
    name: "queued_messages",
    help: "Messages for users who have not acknowledged them yet.",
    read: (snapshot) => snapshot.queued_messages,
  },
  {
    kind: "counter",
    name: "queued_messages_dropped_total",
    help: "Queued messages that had to make room.",
    read: (snapshot) => snapshot.queued_messages_dropped,
  },
  {
    kind: "counter",
    name: "rate_limit_violations_total",
    help: "Messages that were refused for their rate.",
    read: (snapshot) => snapshot.rate_limit_violations,
  },
  {
    kind: "counter",
    name: "errors_total",
    help: "Faults of the server's own.",
    read: (snapshot) => snapshot.errors,
  },
  {
    kind: "gauge",
    name: "queries_in_progress",
    help: "Queries that run or wait for their turn.",
    read: (snapshot) => snapshot.queries_in_progress,
  },
  {
    kind: "counter",
    name: "queries_shed_total",
    help: "Queries refused because the server was overloaded or shut down.",
    read: (snapshot) => snapshot.queries_shed,
  },
  {
    kind: "gauge",
    name: "overloaded",
    help: "1 while new connections and queries are refused for overload.",
    read: (snapshot) => (snapshot.overloaded ? 1 : 0),
  },
];

/** Returns what brings them up to date. */
export function registerFamilies(registry: Registry): (snapshot: MetricsSnapshot) => void {
  const updates = FAMILIES.map((family) => registerFamily(family, registry));
  return (snapshot) => {
    for (const update of updates) update(snapshot);
  };
}

function registerFamily(
  { kind, name, help, read }: Family,
  registry: Registry,
): (snapshot: MetricsSnapshot) => void {
  const options = { name: `sparql_live_${name}`, help, registers: [registry] };
  const labelNames = typeof read === "function" ? [] : [read.label];
  const metric =
    kind === "counter" ? new Counter({ ...options, labelNames }) : new Gauge({ ...options, labelNames });
  return (snapshot) => {
    // The numbers are counted elsewhere; here they are only handed on.
    metric.reset();
    if (typeof read === "function") {
      metric.inc(read(snapshot));
      return;
    }
    for (const [value, count] of Object.entries(read.values(snapshot)))
      metric.inc({ [read.label]: value }, count);
  };
}
