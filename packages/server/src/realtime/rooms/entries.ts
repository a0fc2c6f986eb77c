import type { Codec } from "@sparql-live/protocol";
import type { LogEntry, LogPosition } from "../../broker.js";
import { type SharedMessage, shareMessage } from "../shared-message.js";

export interface Author {
  readonly userId: string;
  readonly userName: string;
  readonly connectionId: string;
}

/** Of what the server itself writes into a room. */
export const SERVER_AUTHOR: Author = {
  userId: "sparql-live",
  userName: "sparql-live",
  connectionId: "server",
};

/** What stands in the log of a room. */
export type RoomEntry =
  | {
      readonly kind: "message";
      readonly author: Author;
      readonly message: unknown;
      /** The request that it answers, where the application sent it. */
      readonly correlationId?: string | undefined;
    }
  /** A Yjs update, as base64. */
  | { readonly kind: "document"; readonly author: Author; readonly update: string };

/** In the log: JSON with short names, because there are many. */
export function encodeEntry(entry: RoomEntry): string {
  const { userId: u, userName: n, connectionId: c } = entry.author;
  return JSON.stringify(
    entry.kind === "message"
      ? { u, n, c, m: entry.message, r: entry.correlationId }
      : { u, n, c, d: entry.update },
  );
}

export function decodeEntry(data: string): RoomEntry {
  // The log holds what `encodeEntry` wrote.
  const { u, n, c, m, d, r } = JSON.parse(data) as {
    u: string;
    n: string;
    c: string;
    m?: unknown;
    d?: string;
    r?: string;
  };
  const author = { userId: u, userName: n, connectionId: c };
  return d === undefined
    ? { kind: "message", author, message: m ?? null, correlationId: r }
    : { kind: "document", author, update: d };
}

/** The id of an entry: unique in the log, and it gives the sender's message id back. */
export function entryIdOf(userId: string, messageId: string): string {
  return `${userId}\n${messageId}`;
}

export function messageIdOf(entryId: string): string {
  return entryId.slice(entryId.lastIndexOf("\n") + 1);
}

/** The message that tells members of an entry; live and replayed it is the same. */
export function entryMessage(
  roomId: string,
  epoch: string,
  { seq, atMs }: Pick<LogEntry, "seq" | "atMs">,
  entry: RoomEntry,
): SharedMessage {
  const { userId, userName, connectionId } = entry.author;
  const framing = { messageId: `${roomId}:${epoch}:${seq}`, atMs };
  if (entry.kind === "message") {
    return shareMessage(
      "room_message",
      {
        room_id: roomId,
        user_id: userId,
        user_name: userName,
        message: entry.message,
        timestamp: atMs / 1_000,
        seq,
        epoch,
      },
      { ...framing, correlationId: entry.correlationId },
    );
  }
  const payload = (codec: Codec) => ({
    room_id: roomId,
    user_id: userId,
    user_name: userName,
    connection_id: connectionId,
    update: codec.binary ? Buffer.from(entry.update, "base64") : entry.update,
    seq,
    epoch,
  });
  return shareMessage("document_update", payload, framing);
}

/** The whole document as of a place in the log, by nobody in particular. */
export function wholeDocumentMessage(
  roomId: string,
  { epoch, seq }: LogPosition,
  update: Uint8Array,
): SharedMessage {
  const payload = (codec: Codec) => ({
    room_id: roomId,
    user_id: SERVER_AUTHOR.userId,
    user_name: SERVER_AUTHOR.userName,
    connection_id: SERVER_AUTHOR.connectionId,
    update: codec.binary ? update : Buffer.from(update).toString("base64"),
    seq,
    epoch,
    whole: true,
  });
  return shareMessage("document_update", payload, { messageId: `${roomId}:${epoch}:${seq}:whole` });
}
