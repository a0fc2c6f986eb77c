import { type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";
import type { Limits } from "../live-options.js";
import type { Tier } from "../realtime/connection.js";
import type { Peer } from "../realtime/peer.js";
import type { Feature } from "./features.js";
import type { Parts } from "./parts.js";

/** What a connection is told first: who it is, how it may come back, what it may do. */
export function greetingOf(
  peer: Peer,
  features: readonly Feature[],
  {
    sessions,
    broadcasts,
    limits,
    experiments,
  }: Pick<Parts, "sessions" | "broadcasts" | "limits" | "experiments">,
): ServerPayloads["connection_ack"] {
  return {
    connection_id: peer.id,
    user_id: peer.probation === null ? peer.user.id : null,
    server_time: new Date().toISOString(),
    heartbeat_interval: limits.heartbeatIntervalMs / 1_000,
    protocol: peer.codec.subprotocol,
    session: {
      resume_token: sessions.issueToken(peer),
      resume_window: limits.resumeWindowMs / 1_000,
      broadcast: { ...broadcasts.position },
    },
    features: [...features],
    ...standingOf(peer, { limits, experiments }),
  };
}

/** What depends on who it is: told again when that is known. */
export function standingOf(
  peer: Peer,
  { limits, experiments }: Pick<Parts, "limits" | "experiments">,
): Pick<ServerPayloads["connection_ack"], "limits" | "variants"> {
  return {
    limits: toldLimits(limits, peer.tier),
    ...(Object.keys(experiments.settings).length === 0 ? {} : { variants: { ...peer.variants } }),
  };
}

function toldLimits(limits: Limits, tier: Tier): ServerPayloads["connection_ack"]["limits"] {
  return {
    max_message_bytes: WIRE_LIMITS.maxMessageBytes,
    max_rows: limits.tiers[tier].maxRows,
    max_timeout: WIRE_LIMITS.maxTimeoutSeconds,
    max_credit: WIRE_LIMITS.maxCreditRows,
    max_rooms: limits.roomsPerConnectionCount,
    rate_per_minute: limits.tiers[tier].ratePerMinute,
  };
}
