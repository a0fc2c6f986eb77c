import { FAILURES } from "@sparql-live/protocol";
import type { Newcomer } from "../live-options.js";
import type { Peer } from "../realtime/peer.js";
import { failureOf } from "../realtime/refusals.js";
import type { Parts } from "./parts.js";

/** From here on the peer is found, and told what everybody is told. */
export function letIn(
  peer: Peer,
  { broadcasts, sessions, hub, expiries }: Pick<Parts, "broadcasts" | "sessions" | "hub" | "expiries">,
): void {
  peer.broadcastSeq = broadcasts.position.seq;
  sessions.add(peer);
  hub.add(peer);
  expiries.watch(peer);
}

/** Sends what waited for the user of a connection. */
export function deliverQueued(
  peer: Peer,
  { mailboxes, counters, log }: Pick<Parts, "mailboxes" | "counters" | "log">,
): void {
  mailboxes.deliver(peer).catch((error: unknown) => {
    counters.errors++;
    log.error({ err: error, connection: peer.id }, "queued messages could not be delivered");
  });
}

/** Puts a connection into the room that its address names; one that cannot get in is told why and closed. */
export function joinAtOnce(
  peer: Peer,
  roomId: string,
  { isModern = false }: Pick<Newcomer, "isModern">,
  { rooms, limits }: Pick<Parts, "rooms" | "limits">,
): void {
  rooms.join(peer, roomId, { makes: limits.makeRooms }).catch((error: unknown) => {
    const { message, code } = failureOf(error);
    peer.send("error_message", { error: message, error_type: code, code, room_id: roomId });
    // Clients of old know 1008 alone.
    const isMissing = isModern && code === "room_not_found";
    peer.close(isMissing ? "room_closed" : code, isMissing ? FAILURES.room_closed.close : 1008);
  });
}
