import type { ServerPayloads } from "@sparql-live/protocol";
import type { MessageOf } from "../messages.js";
import type { OutboxEntry, Place } from "../outbox.js";
import { bytesOf } from "./bytes.js";
import { openedJson, type Sealer } from "./seal.js";

/** A message of a room, of others or one's own, at its place. */
export interface RoomEntry {
  readonly place: Place;
  readonly userId: string;
  readonly userName: string;
  /** Any JSON. `null` where its author had it erased, or where it is sealed and the secret is not known. */
  readonly message: unknown;
  /** As `Date.now()` counts, by the server's clock. */
  readonly atMs: number;
  /** Acknowledged to this client in its place. What it had sent in a session that is lost comes as the user's. */
  readonly isOwn: boolean;
  /** Of one's own: what was sent under it. */
  readonly messageId?: string;
  readonly isErased?: true;
}

/** An update (of Yjs, version 1) of the room's document or of its awareness. */
export interface RoomUpdate {
  /** Absent for awareness, which has no place in the log. */
  readonly place?: Place;
  readonly userId: string;
  readonly connectionId: string;
  readonly update: Uint8Array;
  /** The whole document as of the place. */
  readonly isWhole: boolean;
}

export interface Self {
  readonly userId: string;
  readonly userName: string;
}

export function placeOf({ epoch, seq }: Place): Place {
  return { epoch, seq };
}

/** In the clear it is there at once. Rejects where what is sealed cannot be opened. */
export function entryOf(
  payload: ServerPayloads["room_message"],
  sealer: Sealer | null,
): RoomEntry | Promise<RoomEntry> {
  const entry: RoomEntry = {
    place: placeOf(payload),
    userId: payload.user_id,
    userName: payload.user_name,
    message: payload.message ?? null,
    atMs: payload.timestamp * 1_000,
    isOwn: false,
    ...(payload.erased === true ? { isErased: true } : {}),
  };
  if (payload.sealed === undefined || sealer === null) return entry;
  return sealer
    .open("message", payload.sealed, payload.user_id)
    .then((plaintext) => ({ ...entry, message: openedJson(plaintext) }));
}

export function ownEntryOf(
  { payload, timestamp }: MessageOf<"ack">,
  { messageId, body }: OutboxEntry,
  self: Self,
): RoomEntry {
  return { place: placeOf(payload), ...self, message: body, atMs: timestamp * 1_000, isOwn: true, messageId };
}

/** Rejects where what is sealed cannot be opened; `null` where the room is sealed and its secret is not known. */
export function updateOf(
  { type, payload }: MessageOf<"document_update"> | MessageOf<"awareness_update">,
  sealer: Sealer | null,
): RoomUpdate | null | Promise<RoomUpdate> {
  const { update, sealed, user_id: userId, connection_id: connectionId } = payload;
  const base = {
    userId,
    connectionId,
    isWhole: "whole" in payload && payload.whole === true,
    ...("seq" in payload ? { place: placeOf(payload) } : {}),
  };
  if (update !== undefined) return { ...base, update: bytesOf(update) };
  if (sealed === undefined || sealer === null) return null;
  const kind = type === "document_update" ? "document" : "awareness";
  return sealer.open(kind, sealed, userId).then((plaintext) => ({ ...base, update: plaintext }));
}
