import type { LogName } from "../../broker.js";
import { createSharedDocument, type SharedDocument } from "../../documents/shared-document.js";
import { SERVER_LIMITS } from "../../limits.js";
import { decodeEntry } from "./entries.js";
import type { RoomDeps } from "./room-deps.js";

/** The shared document of a room: made of the log's snapshot and the updates after it, when it is first needed. */
export interface RoomDocument {
  /** Throws `bad_document_update` and `document_too_large`; then nothing changed. Returns what is to be logged. */
  apply(update: Uint8Array): Promise<Uint8Array>;
  /** The server's own edit, at the end of a text: what others wrote stays. Returns what is to be logged. */
  append(name: string, text: string): Promise<Uint8Array | null>;
  /** An update is in the log. `applied`: it came through this process. */
  logged(seq: number, update: string, applied: boolean): void;
  /** An applied update could not be logged: what is in memory is ahead of the log. */
  forget(): void;
  load(): Promise<void>;
  /** As of now; `null` while it is empty. Loaded before. */
  whole(): Uint8Array | null;
  close(): Promise<void>;
}

/** An update of Yjs without structs and without deletions. */
const NOTHING = Uint8Array.of(0, 0);

interface LoadedDocument {
  readonly document: SharedDocument;
  /** Of the log that it was made of: a room of the same id may be made anew. */
  readonly epoch: string;
}

export function createRoomDocument(logName: LogName, { broker, log }: RoomDeps): RoomDocument {
  let loading: Promise<LoadedDocument> | null = null;
  let loaded: LoadedDocument | null = null;
  let loadedSeq = 0;
  let loggedSeq = 0;
  /** Logged since the last snapshot. */
  let unsavedCount = 0;
  let saving: Promise<void> | null = null;

  const load = async (): Promise<LoadedDocument> => {
    const state = await broker.logs.state(logName);
    const document = createSharedDocument();
    if (state.snapshot !== null) document.restore(state.snapshot.data);
    for (const { data } of state.pinned) {
      const entry = decodeEntry(data);
      if (entry.kind === "document") document.restore(Buffer.from(entry.update, "base64"));
    }
    loadedSeq = state.seq;
    unsavedCount = state.pinned.length;
    return { document, epoch: state.epoch };
  };
  const open = async (): Promise<LoadedDocument> => {
    loading ??= load();
    const under = loading;
    const opened = await under;
    if (loading === under) loaded = opened;
    return opened;
  };

  const save = async ({ document, epoch }: LoadedDocument): Promise<void> => {
    const data = document.whole();
    if (data === null) return;
    unsavedCount = 0;
    await broker.logs.saveSnapshot(logName, { epoch, seq: Math.max(loggedSeq, loadedSeq), data });
  };
  /** A snapshot that cannot be stored now costs nothing but space: the updates stay in the log. */
  const saveInBackground = (opened: LoadedDocument): void => {
    saving ??= save(opened)
      .catch((error: unknown) => log.warn({ err: error, log: logName }, "a snapshot could not be stored"))
      .finally(() => {
        saving = null;
      });
  };

  return {
    async apply(update) {
      // What brings nothing new has a place in the log all the same: its sender waits for it. Its bytes have none.
      return (await open()).document.apply(update) ?? NOTHING;
    },
    async append(name, text) {
      return (await open()).document.append(name, text);
    },
    logged(seq, update, applied) {
      loggedSeq = seq;
      unsavedCount++;
      if (loading === null) return;
      void open().then((opened) => {
        if (!applied && seq > loadedSeq) opened.document.restore(Buffer.from(update, "base64"));
        if (unsavedCount >= SERVER_LIMITS.documentCompactionCount) saveInBackground(opened);
      });
    },
    forget() {
      loading = null;
      loaded = null;
    },
    async load() {
      await open();
    },
    whole: () => loaded?.document.whole() ?? null,
    async close() {
      if (loading === null) return;
      const opened = await open();
      await saving;
      if (unsavedCount > 0) await save(opened);
      opened.document.destroy();
    },
  };
}
