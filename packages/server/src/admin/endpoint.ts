import type { Codec } from "@sparql-live/protocol";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import { createCounters } from "../realtime/counters.js";
import type { LinkContext } from "../realtime/link.js";
import type { Transport } from "../realtime/transport.js";
import type { AdminTargets } from "./perform.js";
import { parseAdminRequest } from "./request.js";
import { type Admin, AdminSession } from "./session.js";

/** The sockets of admins, which are no connections among the others. */
export interface AdminEndpoint {
  readonly isFull: boolean;
  /** Takes a transport into use, of somebody who was let in. */
  connect(transport: Transport, codec: Codec, admin: Admin): void;
  /** Closes them all. */
  close(): void;
}

export function createAdminEndpoint(targets: AdminTargets, log: Logger): AdminEndpoint {
  const { ticker, wheel, limits } = targets.live;
  const sessions = new Set<AdminSession>();
  const context: LinkContext = {
    ticker,
    wheel,
    parser: { parse: parseAdminRequest },
    // Of their own: admins who look do not change what they see.
    counters: createCounters(),
    log,
    heartbeatIntervalMs: limits.heartbeatIntervalMs,
    heartbeatTimeoutMs: limits.heartbeatTimeoutMs,
  };
  return {
    get isFull() {
      return sessions.size >= SERVER_LIMITS.adminConnectionsCount;
    },
    connect(transport, codec, admin) {
      const { who } = admin;
      const onEnd = () => sessions.delete(session);
      const session: AdminSession = new AdminSession({ transport, codec, admin, context, targets, onEnd });
      sessions.add(session);
      log.info(
        { audit: { who, address: transport.remoteAddress, action: "connect", outcome: "done" } },
        "an admin came",
      );
      session.begin();
    },
    close() {
      for (const session of [...sessions]) session.close();
    },
  };
}
