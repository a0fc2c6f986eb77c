import type { Peer } from "./peer.js";
import type { SessionState } from "./session.js";

/** A connection as REST and the application are told of it. */
export interface ConnectionInfo {
  readonly connection_id: string;
  readonly user_id: string;
  readonly user_name: string;
  /** Whether it is known who the user is; `false` for guests. */
  readonly authenticated: boolean;
  /** ISO 8601. */
  readonly connected_at: string;
  /** Of its last sign of life, ISO 8601; `null` while it has no socket. */
  readonly last_heartbeat: string | null;
  readonly state: SessionState;
  /** Messages received from it. */
  readonly message_count: number;
  /** The ids of the rooms it is in. */
  readonly rooms: readonly string[];
  readonly ip_address: string;
}

export function connectionInfoOf(peer: Peer): ConnectionInfo {
  const { link, session, user } = peer;
  return {
    connection_id: peer.id,
    user_id: user.id,
    user_name: user.name,
    authenticated: peer.isIdentified,
    connected_at: new Date(peer.connectedAtMs).toISOString(),
    last_heartbeat: link === null ? null : new Date(Date.now() - link.silentMs).toISOString(),
    state: session.state,
    message_count: peer.messageCount,
    rooms: [...peer.roomIds],
    ip_address: peer.remoteAddress,
  };
}
