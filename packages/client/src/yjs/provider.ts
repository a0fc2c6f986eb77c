import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { SparqlLiveError } from "../errors.js";
import type { Room } from "../rooms/room.js";
import { callSafely, createStore, type ReadableStore } from "../store.js";
import { shareAwareness } from "./awareness.js";
import { createDocumentSource } from "./document-source.js";
import { YJS_LIMITS } from "./limits.js";
import { createSnapshots } from "./snapshots.js";
import { createUpload } from "./upload.js";

export interface RoomProviderOptions {
  /** Of y-protocols, of the same doc: who is where in it. Default: one of the provider's own. */
  readonly awareness?: Awareness | undefined;
  /**
   * Told of what the room refused (`bad_document_update`, `document_too_large`, `role_forbidden`), and of what was sealed
   * and cannot be opened.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Keeps a `Y.Doc` and the document of a room the same. It is the origin of what comes from the room. */
export interface RoomProvider {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Whether the doc holds what the room has. `false` while that is not known: in the beginning, and after a gap. */
  readonly synced: ReadableStore<boolean>;
  /** Whether the room has acknowledged everything that was written here. */
  readonly saved: ReadableStore<boolean>;
  /** Sends what waits, takes the own awareness back, and lets go of room and doc, which both stay. */
  destroy(): void;
}

/** The docs of each room. What one of them has sent is acknowledged to this connection, and told to others alone. */
const docsOf = new WeakMap<Room, Set<(update: Uint8Array) => void>>();

/**
 * For any editor that works on a `Y.Doc`. What is written while there is no connection is sent afterwards; keep the doc
 * itself (y-indexeddb) where it is to outlive the page.
 */
export function createRoomProvider(
  room: Room,
  doc: Y.Doc,
  { awareness: given, onError = () => undefined }: RoomProviderOptions = {},
): RoomProvider {
  const awareness = given ?? new Awareness(doc);
  const synced = createStore(false);
  const saved = createStore(false);
  const refusals = createRefusals(() => source.ask());
  const docs = docsOf.get(room) ?? new Set();
  docsOf.set(room, docs);

  const provider: RoomProvider = {
    doc,
    awareness,
    synced,
    saved,
    destroy() {
      if (isDestroyed) return;
      isDestroyed = true;
      doc.off("update", onLocal);
      doc.off("destroy", provider.destroy);
      docs.delete(onUpdate);
      // What the room lacks will not be known any more; it passes over what it has.
      if (source.isAsking && isOwed) upload.replace(Y.encodeStateAsUpdate(doc));
      upload.finish();
      refusals.stop();
      stopView();
      stopAwareness();
      if (given === undefined) awareness.destroy();
      snapshots.stop();
      source.stop();
    },
  };
  let isDestroyed = false;
  /** Something was written here that is not acknowledged. */
  let isOwed = false;
  /** What waits is all that the room lacks, as far as it will ever be known. */
  const isCompared = () => !source.isAsking || isDestroyed;

  const onUpdate = (update: Uint8Array) => {
    Y.applyUpdate(doc, update, provider);
    refusals.othersEdited();
  };
  const onLocal = (update: Uint8Array, origin: unknown) => {
    if (origin === provider) return;
    isOwed = true;
    saved.set(false);
    // What is written before the room's document is known is a part of what the room lacks.
    if (!source.isAsking) upload.add(update);
    refusals.edited();
  };

  const upload = createUpload({
    room,
    mayRun: () => isCompared() && !refusals.isHolding && room.view.getSnapshot().status.kind !== "left",
    async makeSpace() {
      await snapshots.store().catch(onError);
      await new Promise<void>((resolve) => {
        setTimeout(resolve, YJS_LIMITS.fullRetryMs);
      });
    },
    onSent(update) {
      for (const tell of docs) if (tell !== onUpdate) callSafely(tell, update);
    },
    onRefused(error) {
      if (error.code === "not_in_room" || error.code === "connection_closed") return;
      // It was sent before a gap that is being looked at.
      if (source.isAsking) return;
      onError(error);
      refusals.refused(error);
    },
    onSaved(isSaved) {
      if (isSaved) refusals.accepted();
      // What is written while the whole is on its way waits for it.
      const isAllSaved = isSaved && isCompared();
      if (isAllSaved) isOwed = false;
      saved.set(isAllSaved);
    },
  });

  const source = createDocumentSource({
    room,
    onWhole(updates) {
      for (const update of updates) Y.applyUpdate(doc, update, provider);
      refusals.compared();
      upload.replace(lackOf(doc, updates));
      synced.set(true);
    },
    onAsk: () => synced.set(false),
    onUpdate,
    onError,
  });
  const snapshots = createSnapshots({
    room,
    doc,
    isComplete: () => !source.isAsking && !source.isDamaged,
    onError,
  });
  const stopAwareness = shareAwareness(room, doc, awareness, provider);
  let role = room.view.getSnapshot().info?.role;
  const stopView = room.view.subscribe(() => {
    const { info } = room.view.getSnapshot();
    if (info === null || info.role === role) return;
    role = info.role;
    refusals.roleChanged();
  });
  docs.add(onUpdate);
  doc.on("update", onLocal);
  doc.on("destroy", provider.destroy);
  return provider;
}

/** What the doc has and a document of these updates has not; `null` where that is nothing. */
function lackOf(doc: Y.Doc, updates: readonly Uint8Array[]): Uint8Array | null {
  const told = new Y.Doc();
  for (const update of updates) Y.applyUpdate(told, update);
  const isSame = Y.equalSnapshots(Y.snapshot(told), Y.snapshot(doc));
  const lack = isSame ? null : Y.encodeStateAsUpdate(doc, Y.encodeStateVector(told));
  told.destroy();
  return lack;
}

/**
 * After a refusal the documents are compared at once, after a further one when something is written, and not too often:
 * here, or by others where the document is too large, which may have made space; another role is reason enough. What was
 * written on the way of what was refused counts. Broken updates are not tried for ever: the server ends connections that send them.
 */
function createRefusals(compare: () => void) {
  let count = 0;
  let brokenCount = 0;
  let isHolding = false;
  let code = "";
  /** Something was written since the documents were compared. */
  let isEdited = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const retryLater = () => {
    if (!isHolding || brokenCount >= YJS_LIMITS.brokenUpdatesCount) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      isHolding = false;
      compare();
    }, YJS_LIMITS.refusedRetryMs);
  };
  const edited = () => {
    isEdited = true;
    retryLater();
  };
  return {
    get isHolding() {
      return isHolding;
    },
    compared() {
      isEdited = false;
    },
    refused(error: SparqlLiveError) {
      count++;
      ({ code } = error);
      if (code === "bad_document_update") brokenCount++;
      if (count === 1) return compare();
      isHolding = true;
      if (isEdited) retryLater();
    },
    edited,
    othersEdited() {
      if (code === "document_too_large") edited();
    },
    roleChanged() {
      if (code === "role_forbidden") edited();
    },
    accepted() {
      count = 0;
      brokenCount = 0;
      isHolding = false;
      code = "";
    },
    stop: () => clearTimeout(timer),
  };
}
