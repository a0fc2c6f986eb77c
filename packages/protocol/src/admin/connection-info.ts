import Type, { type Static } from "typebox";

/** Where a connection may be in its life, as the server sees it. */
export const CONNECTION_STATES = [
  "connecting",
  "connected",
  "authenticated",
  "disconnecting",
  "disconnected",
] as const;

/** A connection as the admin and the application see it. */
export const ConnectionInfo = Type.Object({
  connection_id: Type.String(),
  user_id: Type.String(),
  user_name: Type.String(),
  authenticated: Type.Boolean({ description: "Whether it named a user; else it is a guest." }),
  connected_at: Type.String({ description: "ISO 8601." }),
  last_heartbeat: Type.Union([Type.String(), Type.Null()], {
    description: "The last sign of life, ISO 8601; `null` of a connection that was lost.",
  }),
  state: Type.Enum([...CONNECTION_STATES]),
  message_count: Type.Integer({ minimum: 0, description: "Received." }),
  rooms: Type.Array(Type.String()),
  ip_address: Type.String(),
});

export type ConnectionInfo = Static<typeof ConnectionInfo>;
