import { randomUUID } from "node:crypto";
import { type Codec, closeReason, FAILURES } from "@sparql-live/protocol";
import type { Newcomer } from "../live-options.js";
import type { Connection } from "../realtime/connection.js";
import type { Core } from "../realtime/core.js";
import { increment } from "../realtime/counters.js";
import { guestIdOf, Peer } from "../realtime/peer.js";
import type { Transport } from "../realtime/transport.js";
import { retryAfterMsOf } from "./gate.js";
import type { Parts } from "./parts.js";
import { deliverQueued, joinAtOnce } from "./welcome.js";

/** Who is let in. */
export interface Admission {
  /** Why a newcomer would be refused, before it is let in. */
  refusalOf(address: string, userId: string | undefined): Refusal | null;
  /** Takes a transport into use. `null`: it had to be refused, and was closed with the reason (see `refusalOf`). */
  connect(transport: Transport, codec: Codec, newcomer?: Newcomer): Connection | null;
}

type Refusal = "going_away" | "overloaded" | "too_many_connections";

export function createAdmission(parts: Parts, core: Core<Peer>): Admission {
  const { hub, limits, counters, gate } = parts;

  const refusalOf = (address: string, userId: string | undefined): Refusal | null => {
    const { refusal } = gate;
    if (refusal !== null) {
      increment(counters.disconnectsByCode, refusal);
      return refusal;
    }
    const isCrowded =
      hub.addressConnectionsCount(address) >= limits.maxConnectionsPerAddress ||
      (userId !== undefined && hub.userConnectionsCount(userId) >= limits.maxConnectionsPerUser);
    if (!isCrowded) return null;
    increment(counters.disconnectsByCode, "too_many_connections");
    return "too_many_connections";
  };

  return {
    refusalOf,
    connect(transport, codec, newcomer = {}) {
      const refusal = refusalOf(transport.remoteAddress, newcomer.userId);
      if (refusal !== null) {
        transport.close(
          FAILURES[refusal].close,
          closeReason(refusal, refusal === "too_many_connections" ? 1_000 : retryAfterMsOf(refusal)),
        );
        return null;
      }
      const peer = peerOf(transport, codec, newcomer, core);
      letIn(peer, newcomer, parts);
      if (newcomer.userId !== undefined) deliverQueued(peer, parts);
      if (newcomer.roomId !== undefined) joinAtOnce(peer, newcomer.roomId, newcomer, parts);
      return peer;
    },
  };
}

function peerOf(
  transport: Transport,
  codec: Codec,
  { userId, userName, acknowledges = false }: Newcomer,
  core: Core<Peer>,
): Peer {
  const id = randomUUID();
  const user = { id: userId ?? guestIdOf(id), name: userName ?? userId ?? "Guest" };
  return new Peer(core, { id, user, transport, codec, acknowledges });
}

/** From here on the peer is found, counted and told. */
function letIn(peer: Peer, { userId }: Newcomer, { counters, broadcasts, sessions, hub, log }: Parts): void {
  counters.connectionsOpened++;
  peer.broadcastSeq = broadcasts.position.seq;
  sessions.add(peer);
  hub.add(peer);
  peer.greet(userId !== undefined);
  log.debug({ connection: peer.id, protocol: peer.codec.subprotocol }, "connection opened");
}
