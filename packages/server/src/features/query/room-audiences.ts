import { ProtocolFailure } from "@sparql-live/protocol";
import type { Connection } from "../../realtime/connection.js";
import type { Peer } from "../../realtime/peer.js";
import { isAllowed } from "../../realtime/policy.js";
import type { Room } from "../../realtime/rooms/room.js";
import type { Rooms } from "../../realtime/rooms/rooms.js";
import type { Audience, AudienceChange, QueryRooms } from "./query-rooms.js";

/** The members of the rooms as audiences of runs. */
export interface RoomAudiences extends QueryRooms {
  /** To be told of every member that comes or goes. */
  onMember(roomId: string, connection: Connection, kind: AudienceChange["kind"]): void;
}

export interface RoomAudiencesDeps {
  readonly rooms: () => Pick<Rooms, "get" | "settled">;
  readonly peerOf: (connection: Connection) => Peer | undefined;
}

export function createRoomAudiences({ rooms, peerOf }: RoomAudiencesDeps): RoomAudiences {
  const listeners = new Map<string, Set<(change: AudienceChange) => void>>();

  const audienceOf = (room: Room): Audience => ({
    roomId: room.id,
    roomKey: keyOf(room),
    members: () => room.fanOut.members,
    follow(listener) {
      const ofRoom = listeners.get(room.id) ?? new Set();
      listeners.set(room.id, ofRoom.add(listener));
      return () => {
        ofRoom.delete(listener);
        if (ofRoom.size === 0) listeners.delete(room.id);
      };
    },
    mayCancel: (userId) => isAllowed("cancel", room.roleOf(userId)),
  });

  return {
    audience(roomId, connection, action) {
      const check = () => {
        const peer = peerOf(connection);
        const room = rooms().get(roomId);
        if (peer === undefined || room === undefined) {
          throw new ProtocolFailure("not_in_room", `Join the room "${roomId}" first.`);
        }
        room.check(peer, action);
        return audienceOf(room);
      };
      const peer = peerOf(connection);
      return (peer === undefined ? undefined : rooms().settled(peer, roomId)?.then(check)) ?? check();
    },
    audienceOf(roomId) {
      const room = rooms().get(roomId);
      return room === undefined ? undefined : audienceOf(room);
    },
    onMember(roomId, connection, kind) {
      for (const listener of [...(listeners.get(roomId) ?? [])]) listener({ kind, connection });
    },
  };
}

function keyOf({ record }: Room): string {
  return `${record.id}:${record.createdAtMs}`;
}
