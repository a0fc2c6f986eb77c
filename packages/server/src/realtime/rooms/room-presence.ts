import type { EnterOutcome, PresenceMember } from "../../broker.js";
import type { Peer } from "../peer.js";
import type { RoomNotices } from "./notices.js";
import type { RoomDeps } from "./room-deps.js";

/** Who is present in a room, on whatever node; also those who are in their grace. Members are told of each change. */
export interface RoomPresence {
  /** Of users. */
  readonly memberCount: number;
  /** Since when nobody is present, on the clock of the wheel; `null` while somebody is. */
  readonly emptySinceMs: number | null;
  /** By connection. */
  members(): Iterable<PresenceMember>;
  /** Unless the room is full. */
  enter(peer: Peer, maxMembersCount: number): Promise<EnterOutcome>;
  leave(peer: Peer): Promise<void>;
  close(): void;
}

/** `present`: as it was when the room was opened. */
export function createRoomPresence(
  roomId: string,
  present: readonly PresenceMember[],
  { broker: { presence }, wheel }: Pick<RoomDeps, "broker" | "wheel">,
  notices: Pick<RoomNotices, "tell">,
): RoomPresence {
  const members = new Map(present.map((member) => [member.connectionId, member]));
  let usersCount = countUsers(present);
  let emptySinceMs = present.length === 0 ? wheel.now() : null;

  const stop = presence.follow(roomId, ({ kind, member, memberCount }) => {
    usersCount = memberCount;
    if (kind === "entered") members.set(member.connectionId, member);
    else members.delete(member.connectionId);
    emptySinceMs = memberCount === 0 ? wheel.now() : null;
    notices.tell(kind === "entered" ? "user_joined" : "user_left", {
      room_id: roomId,
      user_id: member.userId,
      user_name: member.userName,
      connection_id: member.connectionId,
      member_count: memberCount,
    });
  });

  return {
    get memberCount() {
      return usersCount;
    },
    get emptySinceMs() {
      return emptySinceMs;
    },
    members: () => members.values(),
    enter({ id, user }, maxMembersCount) {
      const member = { connectionId: id, userId: user.id, userName: user.name };
      return presence.enter(roomId, member, maxMembersCount);
    },
    leave: (peer) => presence.leave(roomId, peer.id),
    close: stop,
  };
}

export function countUsers(members: readonly PresenceMember[]): number {
  return new Set(members.map(({ userId }) => userId)).size;
}
