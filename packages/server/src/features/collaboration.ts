import { type Codec, ProtocolFailure } from "@sparql-live/protocol";
import { readAwarenessUpdate } from "../documents/awareness-reader.js";
import type { Handler } from "../realtime/dispatcher.js";
import type { Peer } from "../realtime/peer.js";
import type { RoomVerb } from "../realtime/policy.js";
import type { Room } from "../realtime/rooms/room.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import { shareMessage } from "../realtime/shared-message.js";

export interface CollaborationHandlers {
  readonly typing_indicator: Handler<"typing_indicator">;
  readonly cursor_position: Handler<"cursor_position">;
  readonly document_update: Handler<"document_update">;
  readonly awareness_update: Handler<"awareness_update">;
}

/** Who types, where cursors are, and the document that all edit. */
export function createCollaborationHandlers({ rooms }: { readonly rooms: Rooms }): CollaborationHandlers {
  /** Does it in the room, once nothing is under way between it and the peer. Throws `not_in_room` and `role_forbidden`. */
  const inRoom = (
    peer: Peer,
    roomId: string,
    verb: RoomVerb,
    work: (room: Room) => void | Promise<void>,
  ): void | Promise<void> => {
    const start = () => {
      const room = rooms.get(roomId);
      if (room === undefined) throw new ProtocolFailure("not_in_room", `Join the room "${roomId}" first.`);
      room.check(peer, verb);
      return work(room);
    };
    const settled = rooms.settled(peer, roomId);
    return settled === undefined ? start() : settled.then(start);
  };

  return {
    typing_indicator: ({ payload }, peer) =>
      inRoom(peer, payload.room_id, "point", (room) => room.typing.set(peer, payload.is_typing)),

    cursor_position: ({ payload }, peer) =>
      inRoom(peer, payload.room_id, "point", ({ notices }) => {
        const message = { ...payload, ...notices.originOf(peer) };
        const messageId = notices.ephemeralId(peer);
        notices.tellEphemeral(
          peer,
          "cursor_position",
          shareMessage("cursor_position", message, { messageId }),
        );
      }),

    document_update: ({ payload, message_id: messageId }, peer) =>
      inRoom(peer, payload.room_id, "edit", (room) => room.edit(peer, messageId, bytesOf(payload.update))),

    awareness_update: ({ payload }, peer) =>
      inRoom(peer, payload.room_id, "point", ({ notices }) => {
        const update = bytesOf(payload.update);
        readAwarenessUpdate(update);
        const message = (codec: Codec) => ({
          ...notices.originOf(peer),
          update: codec.binary ? update : Buffer.from(update).toString("base64"),
        });
        const messageId = notices.ephemeralId(peer);
        notices.tellEphemeral(
          peer,
          "awareness_update",
          shareMessage("awareness_update", message, { messageId }),
        );
      }),
  };
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws `bad_document_update`. */
function bytesOf(update: string | Uint8Array): Uint8Array {
  if (typeof update !== "string") return update;
  if (BASE64.test(update)) return Buffer.from(update, "base64");
  throw new ProtocolFailure("bad_document_update", "`update` is not base64 (RFC 4648, section 4).");
}
