import { randomUUID } from "node:crypto";
import { type Codec, closeReason, FAILURES } from "@sparql-live/protocol";
import type { Newcomer } from "../live-options.js";
import type { Connection, User } from "../realtime/connection.js";
import type { Core } from "../realtime/core.js";
import { increment } from "../realtime/counters.js";
import { guestIdOf, Peer } from "../realtime/peer.js";
import type { Transport } from "../realtime/transport.js";
import { retryAfterMsOf } from "./intake.js";
import type { Parts } from "./parts.js";
import type { Present } from "./proof.js";
import { deliverQueued, joinAtOnce, letIn } from "./welcome.js";

/** Who is let in. */
export interface Admission extends Pick<Refusals, "refusalOf"> {
  /** Takes a transport into use. `null`: it had to be refused, and was closed with the reason (see `refusalOf`). */
  connect(transport: Transport, codec: Codec, newcomer?: Newcomer): Connection | null;
}

/** Why a newcomer would be refused. */
export interface Refusals {
  /** Before it is let in. Without a user: as far as it can be told before it has authenticated. */
  refusalOf(address: string, userId: string | undefined): Refusal | null;
  /** Now that it is known who it is. */
  refusalOfUser(userId: string): "too_many_connections" | null;
}

type Refusal = "going_away" | "overloaded" | "too_many_connections";

export function createRefusals({ hub, lobby, limits, counters, intake }: Parts): Refusals {
  const refuse = (isCrowded: boolean) => {
    if (!isCrowded) return null;
    increment(counters.disconnectsByCode, "too_many_connections");
    return "too_many_connections";
  };
  const refusalOfUser = (userId: string) =>
    refuse(hub.userConnectionsCount(userId) >= limits.maxConnectionsPerUser);
  return {
    refusalOfUser,
    refusalOf(address, userId) {
      const { refusal } = intake;
      if (refusal !== null) {
        increment(counters.disconnectsByCode, refusal);
        return refusal;
      }
      const count = hub.addressConnectionsCount(address) + lobby.addressConnectionsCount(address);
      const ofAddress = refuse(count >= limits.maxConnectionsPerAddress);
      return ofAddress ?? (userId === undefined ? null : refusalOfUser(userId));
    },
  };
}

export function createAdmission(
  parts: Parts,
  core: Core<Peer>,
  { refusalOf }: Refusals,
  present: Present,
): Admission {
  const { authentication, lobby, counters, log } = parts;
  return {
    refusalOf,
    connect(transport, codec, newcomer = {}) {
      const user = userOf(newcomer);
      const refusal = refusalOf(transport.remoteAddress, user?.id);
      if (refusal !== null) {
        transport.close(
          FAILURES[refusal].close,
          closeReason(refusal, refusal === "too_many_connections" ? 1_000 : retryAfterMsOf(refusal)),
        );
        return null;
      }
      const peer = peerOf(transport, codec, user, newcomer, core);
      counters.connectionsOpened++;
      log.debug({ connection: peer.id, protocol: peer.codec.subprotocol }, "connection opened");
      if (user === null && !authentication.isOpen) {
        lobby.add(peer, newcomer);
        peer.broadcastSeq = parts.broadcasts.position.seq;
        peer.greet(false);
        if (newcomer.token !== undefined) void present(peer, newcomer.token);
        return peer;
      }
      if (newcomer.identity !== undefined) peer.identify(newcomer.identity);
      letIn(peer, parts);
      peer.greet(user !== null);
      if (user !== null) deliverQueued(peer, parts);
      if (newcomer.roomId !== undefined) joinAtOnce(peer, newcomer.roomId, newcomer, parts);
      return peer;
    },
  };
}

/** `null`: nobody said who it is. */
function userOf({ identity, userId, userName, role = "user" }: Newcomer): User | null {
  if (identity !== undefined) return { id: identity.userId, name: identity.userName, role: identity.role };
  return userId === undefined ? null : { id: userId, name: userName ?? userId, role };
}

function peerOf(
  transport: Transport,
  codec: Codec,
  user: User | null,
  { userName = "Guest", role = "user", acknowledges = false }: Newcomer,
  core: Core<Peer>,
): Peer {
  const id = randomUUID();
  const guest: User = { id: guestIdOf(id), name: userName, role };
  return new Peer(core, { id, user: user ?? guest, transport, codec, acknowledges });
}
