import { type Codec, ProtocolFailure } from "@sparql-live/protocol";
import { MissingUpdate } from "../documents/refusal.js";
import { SERVER_LIMITS } from "../limits.js";
import { correlationOf, type Handler } from "../realtime/dispatcher.js";
import type { Peer } from "../realtime/peer.js";
import type { RoomVerb } from "../realtime/policy.js";
import { LastFailure } from "../realtime/refusals.js";
import { tellWholeDocument } from "../realtime/rooms/entrance.js";
import type { Room } from "../realtime/rooms/room.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import { bytesOfSealed, sealedOf, sealRequired, sealUnexpected } from "../realtime/rooms/sealed-payload.js";
import { shareMessage } from "../realtime/shared-message.js";

export interface CollaborationHandlers {
  readonly typing_indicator: Handler<"typing_indicator">;
  readonly cursor_position: Handler<"cursor_position">;
  readonly document_request: Handler<"document_request">;
  readonly document_update: Handler<"document_update">;
  readonly document_snapshot: Handler<"document_snapshot">;
  readonly awareness_update: Handler<"awareness_update">;
}

/** Who types, where cursors are, and the document that all edit. */
export function createCollaborationHandlers({ rooms }: { readonly rooms: Rooms }): CollaborationHandlers {
  const countRefusals = createRefusalCount();
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

    cursor_position: ({ payload, message_id: sentId }, peer) =>
      inRoom(peer, payload.room_id, "point", ({ record, notices }) => {
        const sealed = sealedOf(record, payload.sealed, sentId);
        // Further members are the clients' own, and would be clear.
        if (sealed !== null && Object.keys(payload).length > 2) throw sealRequired(record.id);
        const message = (codec: Codec) => ({
          ...payload,
          ...notices.originOf(peer),
          ...(sealed === null ? {} : { sealed: toldBytes(codec, sealed) }),
        });
        const messageId = notices.ephemeralId(peer);
        notices.tellEphemeral(
          peer,
          "cursor_position",
          shareMessage("cursor_position", message, { messageId }),
        );
      }),

    document_request: (message, peer) =>
      inRoom(peer, message.payload.room_id, "watch", (room) =>
        tellWholeDocument(room, peer, correlationOf(message)),
      ),

    document_update: (message, peer) =>
      countRefusals(peer, () =>
        inRoom(peer, message.payload.room_id, "edit", (room) => {
          const { payload, message_id: messageId } = message;
          const sent = { messageId, correlationId: correlationOf(message) };
          const sealed = sealedOf(room.record, payload.sealed, messageId);
          return room.sealed === null || sealed === null
            ? room.edit(peer, sent, bytesOf(payload.update))
            : room.editSealed(room.sealed, peer, sent, sealed);
        }),
      ),

    document_snapshot: ({ payload, message_id: messageId }, peer) =>
      inRoom(peer, payload.room_id, "edit", (room) => {
        const { epoch, seq, part = 0, part_count: partCount = 1 } = payload;
        if (room.sealed === null) throw sealUnexpected(room.id);
        const bytes = bytesOfSealed(payload.sealed);
        const connectionId = peer.id;
        return room.storeSnapshot(room.sealed, peer, {
          connectionId,
          messageId,
          epoch,
          seq,
          part,
          partCount,
          bytes,
        });
      }),

    awareness_update: ({ payload, message_id: messageId }, peer) =>
      countRefusals(peer, () =>
        inRoom(peer, payload.room_id, "point", (room) => {
          const sealed = sealedOf(room.record, payload.sealed, messageId);
          if (sealed === null) room.awareness.update(peer, bytesOf(payload.update));
          else tellSealedAwareness(room, peer, sealed);
        }),
      ),
  };
}

/** Throws what the update is refused with; the last of too many in a row ends the connection. */
type CountRefusals = (peer: Peer, update: () => void | Promise<void>) => Promise<void>;

function createRefusalCount(): CountRefusals {
  const counts = new WeakMap<Peer, number>();
  return async (peer, update) => {
    try {
      await update();
      counts.delete(peer);
    } catch (error) {
      const isBad = error instanceof ProtocolFailure && error.code === "bad_document_update";
      // Who sends what needs a lost update does not know that it is lost.
      if (!isBad || error instanceof MissingUpdate) throw error;
      const count = (counts.get(peer) ?? 0) + 1;
      counts.set(peer, count);
      throw count < SERVER_LIMITS.refusedUpdatesInARowCount
        ? error
        : new LastFailure(error, "too_many_bad_messages");
    }
  };
}

function toldBytes(codec: Codec, bytes: Uint8Array): string | Uint8Array {
  return codec.binary ? bytes : Buffer.from(bytes).toString("base64");
}

/** Whose clients they speak of cannot be read. Throws `bad_seal`. */
function tellSealedAwareness({ notices }: Room, peer: Peer, sealed: Uint8Array): void {
  if (sealed.byteLength > SERVER_LIMITS.sealedAwarenessBytes) {
    throw new ProtocolFailure(
      "bad_seal",
      `A sealed awareness update has at most ${SERVER_LIMITS.sealedAwarenessBytes} bytes.`,
    );
  }
  const message = (codec: Codec) => ({ ...notices.originOf(peer), sealed: toldBytes(codec, sealed) });
  const messageId = notices.ephemeralId(peer);
  notices.tellEphemeral(peer, "awareness_update", shareMessage("awareness_update", message, { messageId }));
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws `bad_document_update`; without one the schema has let a sealed one through. */
function bytesOf(update: string | Uint8Array | undefined): Uint8Array {
  if (update instanceof Uint8Array) return update;
  if (update !== undefined && BASE64.test(update)) return Buffer.from(update, "base64");
  throw new ProtocolFailure("bad_document_update", "`update` is not base64 (RFC 4648, section 4).");
}
