import Type from "typebox";

/** A ping, pong or heartbeat carries nothing that is needed; old clients send none of it. */
export const Ping = Type.Object({});
export const Pong = Type.Object({ timestamp: Type.Optional(Type.Number()) });
export const Heartbeat = Type.Object({ timestamp: Type.Number() });

export const ConnectionAck = Type.Object({
  connection_id: Type.String(),
  user_id: Type.Union([Type.String(), Type.Null()]),
  server_time: Type.String({ description: "ISO 8601." }),
  heartbeat_interval: Type.Number({ description: "Seconds." }),
  protocol: Type.String(),
  limits: Type.Object({
    max_message_bytes: Type.Integer(),
    max_rows: Type.Integer(),
    max_timeout: Type.Number({ description: "Seconds." }),
    max_credit: Type.Integer(),
  }),
  features: Type.Array(Type.String()),
});
