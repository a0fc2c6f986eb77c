import type { LogName, Logs } from "../../broker.js";
import { createSharedDocument, type SharedDocument } from "../../documents/shared-document.js";
import { SERVER_LIMITS } from "../../limits.js";
import { decodeEntry, EMPTY_UPDATE } from "./entries.js";
import type { RoomDeps } from "./room-deps.js";

/** The shared document of a room: made of the log's snapshot and the updates after it, when it is first needed. */
export interface RoomDocument {
  /** Throws `bad_document_update` and `document_too_large`; then nothing changed. Returns what is to be logged. */
  apply(update: Uint8Array): Promise<Uint8Array>;
  /** The server's own edit, at the end of a text: what others wrote stays. Returns what is to be logged. */
  append(name: string, text: string): Promise<Uint8Array | null>;
  /** An update is in the log. `applied`: it came through this process. */
  logged(seq: number, update: string, applied: boolean): void;
  /** An applied update is not in the log: what is in memory is ahead of it. */
  forget(): void;
  load(): Promise<void>;
  /** As of now; `null` while it is empty. Loaded before. */
  whole(): Uint8Array | null;
  close(): Promise<void>;
}

interface LoadedDocument {
  readonly document: SharedDocument;
  /** Of the log that it was made of: a room of the same id may be made anew. */
  readonly epoch: string;
  /** The entry up to which it holds everything. */
  seq: number;
  /** Updates in the log that no snapshot covers. */
  unsavedCount: number;
}

export function createRoomDocument(logName: LogName, { broker, log }: RoomDeps): RoomDocument {
  const opening = createOpening(() => loadDocument(logName, broker.logs));
  const snapshots = createSnapshots(logName, { broker, log });
  let wasForgotten = false;

  return {
    async apply(update) {
      // What brings nothing new has a place in the log all the same: its sender waits for it. Its bytes have none.
      return (await opening.open()).document.apply(update) ?? EMPTY_UPDATE;
    },
    async append(name, text) {
      return (await opening.open()).document.append(name, text);
    },
    logged(seq, update, applied) {
      if (!opening.isBegun) return;
      const take = (opened: LoadedDocument) => {
        if (seq <= opened.seq) return;
        // What was applied may have gone with a document that was forgotten; twice does no harm.
        if (!applied || wasForgotten) opened.document.restore(Buffer.from(update, "base64"));
        opened.seq = seq;
        opened.unsavedCount++;
        if (opened.unsavedCount >= SERVER_LIMITS.documentCompactionCount) snapshots.saveInBackground(opened);
      };
      // Where it cannot be loaded it is when it is next needed, with this update.
      opening.open().then(take, () => undefined);
    },
    forget() {
      wasForgotten = true;
      opening.forget();
    },
    async load() {
      await opening.open();
    },
    whole: () => opening.opened?.document.whole() ?? null,
    async close() {
      await snapshots.settled();
      const { opened } = opening;
      if (opened === null) return;
      if (opened.unsavedCount > 0) snapshots.saveInBackground(opened);
      await snapshots.settled();
      opened.document.destroy();
    },
  };
}

async function loadDocument(logName: LogName, logs: Logs): Promise<LoadedDocument> {
  const { snapshot, pinned, epoch, seq } = await logs.state(logName);
  const document = createSharedDocument();
  if (snapshot !== null) document.restore(snapshot.data);
  for (const { data } of pinned) {
    const entry = decodeEntry(data);
    if (entry.kind === "document") document.restore(Buffer.from(entry.update, "base64"));
  }
  return { document, epoch, seq, unsavedCount: pinned.length };
}

/** Loads when it is first needed, and again where that failed or what was loaded was forgotten. */
function createOpening(load: () => Promise<LoadedDocument>) {
  let loading: Promise<LoadedDocument> | null = null;
  let opened: LoadedDocument | null = null;
  const forget = () => {
    loading = null;
    opened = null;
  };
  const begin = (): Promise<LoadedDocument> => {
    const under = load().then(
      (document) => {
        if (loading === under) opened = document;
        return document;
      },
      (error: unknown) => {
        if (loading === under) forget();
        throw error;
      },
    );
    return under;
  };
  return {
    get isBegun() {
      return loading !== null;
    },
    get opened() {
      return opened;
    },
    open(): Promise<LoadedDocument> {
      loading ??= begin();
      return loading;
    },
    forget,
  };
}

function createSnapshots(logName: LogName, { broker, log }: Pick<RoomDeps, "broker" | "log">) {
  let saving: Promise<void> | null = null;
  const save = async (opened: LoadedDocument): Promise<void> => {
    const { document, epoch, seq } = opened;
    const data = document.whole();
    if (data === null) return;
    opened.unsavedCount = 0;
    await broker.logs.saveSnapshot(logName, { epoch, seq, data });
  };
  return {
    /** One that cannot be stored now costs nothing but space: the updates stay in the log. */
    saveInBackground(opened: LoadedDocument): void {
      saving ??= save(opened)
        .catch((error: unknown) => log.warn({ err: error, log: logName }, "a snapshot could not be stored"))
        .finally(() => {
          saving = null;
        });
    },
    settled: async () => saving,
  };
}
