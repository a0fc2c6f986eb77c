import { type Engine, LIMITS } from "@sparql-live/engine";
import type { Logger } from "pino";
import type { Authenticator, Identity } from "./auth/authenticator.js";
import type { Broker } from "./broker.js";
import type { RunBounds } from "./features/query/bounds.js";
import { SERVER_LIMITS } from "./limits.js";
import type { Tier, UserRole } from "./realtime/connection.js";
import type { ExperimentSettings } from "./realtime/experiments.js";
import type { RoomLimits } from "./realtime/rooms/rooms.js";
import type { Store } from "./store.js";
import type { Vault } from "./vault.js";

/** What one connection, or one user, may take. */
export interface TierLimits {
  /** Messages of a connection; 0: no limit. Default: `rateLimitPerMinute`. */
  readonly ratePerMinute?: number;
  /** Of one user. Default 3. */
  readonly parallelQueries?: number;
  /** Rows of one result. Default and most: `maxRows`. */
  readonly maxRows?: number;
}

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
  /** Whether questions and queries are logged, in full. Default `false`: they are data of their askers. */
  readonly logQueries?: boolean;
  /** How late the event loop may come, in milliseconds, before new work is refused; 0: any. Default 1000. */
  readonly maxEventLoopDelayMs?: number;
  /** Used bytes of the heap above which new work is refused; 0: any. Default 0. */
  readonly maxHeapBytes?: number;
  /** The same of the memory of the whole process. Default 0. */
  readonly maxRssBytes?: number;
  /** Milliseconds for load balancers to see that the server is about to leave, see `drain`. Default 0. */
  readonly drainGraceMs?: number;
  /** Milliseconds after that in which queries may end by themselves. Default 12 000. */
  readonly drainQueriesMs?: number;
  /** How long a room without members stays in memory, in milliseconds. Default one hour. */
  readonly emptyRoomMs?: number;
  /** Other limits for guests (who name no user), users and admins. */
  readonly roleLimits?: { readonly [T in Tier]?: TierLimits };
  /** Variants that connections are assigned to. Default: none. */
  readonly experiments?: ExperimentSettings;
  /** Days of which runs are counted by endpoint; 0: none are. Default 90. */
  readonly analyticsDays?: number;
  /** Whether analytics keep the texts of questions and queries. Default `false`. */
  readonly analyticsTexts?: boolean;
}

export interface Newcomer {
  /**
   * Who it is, as whoever brings it in knows. Without, in the open mode, it is a guest of its own; else it has to
   * authenticate.
   */
  readonly userId?: string;
  readonly userName?: string;
  /** What the application vouches for. Default `user`. */
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
      | "roleLimits"
      | "experiments"
    >
  > & { readonly tiers: Readonly<Record<Tier, Required<TierLimits>>> };

export function limitsOf(options: LiveOptions): Limits {
  const maxRows = options.maxRows ?? LIMITS.maxRows;
  const rateLimitPerMinute = options.rateLimitPerMinute ?? SERVER_LIMITS.requestsPerMinuteCount;
  const tier = (limits: TierLimits = {}) => ({
    ratePerMinute: limits.ratePerMinute ?? rateLimitPerMinute,
    parallelQueries: limits.parallelQueries ?? SERVER_LIMITS.parallelQueriesPerUserCount,
    maxRows: Math.min(limits.maxRows ?? maxRows, maxRows),
  });
  const { guest, user, admin } = options.roleLimits ?? {};
  return {
    tiers: { guest: tier(guest), user: tier(user), admin: tier(admin) },
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? SERVER_LIMITS.heartbeatIntervalMs,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? SERVER_LIMITS.heartbeatTimeoutMs,
    maxRows,
    rateLimitPerMinute,
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
    analyticsDays: options.analyticsDays ?? SERVER_LIMITS.analyticsDaysCount,
    analyticsTexts: options.analyticsTexts ?? false,
    logQueries: options.logQueries ?? false,
    maxEventLoopDelayMs: options.maxEventLoopDelayMs ?? SERVER_LIMITS.maxEventLoopDelayMs,
    maxHeapBytes: options.maxHeapBytes ?? 0,
    maxRssBytes: options.maxRssBytes ?? 0,
    drainGraceMs: options.drainGraceMs ?? 0,
    drainQueriesMs: options.drainQueriesMs ?? SERVER_LIMITS.drainQueriesMs,
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
