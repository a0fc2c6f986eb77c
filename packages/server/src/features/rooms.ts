import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { Broker } from "../broker.js";
import { SERVER_LIMITS } from "../limits.js";
import { correlationOf, type Handler } from "../realtime/dispatcher.js";
import type { Peer } from "../realtime/peer.js";
import { mayDo } from "../realtime/policy.js";
import { tellState } from "../realtime/rooms/entrance.js";
import { changeInvite } from "../realtime/rooms/invitations.js";
import type { MemberChange } from "../realtime/rooms/members.js";
import { isWithin } from "../realtime/rooms/recovery.js";
import { type Room, roomNotFound } from "../realtime/rooms/room.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import { sealedOf } from "../realtime/rooms/sealed-payload.js";

export interface RoomHandlers {
  readonly join_room: Handler<"join_room">;
  readonly leave_room: Handler<"leave_room">;
  readonly room_message: Handler<"room_message">;
  readonly room_history: Handler<"room_history">;
  readonly room_member_update: Handler<"room_member_update">;
  readonly room_invite: Handler<"room_invite">;
  readonly delete_room: Handler<"delete_room">;
}

export interface RoomFeatureDeps {
  readonly rooms: Rooms;
  readonly broker: Pick<Broker, "logs">;
  readonly changeMember: (room: Room, change: MemberChange) => Promise<void>;
}

export function createRoomHandlers({ rooms, broker, changeMember }: RoomFeatureDeps): RoomHandlers {
  return {
    join_room(message, peer) {
      const { room_id: roomId, invite } = message.payload;
      return rooms.join(peer, roomId, { invite, correlationId: correlationOf(message) });
    },

    async leave_room(message, peer) {
      const { room_id: roomId } = message.payload;
      await rooms.settled(peer, roomId);
      await rooms.leave(peer, roomId, "requested", correlationOf(message));
    },

    room_message(message, peer) {
      const { room_id: roomId, message: body, sealed } = message.payload;
      const publish = async () => {
        const room = joinedRoom(rooms, roomId);
        room.check(peer, "publish");
        const bytes = sealedOf(room.record, sealed, message.message_id);
        const author = authorOf(peer);
        await room.log.append(
          peer,
          { messageId: message.message_id, correlationId: correlationOf(message) },
          bytes === null
            ? { kind: "message", author, message: body ?? null }
            : { kind: "sealed-message", author, sealed: Buffer.from(bytes).toString("base64") },
        );
      };
      // Nothing under way is the rule: then the order of the messages is that of their coming.
      return rooms.settled(peer, roomId)?.then(publish) ?? publish();
    },

    async room_history(message, peer) {
      const { room_id: roomId, epoch, since = 0, limit = WIRE_LIMITS.maxHistoryCount } = message.payload;
      await rooms.settled(peer, roomId);
      const room = await rooms.openFor("readHistory", peer, roomId);
      const correlationId = correlationOf(message);
      const slice = await broker.logs.read(room.log.name, since, {
        maxCount: limit,
        maxBytes: SERVER_LIMITS.historyAnswerBytes,
      });
      const recovered = isWithin({ epoch: epoch ?? slice.epoch, seq: since }, slice);
      // Of a log that was trimmed what there is is still worth having, where nobody asked for a certain epoch.
      const entries = recovered || epoch === undefined || epoch === slice.epoch ? slice.entries : [];
      const seq = entries.at(-1)?.seq ?? since;
      peer.send(
        "room_history",
        { room_id: roomId, epoch: slice.epoch, since, seq, recovered, more: recovered && seq < slice.seq },
        { correlationId },
      );
      for (const entry of entries) room.log.replay(peer, slice.epoch, entry);
      if (!recovered && room.fanOut.members.has(peer)) await tellState(room, peer, false);
    },

    async room_member_update(message, peer) {
      const { room_id: roomId, user_id: userId, action, role } = message.payload;
      await rooms.settled(peer, roomId);
      const room = joinedRoom(rooms, roomId);
      room.check(peer, action === "unban" ? "ban" : action);
      if (action !== "role") return changeMember(room, { action, userId, byUserId: peer.user.id });
      if (role === undefined)
        throw new ProtocolFailure("bad_request", "Say which `role` the user is to have.");
      return changeMember(room, { action, role, userId, byUserId: peer.user.id });
    },

    async room_invite(message, peer) {
      const { room_id: roomId, action } = message.payload;
      await rooms.settled(peer, roomId);
      const room = joinedRoom(rooms, roomId);
      room.check(peer, "invite");
      await changeInvite(room, action, { asker: peer, correlationId: correlationOf(message) });
    },

    async delete_room(message, peer) {
      const { room_id: roomId } = message.payload;
      await rooms.settled(peer, roomId);
      const record = await rooms.find(roomId);
      if (record === null || !mayDo("delete", record, peer.user)) throw roomNotFound(roomId);
      await rooms.delete(roomId);
      peer.send("room_deleted", { room_id: roomId }, { correlationId: correlationOf(message) });
    },
  };
}

function authorOf(peer: Peer) {
  return { userId: peer.user.id, userName: peer.user.name, connectionId: peer.id };
}

/** Throws `not_in_room`: a room that is not in memory has no members. */
function joinedRoom(rooms: Rooms, roomId: string): Room {
  const room = rooms.get(roomId);
  if (room !== undefined) return room;
  throw new ProtocolFailure("not_in_room", `Join the room "${roomId}" first.`);
}
