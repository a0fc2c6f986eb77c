import type { ClientPayloads } from "@sparql-live/protocol";
import * as Y from "yjs";
import { SparqlLiveError } from "../errors.js";
import { newId } from "../ids.js";
import { bytesOf, toBase64 } from "../rooms/bytes.js";
import type { Room } from "../rooms/room.js";
import { YJS_LIMITS } from "./limits.js";

export interface SnapshotsOptions {
  readonly room: Room;
  readonly doc: Y.Doc;
  /** Whether the document holds everything that came. */
  readonly isComplete: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Snapshots of a sealed document, which the server cannot make. */
export interface Snapshots {
  /** Stores one; settles when it is on its way. */
  store(): Promise<void>;
  stop(): void;
}

export function createSnapshots({ room, doc, isComplete, onError }: SnapshotsOptions): Snapshots {
  const { sealer, send, self, settled } = room.access;
  const store = async () => {
    const { position } = room;
    if (sealer === null || position === null) return;
    // What stands before the position may still be being opened.
    await settled();
    if (!isComplete()) return;
    const messageId = newId();
    const whole = Y.encodeStateAsUpdate(doc);
    if (whole.byteLength > YJS_LIMITS.snapshotBytes - 1_024) {
      const text = `The snapshot of an encrypted document has at most ${YJS_LIMITS.snapshotBytes} bytes. Delete some of it.`;
      throw new SparqlLiveError("document_too_large", text, { roomId: room.id });
    }
    const sealed = bytesOf(await sealer.seal("snapshot", whole, self().userId, messageId));
    const partCount = Math.ceil(sealed.byteLength / YJS_LIMITS.partBytes);
    for (let part = 0; part < partCount; part++) {
      const bytes = sealed.slice(part * YJS_LIMITS.partBytes, (part + 1) * YJS_LIMITS.partBytes);
      const payload: ClientPayloads["document_snapshot"] = {
        room_id: room.id,
        ...position,
        sealed: sealer.isBinary ? bytes : toBase64(bytes),
        part,
        part_count: partCount,
      };
      send("document_snapshot", payload, { message_id: part === 0 ? messageId : newId() });
    }
  };
  const stop = room.on("told", ({ type }) => {
    if (type === "snapshot_wanted") store().catch(onError);
  });
  return { store, stop };
}
