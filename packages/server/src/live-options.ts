import { type Engine, LIMITS } from "@sparql-live/engine";
import type { Logger } from "pino";
import type { Authenticator, Identity } from "./auth/authenticator.js";
import type { Broker } from "./broker.js";
import type { RunBounds } from "./features/query/bounds.js";
import { SERVER_LIMITS } from "./limits.js";
import type { UserRole } from "./realtime/connection.js";
import type { RoomLimits } from "./realtime/rooms/rooms.js";
import type { Store } from "./store.js";
import type { Vault } from "./vault.js";

export interface LiveOptions {
  /** `null`: the real-time part alone; queries and terms are answered with `feature_unavailable`. */
  readonly engine: Engine | null;
  /** What outlives connections, and with a file the process. It stays its owner's. */
  readonly storage: { readonly broker: Broker; readonly store: Store };
  readonly log: Logger;
  /** Seals the credentials of endpoints that users register. Default: with a key that is gone with the process. */
  readonly vault?: Vault;
  /** Who proves who somebody is. Default: nobody has to (the open mode). */
  readonly authenticator?: Authenticator;
  /** Milliseconds for who comes without a token to show one. Default 5 000. */
  readonly authenticationTimeoutMs?: number;
  /** Milliseconds for which a ticket is good. Default 30 000. */
  readonly ticketLifeMs?: number;
  /** Milliseconds between two signs of life that the server sends. Default 30 000. */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds of silence after which a peer is taken for gone. Default 60 000. */
  readonly heartbeatTimeoutMs?: number;
  /** Rows of one result, as told in `connection_ack`. Default: the engine's. */
  readonly maxRows?: number;
  /** Messages of a connection; 0: no limit. Default 60. */
  readonly rateLimitPerMinute?: number;
  /** Default 20. */
  readonly maxConnectionsPerUser?: number;
  /** Default 100. */
  readonly maxConnectionsPerAddress?: number;
  /** Default 10 000. */
  readonly maxRooms?: number;
  /** Users in a room that names no other number. Default 50. */
  readonly maxMembersPerRoom?: number;
  /** Whether the address of a room makes it where it is missing. Default `true`. */
  readonly makeRooms?: boolean;
  /** Whether messages to a user wait for one who is away. Default `true`. */
  readonly enableMessagePersistence?: boolean;
  /** Whether there are rooms; without, whatever asks for one is answered with `feature_unavailable`. Default `true`. */
  readonly enableRooms?: boolean;
  /** How long a lost connection stays a member of its rooms, in milliseconds. Default 15 000. */
  readonly presenceGraceMs?: number;
  /** How long a lost connection may come back, in milliseconds. Default 120 000. */
  readonly resumeWindowMs?: number;
  /** Of queries in progress; what is not named is as in `RUN_BOUNDS`. */
  readonly runBounds?: Partial<RunBounds>;
  /** How long a room without members stays in memory, in milliseconds. Default one hour. */
  readonly emptyRoomMs?: number;
}

export interface Newcomer {
  /**
   * Who it is, as whoever brings it in knows. Without, in the open mode, it is a guest of its own; else it has to
   * authenticate.
   */
  readonly userId?: string;
  readonly userName?: string;
  /** Default `user`. */
  readonly role?: UserRole;
  /** What a token has proven; stands over the three before. */
  readonly identity?: Identity;
  /** One that it has brought and that is still to be verified. */
  readonly token?: string;
  /** Joined at once. */
  readonly roomId?: string;
  /** Whether it acknowledges what is queued for its user. Default `false`. */
  readonly acknowledges?: boolean;
  /** Whether it asked for a subprotocol: those that do know our close codes. Default `false`. */
  readonly isModern?: boolean;
}

/** What the options come to. */
export type Limits = RoomLimits &
  Required<
    Omit<
      LiveOptions,
      | "engine"
      | "storage"
      | "log"
      | "vault"
      | "authenticator"
      | "maxRooms"
      | "maxMembersPerRoom"
      | "runBounds"
    >
  >;

export function limitsOf(options: LiveOptions): Limits {
  return {
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? SERVER_LIMITS.heartbeatIntervalMs,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? SERVER_LIMITS.heartbeatTimeoutMs,
    maxRows: options.maxRows ?? LIMITS.maxRows,
    rateLimitPerMinute: options.rateLimitPerMinute ?? SERVER_LIMITS.requestsPerMinuteCount,
    maxConnectionsPerUser: options.maxConnectionsPerUser ?? SERVER_LIMITS.connectionsPerUserCount,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? SERVER_LIMITS.connectionsPerAddressCount,
    roomsCount: options.maxRooms ?? SERVER_LIMITS.roomsCount,
    roomsPerConnectionCount: SERVER_LIMITS.roomsPerConnectionCount,
    membersPerRoomCount: options.maxMembersPerRoom ?? SERVER_LIMITS.membersPerRoomCount,
    makeRooms: options.makeRooms ?? true,
    enableRooms: options.enableRooms ?? true,
    enableMessagePersistence: options.enableMessagePersistence ?? true,
    presenceGraceMs: options.presenceGraceMs ?? SERVER_LIMITS.presenceGraceMs,
    resumeWindowMs: options.resumeWindowMs ?? SERVER_LIMITS.resumeWindowMs,
    authenticationTimeoutMs: options.authenticationTimeoutMs ?? SERVER_LIMITS.authenticationTimeoutMs,
    ticketLifeMs: options.ticketLifeMs ?? SERVER_LIMITS.ticketLifeMs,
    emptyRoomMs: options.emptyRoomMs ?? SERVER_LIMITS.emptyRoomMs,
  };
}

/** Fine enough for the shortest of the times that it keeps. */
export function tickMsOf(limits: Limits): number {
  const { heartbeatIntervalMs, presenceGraceMs, resumeWindowMs, authenticationTimeoutMs } = limits;
  const shortest = Math.min(
    heartbeatIntervalMs,
    presenceGraceMs,
    resumeWindowMs - presenceGraceMs,
    authenticationTimeoutMs,
  );
  return Math.min(1_000, Math.max(10, shortest / 4));
}
