import type { ServerPayloads } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { Peer } from "../peer.js";
import { isAllowed } from "../policy.js";
import { EMPTY_UPDATE, wholeDocumentMessage } from "./entries.js";
import { type Room, roomNotFound } from "./room.js";

type Entrance = ServerPayloads["join_room"];

/** Lets a peer that has entered take part, and tells it what there is. Throws `room_not_found`. */
export async function welcome(room: Room, peer: Peer, correlationId: string | undefined): Promise<void> {
  const runs = await room.loadScene();
  // What is told and from where on the peer takes part is one step: nothing may fall between.
  if (peer.life !== "live") return;
  if (!room.entered.has(peer)) {
    peer.roomIds.delete(room.id);
    throw roomNotFound(room.id);
  }
  room.fanOut.sendInPlace(peer, () => {
    peer.send("join_room", entranceOf(room, peer, runs), { correlationId });
    tellDocument(room, peer);
  });
  if (!room.fanOut.members.has(peer)) room.attach(peer);
}

/**
 * For who is back and could not be recovered: the room as it is, and from that place on what comes. One step, so that
 * nothing reaches the peer before it knows of the gap.
 */
export async function readmit(room: Room, peer: Peer): Promise<void> {
  const { link } = peer;
  const runs = await room.loadScene();
  if (peer.link !== link || link === null) return;
  if (room.entered.has(peer)) {
    peer.send("room_state", { ...entranceOf(room, peer, runs), recovered: false });
    tellDocument(room, peer);
  }
  // Or it is told that it was put out meanwhile.
  room.attach(peer);
}

/** To a member, after a gap that cannot be filled (`recovered: false`), or at the end of a recovery. */
export async function tellState(room: Room, peer: Peer, recovered: boolean): Promise<void> {
  const { link } = peer;
  const runs = await room.loadScene();
  if (peer.link !== link || !room.fanOut.members.has(peer)) return;
  room.fanOut.sendInPlace(peer, () => {
    peer.send("room_state", { ...entranceOf(room, peer, runs), recovered });
    if (!recovered) tellDocument(room, peer);
  });
}

/** To a member that asks, in its place among the updates; also where it is empty. */
export async function tellWholeDocument(
  room: Room,
  peer: Peer,
  correlationId: string | undefined,
): Promise<void> {
  const { link } = peer;
  await room.document.load();
  if (peer.link !== link || !room.fanOut.members.has(peer)) return;
  room.fanOut.sendInPlace(peer, () => {
    const { id, log, document, sealed } = room;
    const { epoch, seq } = log.position;
    if (sealed === null) {
      const whole = document.whole() ?? EMPTY_UPDATE;
      peer.sendShared(wholeDocumentMessage(id, log.position, whole, correlationId));
      return;
    }
    const told = sealed.told(id, log.position, correlationId);
    const none = { room_id: id, epoch, seq, snapshot: null, updates: [] };
    if (told !== null) peer.sendShared(told);
    else peer.send("document_snapshot", none, { correlationId });
  });
}

function tellDocument({ id, log, document, sealed }: Room, peer: Peer): void {
  const told = sealed?.told(id, log.position) ?? null;
  if (told !== null) peer.sendShared(told);
  const whole = document.whole();
  if (whole !== null) peer.sendShared(wholeDocumentMessage(id, log.position, whole));
}

function entranceOf(room: Room, peer: Peer, runs: Entrance["runs"]): Entrance {
  const { record } = room;
  const role = room.roleOf(peer.user.id);
  return {
    room_id: room.id,
    room_name: record.name,
    member_count: room.presence.memberCount,
    metadata: { ...record.metadata },
    members: toldMembers(room),
    role,
    owner_id: record.ownerId,
    is_public: record.isPublic,
    max_members: record.maxMembersCount,
    is_encrypted: record.isEncrypted,
    are_runs_encrypted: false,
    ...room.log.position,
    runs,
    ...(record.invite !== null && isAllowed("invite", role) ? { invite: record.invite } : {}),
  };
}

function toldMembers(room: Room): Entrance["members"] {
  const told: Entrance["members"] = [];
  for (const { userId, userName, connectionId } of room.presence.members()) {
    if (told.length === SERVER_LIMITS.toldMembersCount) break;
    told.push({
      user_id: userId,
      user_name: userName,
      connection_id: connectionId,
      role: room.roleOf(userId),
    });
  }
  return told;
}
