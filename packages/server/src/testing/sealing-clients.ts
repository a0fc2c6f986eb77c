import { randomUUID } from "node:crypto";
import type { ServerMessage } from "@sparql-live/protocol";
import { openRoomSeal, type RoomSeal, type SealKind } from "@sparql-live/protocol/sealing";
import { openAs } from "./room-clients.js";
import type { TestServer } from "./start-server.js";

/** A member of an encrypted room that has its key. */
export async function openSealing(
  server: Pick<TestServer, "url">,
  user: string,
  { room, secret, protocols = [] }: { room: string; secret: string; protocols?: string[] },
) {
  const client = await openAs(server, user, { room, protocols });
  const { payload: joined } = await client.next("join_room");
  const seal = await openRoomSeal(secret, room);
  const isBinary = protocols.includes("sparql-live.v1.msgpack");
  const sealed = async (kind: SealKind, plaintext: string | Uint8Array, messageId: string) => {
    const bytes = await seal.seal(Buffer.from(plaintext), { kind, userId: user, messageId });
    return isBinary ? bytes : Buffer.from(bytes).toString("base64");
  };
  return {
    client,
    joined,
    sealed,
    /** Sends one thing as a message of this type. Settles with the id of the message. */
    async send(type: string, kind: SealKind, plaintext: string | Uint8Array, more: object = {}) {
      const messageId = randomUUID();
      client.send(
        type,
        { room_id: room, ...more, sealed: await sealed(kind, plaintext, messageId) },
        { message_id: messageId },
      );
      return messageId;
    },
    open: (kind: SealKind, message: ServerMessage) => openSealed(seal, kind, message.payload),
    openEach: (kind: SealKind, each: readonly object[]) =>
      Promise.all(each.map((payload) => openSealed(seal, kind, payload))),
  };
}

async function openSealed(seal: RoomSeal, kind: SealKind, payload: object): Promise<Buffer> {
  if (!("sealed" in payload && "user_id" in payload && typeof payload.user_id === "string")) {
    throw new Error("it is not sealed");
  }
  const { sealed, user_id: userId } = payload;
  const bytes = typeof sealed === "string" ? Buffer.from(sealed, "base64") : sealed;
  if (!(bytes instanceof Uint8Array)) throw new Error("it is not sealed");
  return Buffer.from((await seal.open(bytes, { kind, userId })).plaintext);
}
