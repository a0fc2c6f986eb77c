import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { RoomUpdate } from "../rooms/entries.js";
import type { Room } from "../rooms/room.js";
import { createStore, type ReadableStore } from "../store.js";
import { linkAwareness } from "./awareness-link.js";
import { missingIn } from "./missing.js";

export interface RoomProviderOptions {
  /** Default: one of its own. */
  readonly awareness?: Awareness;
  /**
   * Told what the room refused: `role_forbidden` for who may only look, `document_too_large`, `message_too_large` for one
   * edit of more than about 90 KB. Such an edit stays in the document of this page alone.
   */
  readonly onError?: (error: SparqlLiveError) => void;
}

/** Keeps a document of Yjs and that of a room the same, in the shape that bindings of editors take. */
export interface RoomProvider {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Whether all that the room had was taken in, since the last gap. */
  readonly synced: ReadableStore<boolean>;
  /** Sends what waits, tells the others that this page has gone, and lets go of both. The room is not left. */
  destroy(): void;
}

/**
 * Updates of the page are merged, at most ten a second, and sent in order until they are acknowledged; what the room
 * tells is applied with the provider as its origin, so that an `UndoManager` leaves it alone. After a gap both are
 * compared, and what the server lost is sent again.
 */
export function createRoomProvider(
  room: Room,
  doc: Y.Doc,
  { awareness = new Awareness(doc), onError = () => undefined }: RoomProviderOptions = {},
): RoomProvider {
  const synced = createStore(false);
  let pending: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = (update: Uint8Array) => {
    room.sendUpdate(update).catch((error: unknown) => {
      if (!(error instanceof SparqlLiveError)) throw error;
      // The room was left, or the connection ended: nothing was refused.
      if (error.code === "not_in_room" || error.code === "connection_closed") return;
      // It did not fit what the server has: both are compared once more.
      if (error.code === "bad_document_update" && synced.getSnapshot()) resync();
      else onError(error);
    });
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const update = Y.mergeUpdates(pending);
    pending = [];
    send(update);
  };
  const updated = (update: Uint8Array, origin: unknown) => {
    if (origin === provider) return;
    pending.push(update);
    timer ??= setTimeout(flush, CLIENT_LIMITS.documentIntervalMs);
  };
  const resync = () => {
    synced.set(false);
    room.requestDocument();
  };
  const take = ({ update, isWhole }: RoomUpdate) => {
    Y.applyUpdate(doc, update, provider);
    if (!isWhole) return;
    if (!synced.getSnapshot()) {
      // What waits is part of it.
      clearTimeout(timer);
      timer = undefined;
      pending = [];
      const missing = missingIn(update, doc);
      if (missing !== null) send(missing);
    }
    synced.set(true);
  };

  const stops: (() => void)[] = [];
  const provider: RoomProvider = {
    doc,
    awareness,
    synced,
    destroy() {
      flush();
      doc.off("update", updated);
      for (const stop of stops.splice(0)) stop();
    },
  };
  doc.on("update", updated);
  stops.push(
    linkAwareness(room, awareness, provider),
    room.on("document", take),
    room.on("gap", () => synced.set(false)),
    room.on("joined", () => {
      if (!synced.getSnapshot()) room.requestDocument();
    }),
  );
  // The room may have been joined long before.
  room.requestDocument();
  return provider;
}
