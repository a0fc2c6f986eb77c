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

/** Of what somebody had erased. */
export const NOBODY: Author = { userId: "", userName: "", connectionId: "" };

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
  | { readonly kind: "document"; readonly author: Author; readonly update: string }
  /** What clients of an encrypted room have sealed, as base64. */
  | { readonly kind: "sealed-message" | "sealed-update"; readonly author: Author; readonly sealed: string }
  /** A message that its author had erased: its place stays. */
  | { readonly kind: "erased"; readonly author: Author };

/** In the log: JSON with short names, because there are many. */
export function encodeEntry(entry: RoomEntry): string {
  const { userId: u, userName: n, connectionId: c } = entry.author;
  switch (entry.kind) {
    case "message":
      return JSON.stringify({ u, n, c, m: entry.message, r: entry.correlationId });
    case "document":
      return JSON.stringify({ u, n, c, d: entry.update });
    case "erased":
      return JSON.stringify({ u, n, c, x: true });
    case "sealed-message":
      return JSON.stringify({ u, n, c, s: entry.sealed });
    case "sealed-update":
      return JSON.stringify({ u, n, c, e: entry.sealed });
  }
}

export function decodeEntry(data: string): RoomEntry {
  // The log holds what `encodeEntry` wrote.
  const { u, n, c, m, d, r, s, e, x } = JSON.parse(data) as {
    u: string;
    n: string;
    c: string;
    m?: unknown;
    d?: string;
    r?: string;
    s?: string;
    e?: string;
    x?: true;
  };
  const author = { userId: u, userName: n, connectionId: c };
  if (d !== undefined) return { kind: "document", author, update: d };
  if (s !== undefined) return { kind: "sealed-message", author, sealed: s };
  if (e !== undefined) return { kind: "sealed-update", author, sealed: e };
  if (x !== undefined) return { kind: "erased", author };
  return { kind: "message", author, message: m ?? null, correlationId: r };
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
  const ofMessage = {
    room_id: roomId,
    user_id: userId,
    user_name: userName,
    timestamp: atMs / 1_000,
    seq,
    epoch,
  };
  const ofUpdate = {
    room_id: roomId,
    user_id: userId,
    user_name: userName,
    connection_id: connectionId,
    seq,
    epoch,
  };
  switch (entry.kind) {
    case "message": {
      const { message, correlationId } = entry;
      return shareMessage("room_message", { ...ofMessage, message }, { ...framing, correlationId });
    }
    case "document": {
      const { update } = entry;
      return shareMessage(
        "document_update",
        (codec) => ({ ...ofUpdate, update: told(codec, update) }),
        framing,
      );
    }
    case "erased":
      return shareMessage("room_message", { ...ofMessage, message: null, erased: true }, framing);
    case "sealed-message": {
      const { sealed } = entry;
      return shareMessage(
        "room_message",
        (codec) => ({ ...ofMessage, sealed: told(codec, sealed) }),
        framing,
      );
    }
    case "sealed-update": {
      const { sealed } = entry;
      return shareMessage(
        "document_update",
        (codec) => ({ ...ofUpdate, sealed: told(codec, sealed) }),
        framing,
      );
    }
  }
}

/** Bytes are kept as base64; a codec may have them as they are. */
export function told(codec: Codec, base64: string): string | Uint8Array {
  return codec.binary ? Buffer.from(base64, "base64") : base64;
}

/** An update of Yjs without structs and without deletions. */
export const EMPTY_UPDATE = Uint8Array.of(0, 0);

/** The whole document as of a place in the log, by nobody in particular. `correlationId`: of who asked for it. */
export function wholeDocumentMessage(
  roomId: string,
  { epoch, seq }: LogPosition,
  update: Uint8Array,
  correlationId?: string,
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
  return shareMessage("document_update", payload, {
    messageId: `${roomId}:${epoch}:${seq}:whole`,
    correlationId,
  });
}
