import Type, { type Static } from "typebox";

const Count = Type.Integer({ minimum: 0 });
const CountByName = (description: string) => Type.Record(Type.String(), Count, { description });

/** What a server has counted since its start, and what it holds now. */
export const MetricsSnapshot = Type.Object({
  total_connections: Type.Integer({ minimum: 0, description: "Opened since the start." }),
  active_connections: Count,
  total_messages_sent: Type.Integer({ minimum: 0, description: "Counted once for each recipient." }),
  total_messages_received: Count,
  total_rooms_created: Count,
  active_rooms: Type.Integer({ minimum: 0, description: "Rooms with somebody in them." }),
  disconnections: Type.Integer({ minimum: 0, description: "Sockets that were closed, by either side." }),
  errors: Type.Integer({ minimum: 0, description: "Faults of the server's own." }),
  rate_limit_violations: Count,
  queued_messages: Type.Integer({ minimum: 0, description: "For users who have not acknowledged them yet." }),
  connections_by_state: Type.Object(
    {
      connecting: Count,
      connected: Count,
      authenticated: Count,
      disconnecting: Count,
      disconnected: Count,
    },
    { description: "`disconnected`: lost, and may come back." },
  ),
  uptime_seconds: Type.Number({ minimum: 0 }),
  broadcasts: Type.Integer({ minimum: 0, description: "To a room or to everybody, before they multiplied." }),
  deliveries: Type.Integer({ minimum: 0, description: "Of the messages sent, those that several get." }),
  members: Type.Integer({ minimum: 0, description: "Users in rooms, counted once for each room." }),
  rooms_in_memory: Count,
  queued_bytes: Type.Integer({ minimum: 0, description: "That wait to be written, of all connections." }),
  max_queued_bytes: Type.Integer({ minimum: 0, description: "Of the connection for which most wait." }),
  queued_messages_dropped: Count,
  queries_in_progress: Count,
  queries_shed: Type.Integer({ minimum: 0, description: "Refused under overload or during shutdown." }),
  overloaded: Type.Boolean({ description: "New connections and queries are refused." }),
  closes_by_code: CountByName("Closed sockets by close code; codes of a peer's own invention are `other`."),
  disconnects_by_reason: CountByName("Connections that the server gave up or refused, by failure code."),
  recoveries: Type.Object(
    { resumed: Count, rejoined: Count, refused: Count },
    { description: "Of connections that came back: with their session, with their rooms, with neither." },
  ),
  rooms_recovered: Type.Integer({ minimum: 0, description: "Given back without a gap." }),
  rooms_not_recovered: Count,
  connections_by_variant: Type.Record(Type.String(), CountByName("By variant."), {
    description: "By experiment; of connections that have a socket.",
  }),
});

export type MetricsSnapshot = Static<typeof MetricsSnapshot>;
