import { randomUUID } from "node:crypto";
import type { ServerPayloads } from "@sparql-live/protocol";
import type { Appended, LogEntry, LogHead, LogName, LogPosition, Logs, NewEntry } from "../../broker.js";
import type { FanOut } from "../fan-out.js";
import type { Peer } from "../peer.js";
import { decodeEntry, encodeEntry, entryIdOf, entryMessage, messageIdOf, type RoomEntry } from "./entries.js";
import type { RoomDocument } from "./room-document.js";
import type { SealedDocument } from "./sealed-document.js";

/** The log of a room in the broker, and what its members are told of it: each entry in order, once. */
export interface RoomLog {
  readonly name: LogName;
  readonly epoch: string;
  /** Of the newest entry that members were told of. */
  readonly position: LogPosition;
  /** Whether entries of our own are not committed yet. */
  readonly isBusy: boolean;
  /**
   * Settles when the entry is stored and members were told. The sender's acknowledgement has gone out in its place
   * then, unless the id was there already or is under way: that is acknowledged here. `recipientsCount`: members here
   * that were told; 0 for what was there already.
   */
  append(
    origin: Peer | null,
    sent: Sent,
    entry: RoomEntry,
  ): Promise<Appended & { readonly recipientsCount: number }>;
  /** A missed entry, as the peer gets it: its own is acknowledged, those of others are told. */
  replay(peer: Peer, epoch: string, logged: LogEntry): void;
  close(): void;
}

/** What names a message to its sender. */
export interface Sent {
  /** Under which it is stored once; absent: it cannot be sent again. */
  readonly messageId: string | undefined;
  /** Of the acknowledgement. */
  readonly correlationId: string | undefined;
}

export interface RoomLogDeps {
  readonly roomId: string;
  readonly name: LogName;
  /** As it was when the room was opened. */
  readonly head: LogHead;
  readonly logs: Logs;
  readonly fanOut: FanOut;
  readonly document: Pick<RoomDocument, "logged">;
  /** Of an encrypted room. */
  readonly sealed: Pick<SealedDocument, "loggedSealed"> | null;
  /** See `Room.entered`. */
  readonly entered: ReadonlySet<Peer>;
}

/** An entry of our own that is not committed yet. */
interface Pending {
  readonly origin: Peer | null;
  readonly sent: Sent;
  readonly entry: RoomEntry;
  recipientsCount: number;
}

export function followRoomLog({
  roomId,
  name,
  head,
  logs,
  fanOut,
  document,
  sealed,
  entered,
}: RoomLogDeps): RoomLog {
  const pendings = new Map<string, Pending>();
  let currentEpoch = head.epoch;
  let deliveredSeq = head.seq;

  const stop = logs.follow(name, (logged, { epoch }) => {
    currentEpoch = epoch;
    deliveredSeq = logged.seq;
    const pending = pendings.get(logged.id);
    const entry = pending?.entry ?? decodeEntry(logged.data);
    if (entry.kind === "document") document.logged(logged.seq, entry.update, pending !== undefined);
    if (entry.kind === "sealed-update") sealed?.loggedSealed({ ...entry, seq: logged.seq });
    const origin = pending?.origin ?? null;
    const message = entryMessage(roomId, epoch, logged, entry);
    // Who is on its way back is acknowledged by the replay, after the entries before this one.
    const isReturning = origin !== null && entered.has(origin) && !fanOut.members.has(origin);
    if (origin !== null && !isReturning) {
      const ack = ackOf(roomId, pending?.sent.messageId, { epoch, seq: logged.seq });
      fanOut.sendInPlace(origin, () => {
        origin.send("ack", ack, { correlationId: pending?.sent.correlationId });
      });
    }
    const recipientsCount = fanOut.send(message, isReturning ? undefined : (origin ?? undefined));
    if (pending !== undefined) pending.recipientsCount = recipientsCount;
  });

  return {
    name,
    get epoch() {
      return currentEpoch;
    },
    get position() {
      return { epoch: currentEpoch, seq: deliveredSeq };
    },
    get isBusy() {
      return pendings.size > 0;
    },
    async append(origin, sent, entry) {
      const { messageId, correlationId } = sent;
      // Without an id of the sender's nothing can be sent again; one is made that no sender's can equal.
      const id = entryIdOf(entry.author.userId, messageId ?? `\n${randomUUID()}`);
      const isFirst = !pendings.has(id);
      const pending: Pending = { origin, sent, entry, recipientsCount: 0 };
      if (isFirst) pendings.set(id, pending);
      try {
        const appended = await logs.append(name, newEntryOf(id, entry));
        // Sent twice at once, perhaps over two connections: what is told in its place is told to the first.
        if (appended.repeated || !isFirst) {
          origin?.send("ack", ackOf(roomId, messageId, appended), { correlationId });
        }
        return { ...appended, recipientsCount: pending.recipientsCount };
      } finally {
        if (isFirst) pendings.delete(id);
      }
    },
    replay: (peer, epoch, logged) => replayEntry(roomId, peer, epoch, logged),
    close: stop,
  };
}

/** An update of the document is kept until a snapshot covers it. */
function newEntryOf(id: string, entry: RoomEntry): NewEntry {
  const isUpdate = entry.kind === "document" || entry.kind === "sealed-update";
  return { id, data: encodeEntry(entry), ...(isUpdate ? { pinned: true } : {}) };
}

function replayEntry(roomId: string, peer: Peer, epoch: string, logged: LogEntry): void {
  const entry = decodeEntry(logged.data);
  if (entry.author.connectionId !== peer.id) {
    peer.sendShared(entryMessage(roomId, epoch, logged, entry));
    return;
  }
  const messageId = messageIdOf(logged.id);
  peer.send("ack", ackOf(roomId, messageId, { epoch, seq: logged.seq }), { correlationId: messageId });
}

function ackOf(
  roomId: string,
  messageId: string | undefined,
  { epoch, seq }: LogPosition,
): ServerPayloads["ack"] {
  return messageId === undefined
    ? { room_id: roomId, seq, epoch }
    : { message_id: messageId, room_id: roomId, seq, epoch };
}
