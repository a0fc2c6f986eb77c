import Type, { type Static } from "typebox";
import { Id } from "../schemas/envelope.js";
import { RoomId } from "../schemas/rooms.js";
import { ADMIN_LIMITS } from "./limits.js";

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
  list_connections: pageOf(ADMIN_LIMITS.maxListedConnectionsCount, ADMIN_LIMITS.listedConnectionsCount),
  list_rooms: pageOf(ADMIN_LIMITS.maxListedRoomsCount, ADMIN_LIMITS.listedRoomsCount),
  broadcast: Type.Object({
    message: Type.String({ minLength: 1, maxLength: ADMIN_LIMITS.maxBroadcastCharacters }),
    level: Type.Optional(Type.Enum(["info", "warning", "error"])),
  }),
  disconnect: Type.Object({ connection_id: Type.Optional(Id), user_id: Type.Optional(Id) }),
  delete_room: Type.Object({ room_id: RoomId }),
  drain: Nothing,
  subscribe_metrics: Type.Object({
    interval_ms: Type.Optional(
      Type.Integer({
        minimum: ADMIN_LIMITS.minMetricsIntervalMs,
        maximum: ADMIN_LIMITS.maxMetricsIntervalMs,
        default: ADMIN_LIMITS.defaultMetricsIntervalMs,
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
