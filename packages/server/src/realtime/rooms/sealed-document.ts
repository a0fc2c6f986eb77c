import { ProtocolFailure, type ServerPayloads } from "@sparql-live/protocol";
import type { LogName, LogPosition } from "../../broker.js";
import { SERVER_LIMITS } from "../../limits.js";
import { type SharedMessage, shareMessage } from "../shared-message.js";
import { type Author, decodeEntry, encodeEntry, told } from "./entries.js";
import type { RoomDeps } from "./room-deps.js";
import type { RoomDocument } from "./room-document.js";
import { sealRequired } from "./sealed-payload.js";
import { createSnapshotParts, type SnapshotPart } from "./snapshot-parts.js";

/** Something sealed at its place in the log; what was sealed as base64. */
interface SealedAt {
  readonly seq: number;
  readonly author: Author;
  readonly sealed: string;
}

/**
 * The document of an encrypted room. Nobody here can read it: updates are kept as they came until a client that can
 * has stored a snapshot of them.
 */
export interface SealedDocument extends RoomDocument {
  /** An update is in the log. */
  loggedSealed(update: SealedAt): void;
  /**
   * Space for an update that is about to be logged, which holds until it is given back. Throws `snapshot_required`
   * where too much waits.
   */
  reserve(bytes: number): () => void;
  /** How many updates wait, where a client should be asked for a snapshot now; each asking counts. */
  wanted(): number | null;
  /**
   * Takes a part of a snapshot; with the last one it is stored. Settles with the place up to which there is one then,
   * or `null` where parts are missing yet. Throws `bad_request`, `bad_seal`, `document_too_large`.
   */
  store(part: SnapshotPart, author: Author, position: LogPosition): Promise<number | null>;
  /** `null` while it is empty. Loaded before. `correlationId`: of who asked for it. */
  told(roomId: string, position: LogPosition, correlationId?: string): SharedMessage | null;
}

export function createSealedDocument(roomId: string, logName: LogName, { broker }: RoomDeps): SealedDocument {
  let loading: Promise<void> | null = null;
  let snapshot: SealedAt | null = null;
  let updates: readonly SealedAt[] = [];
  let updatesBytes = 0;
  let reservedBytes = 0;
  let reservedCount = 0;
  let askAtCount: number = SERVER_LIMITS.snapshotWantedCount;
  let askAtBytes: number = SERVER_LIMITS.snapshotWantedBytes;
  const parts = createSnapshotParts();

  const keep = (kept: readonly SealedAt[]) => {
    updates = kept;
    updatesBytes = kept.reduce((sum, { sealed }) => sum + bytesOf(sealed), 0);
  };
  const load = async (under: () => boolean): Promise<void> => {
    const state = await broker.logs.state(logName);
    // Forgotten meanwhile: somebody else loads, or nobody wants it.
    if (!under()) return;
    snapshot = state.snapshot === null ? null : sealedAt(state.snapshot.seq, textOf(state.snapshot.data));
    const known = state.pinned.flatMap(({ seq, data }) => sealedAt(seq, data) ?? []);
    const since = known.at(-1)?.seq ?? state.snapshot?.seq ?? 0;
    keep([...known, ...updates.filter(({ seq }) => seq > since)]);
  };
  const open = (): Promise<void> => {
    if (loading !== null) return loading;
    const under: Promise<void> = load(() => loading === under).catch((error: unknown) => {
      if (loading === under) loading = null;
      throw error;
    });
    loading = under;
    return under;
  };
  const save = async (epoch: string, at: SealedAt): Promise<number> => {
    // An older one than there is: somebody else was asked too, and was faster.
    if (snapshot !== null && at.seq <= snapshot.seq) return snapshot.seq;
    const data = Buffer.from(encodeEntry({ kind: "sealed-update", author: at.author, sealed: at.sealed }));
    await broker.logs.saveSnapshot(logName, { epoch, seq: at.seq, data });
    if (snapshot !== null && at.seq <= snapshot.seq) return snapshot.seq;
    snapshot = at;
    keep(updates.filter(({ seq }) => seq > at.seq));
    askAtCount = SERVER_LIMITS.snapshotWantedCount;
    askAtBytes = SERVER_LIMITS.snapshotWantedBytes;
    return at.seq;
  };

  return {
    async apply() {
      throw sealRequired(roomId);
    },
    append: async () => null,
    logged: () => undefined,
    loggedSealed(update) {
      if (loading === null) return;
      updates = [...updates, update];
      updatesBytes += bytesOf(update.sealed);
    },
    reserve(bytes) {
      const waitingBytes = updatesBytes + reservedBytes;
      const isFull =
        updates.length + reservedCount >= SERVER_LIMITS.sealedUpdatesCount ||
        waitingBytes + bytes > SERVER_LIMITS.sealedUpdatesBytes;
      if (isFull) {
        throw new ProtocolFailure(
          "snapshot_required",
          "Too many sealed updates wait. Store a snapshot of the document (document_snapshot), then send it again.",
        );
      }
      reservedBytes += bytes;
      reservedCount++;
      return () => {
        reservedBytes -= bytes;
        reservedCount--;
      };
    },
    wanted() {
      if (updates.length < askAtCount && updatesBytes < askAtBytes) return null;
      askAtCount = updates.length + SERVER_LIMITS.snapshotWantedAgainCount;
      askAtBytes = updatesBytes + SERVER_LIMITS.snapshotWantedAgainBytes;
      return updates.length;
    },
    async store(part, author, position) {
      if (part.epoch !== position.epoch || part.seq > position.seq) {
        throw new ProtocolFailure(
          "bad_request",
          `The log is at ${position.seq} of the epoch "${position.epoch}"; a snapshot cannot be of another place.`,
        );
      }
      const whole = parts.add(part);
      if (whole === null) return null;
      return save(part.epoch, { seq: part.seq, author, sealed: Buffer.from(whole).toString("base64") });
    },
    told: (roomId, position, correlationId) =>
      snapshot === null && updates.length === 0
        ? null
        : messageOf({ roomId, position, correlationId }, snapshot, updates),
    forget() {
      loading = null;
      snapshot = null;
      keep([]);
    },
    load: open,
    whole: () => null,
    close: async () => undefined,
  };
}

interface ToldAt {
  readonly roomId: string;
  readonly position: LogPosition;
  readonly correlationId: string | undefined;
}

function messageOf(
  { roomId, position: { epoch, seq }, correlationId }: ToldAt,
  snapshot: SealedAt | null,
  updates: readonly SealedAt[],
): SharedMessage {
  return shareMessage(
    "document_snapshot",
    (codec): ServerPayloads["document_snapshot"] => {
      const toldAt = ({ seq: at, author, sealed }: SealedAt) => ({
        user_id: author.userId,
        user_name: author.userName,
        connection_id: author.connectionId,
        seq: at,
        sealed: told(codec, sealed),
      });
      return {
        room_id: roomId,
        epoch,
        seq,
        snapshot: snapshot === null ? null : toldAt(snapshot),
        updates: updates.map(toldAt),
      };
    },
    { messageId: `${roomId}:${epoch}:${seq}:sealed`, correlationId },
  );
}

function sealedAt(seq: number, data: string): SealedAt | null {
  const entry = decodeEntry(data);
  return entry.kind === "sealed-update" ? { seq, author: entry.author, sealed: entry.sealed } : null;
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
}

function bytesOf(base64: string): number {
  return Buffer.byteLength(base64, "base64");
}
