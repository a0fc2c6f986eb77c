import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { RoomRecord, RoomRole } from "../../store.js";
import type { Sessions } from "../sessions.js";
import type { Room } from "./room.js";
import type { Rooms } from "./rooms.js";

export type MemberChange = { readonly userId: string; readonly byUserId: string } & (
  | { readonly action: "role"; readonly role: RoomRole }
  | { readonly action: "kick" | "ban" | "unban" }
);

/**
 * Changes what a user is in a room, stores it, and tells all members; who is put out is out on all connections.
 * Throws `bad_request` where it cannot be.
 */
export async function changeMember(
  room: Room,
  change: MemberChange,
  { rooms, sessions }: { readonly rooms: Rooms; readonly sessions: Pick<Sessions, "get"> },
): Promise<void> {
  const { userId, byUserId, action } = change;
  if (userId === room.record.ownerId) {
    throw new ProtocolFailure("bad_request", "The owner of a room stays its owner and cannot be put out.");
  }
  if (action !== "kick") await room.change((record) => changedRecord(record, change));
  room.notices.tell("room_member_update", {
    room_id: room.id,
    user_id: userId,
    action,
    ...(action === "role" ? { role: change.role } : {}),
    by_user_id: byUserId,
  });
  if (action === "kick" || action === "ban") {
    await putOut(room, userId, action === "kick" ? "kicked" : "banned", rooms, sessions);
  }
}

function changedRecord(record: RoomRecord, change: MemberChange): Partial<RoomRecord> {
  const { userId } = change;
  switch (change.action) {
    case "role": {
      const roles = new Map(Object.entries(record.roles)).set(userId, change.role);
      checkCount(roles.size);
      return { roles: Object.fromEntries(roles) };
    }
    case "ban": {
      const banned = new Set(record.bannedUserIds).add(userId);
      checkCount(banned.size);
      return { bannedUserIds: [...banned] };
    }
    case "unban":
      return { bannedUserIds: record.bannedUserIds.filter((id) => id !== userId) };
    case "kick":
      return {};
  }
}

function checkCount(count: number): void {
  if (count <= SERVER_LIMITS.maxNamedUsersPerRoomCount) return;
  throw new ProtocolFailure(
    "bad_request",
    `A room names ${SERVER_LIMITS.maxNamedUsersPerRoomCount} users at most; take back one first.`,
  );
}

async function putOut(
  room: Room,
  userId: string,
  reason: "kicked" | "banned",
  rooms: Rooms,
  sessions: Pick<Sessions, "get">,
): Promise<void> {
  const theirs = [...room.presence.members()].filter((member) => member.userId === userId);
  for (const { connectionId } of theirs) {
    const peer = sessions.get(connectionId);
    if (peer === undefined) continue;
    if (room.fanOut.members.has(peer)) await rooms.leave(peer, room.id, reason);
    else await room.leave(peer);
  }
  // Who is away longer than the grace is not present, and may not come back without an invitation either.
  for (const peer of [...room.entered]) if (peer.user.id === userId) await room.leave(peer);
}
