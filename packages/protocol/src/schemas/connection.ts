import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";
import { Id } from "./envelope.js";
import { Epoch, Position } from "./rooms.js";

/** A ping, pong or heartbeat carries nothing that is needed; old clients send none of it. */
export const Ping = Type.Object({});
export const Pong = Type.Object({ timestamp: Type.Optional(Type.Number()) });
export const Heartbeat = Type.Object({ timestamp: Type.Number() });

const SessionInfo = Type.Object({
  resume_token: Type.String({ description: "Proves the session; another one after each use." }),
  resume_window: Type.Number({ description: "Seconds for which it is good after the connection is lost." }),
  /** Where the messages to everybody stand. */
  broadcast: Position,
});

const ConnectionLimits = Type.Object({
  max_message_bytes: Type.Integer(),
  max_rows: Type.Integer(),
  max_timeout: Type.Number({ description: "Seconds." }),
  max_credit: Type.Integer(),
  max_rooms: Type.Integer({ description: "That a connection may be in." }),
  rate_per_minute: Type.Integer({ description: "Messages; 0: no limit." }),
});

const Variants = Type.Record(Type.String(), Type.String(), {
  description: "Of each experiment the variant.",
});

export const ConnectionAck = Type.Object({
  connection_id: Type.String(),
  user_id: Type.Union([Type.String(), Type.Null()], { description: "`null` until it has authenticated." }),
  server_time: Type.String({ description: "ISO 8601." }),
  heartbeat_interval: Type.Number({ description: "Seconds." }),
  protocol: Type.String(),
  session: SessionInfo,
  limits: ConnectionLimits,
  features: Type.Array(Type.String()),
  variants: Type.Optional(Variants),
});

/** How long a token may be is checked where it is verified: one that is too long is a bad token. */
export const Authenticate = Type.Object({
  token: Type.String({ minLength: 1, description: "As it stands behind `Bearer` in a header." }),
});

const ExpiresAt = Type.Union([Type.String(), Type.Null()], { description: "ISO 8601; `null`: never." });

export const Authenticated = Type.Object({
  user_id: Type.String(),
  user_name: Type.String(),
  expires_at: ExpiresAt,
  /** Those of `connection_ack` were a guest's. */
  limits: ConnectionLimits,
  variants: Type.Optional(Variants),
});

/** Time for a fresh token. */
export const TokenExpiring = Type.Object({ expires_at: Type.String({ description: "ISO 8601." }) });

export const Resume = Type.Object({
  resume_token: Type.String({ minLength: 1, maxLength: 256 }),
  positions: Type.Optional(
    Type.Object({
      rooms: Type.Optional(
        Type.Record(Type.String(), Position, { maxProperties: WIRE_LIMITS.maxPositionsCount }),
      ),
      runs: Type.Optional(
        Type.Record(
          Type.String(),
          Type.Integer({ minimum: -1, description: "The last chunk seen; -1: none." }),
          { maxProperties: WIRE_LIMITS.maxPositionsCount },
        ),
      ),
      broadcast: Type.Optional(Position),
    }),
  ),
  acks: Type.Optional(
    Type.Boolean({ default: false, description: "The client acknowledges what is queued for its user." }),
  ),
});

const Recovered = Type.Object({
  recovered: Type.Boolean(),
  code: Type.Optional(Type.String({ description: "Why not, where it was not." })),
});

export const Resumed = Type.Object({
  /** That of the session, where it was found: the one before the connection was lost. */
  connection_id: Type.String(),
  user_id: Type.String(),
  /** Whether the token was good. Rooms can be recovered without it, by their positions. */
  session: Type.Boolean(),
  resume_token: Type.String(),
  rooms: Type.Record(Type.String(), Recovered),
  runs: Type.Record(Type.String(), Recovered),
  broadcast: Type.Optional(
    Type.Object({ recovered: Type.Boolean(), epoch: Epoch, seq: Type.Integer({ minimum: 0 }) }),
  ),
});

/** From a client: it has the message of this id, which was queued for its user. */
export const Acknowledge = Type.Object({
  message_id: Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters }),
});

/** From a server: the message of this id is stored at this place. */
export const Ack = Type.Object({
  message_id: Type.Optional(Id),
  room_id: Type.String(),
  seq: Type.Integer({ minimum: 1 }),
  epoch: Epoch,
});
