import type { ConnectionInfo } from "@sparql-live/protocol/admin";
import type { Hub } from "../realtime/hub.js";
import type { Peer } from "../realtime/peer.js";
import type { Sessions } from "../realtime/sessions.js";

export function connectionInfoOf(peer: Peer): ConnectionInfo {
  const { link } = peer;
  return {
    connection_id: peer.id,
    user_id: peer.user.id,
    user_name: peer.user.name,
    authenticated: peer.isIdentified,
    connected_at: new Date(peer.connectedAtMs).toISOString(),
    last_heartbeat: link === null ? null : new Date(Date.now() - link.silentMs).toISOString(),
    state: peer.session.state,
    message_count: peer.messageCount,
    rooms: [...peer.roomIds],
    ip_address: peer.remoteAddress,
  };
}

/** Those that have a socket, oldest first, then those that were lost and may come back. */
function* connectionsOf({
  hub,
  sessions,
}: {
  readonly hub: Hub;
  readonly sessions: Sessions;
}): Generator<Peer, void, undefined> {
  yield* hub.all();
  yield* sessions.lost();
}

export function listConnections(
  parts: { readonly hub: Hub; readonly sessions: Sessions },
  { limit, offset }: { readonly limit: number; readonly offset: number },
): { connections: ConnectionInfo[]; more: boolean } {
  const connections: ConnectionInfo[] = [];
  let index = 0;
  for (const peer of connectionsOf(parts)) {
    if (index++ < offset) continue;
    if (connections.length === limit) return { connections, more: true };
    connections.push(connectionInfoOf(peer));
  }
  return { connections, more: false };
}
