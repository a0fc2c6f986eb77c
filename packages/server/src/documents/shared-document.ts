import { ProtocolFailure } from "@sparql-live/protocol";
import * as Y from "yjs";
import { APPENDED_BYTES, appendText } from "./append-text.js";
import { DOCUMENT_LIMITS } from "./limits.js";
import { merge } from "./merge.js";
import { type MergePlan, planMerge } from "./merge-plan.js";
import { readUpdate } from "./update-reader.js";

/**
 * The document that the members of a room edit together, as Yjs merges it. Updates are in the first format of Yjs.
 * It is always complete: no update that waits for another one is kept.
 */
export interface SharedDocument {
  /**
   * Merges an update of a client. Returns the update to be logged and sent on, which is what was new of it, or
   * `null` where nothing was. Throws `bad_document_update` or `document_too_large`, and has changed nothing then.
   */
  apply(update: Uint8Array): Uint8Array | null;
  /**
   * Merges a snapshot (of `whole`) or a logged update (of `apply` or `append`), in the order of the log and without
   * the bounds for clients. Throws `bad_document_update` where it is damaged or another one is missing.
   */
  restore(update: Uint8Array): void;
  /** The whole state as one update, kept until it changes; `null` while nothing was written. */
  whole(): Uint8Array | null;
  /** Of the whole state: exact after `whole()`, and rather too high after changes. */
  readonly byteLength: number;
  /** What is known of each client, as Yjs encodes it. */
  stateVector(): Uint8Array;
  /**
   * The server's own edit: writes at the end of a text under a client id of its own. Returns the update to be
   * logged and sent, or `null` for an empty text. Throws `document_too_large`.
   */
  append(name: string, text: string): Uint8Array | null;
  destroy(): void;
}

export interface SharedDocumentOptions {
  /** Bytes of the whole state. Default 1 MiB. */
  readonly maxDocumentBytes?: number;
}

export function createSharedDocument({
  maxDocumentBytes = DOCUMENT_LIMITS.maxDocumentBytes,
}: SharedDocumentOptions = {}): SharedDocument {
  const headroomBytes = Math.ceil(maxDocumentBytes * DOCUMENT_LIMITS.deletionHeadroom);
  /** Raised by a state that was stored under a higher bound: it must be possible to make it smaller. */
  let maxDeletionBytes = maxDocumentBytes + headroomBytes;
  /** The last encoded state and what changed it since: all that is needed to undo a merge that failed midway. */
  let base: Uint8Array | null = null;
  const journal: Uint8Array[] = [];
  let journalBytes = 0;
  let byteLength = 0;
  let doc = new Y.Doc();

  const rebuild = () => {
    doc.destroy();
    doc = new Y.Doc();
    for (const update of base === null ? journal : [base, ...journal]) {
      merge(doc, planMerge(doc.store, readUpdate(update)), null);
    }
  };

  const whole = () => {
    if (journal.length > 0) {
      base = Y.encodeStateAsUpdate(doc);
      byteLength = base.byteLength;
      journal.length = 0;
      journalBytes = 0;
    }
    return base;
  };

  /** Edits in one transaction, entirely or not at all; returns the update that it makes. */
  const change = (edit: () => void, growthBytes: number): Uint8Array | null => {
    const made: Uint8Array[] = [];
    const keep = (update: Uint8Array) => made.push(update);
    doc.on("update", keep);
    try {
      edit();
      doc.off("update", keep);
    } catch (error) {
      rebuild();
      throw error;
    }
    const [update] = made;
    if (update === undefined) return null;
    byteLength += growthBytes;
    journal.push(update);
    journalBytes += update.byteLength;
    const maxJournalBytes = Math.max(DOCUMENT_LIMITS.minJournalBytes, base?.byteLength ?? 0);
    if (journal.length >= DOCUMENT_LIMITS.maxJournalCount || journalBytes > maxJournalBytes) whole();
    return update;
  };

  const planNews = (update: Uint8Array): MergePlan => {
    const decoded = readUpdate(update);
    const isKnown = decoded.structs.some(({ id }) => id.clock < Y.getState(doc.store, id.client));
    if (!isKnown) return planMerge(doc.store, decoded);
    return planMerge(doc.store, readUpdate(Y.diffUpdate(update, Y.encodeStateVector(doc))));
  };

  const checkSize = (growthBytes: number, maxBytes: number) => {
    if (growthBytes <= 0 || byteLength + growthBytes <= maxBytes) return;
    whole();
    if (byteLength + growthBytes <= maxBytes) return;
    throw new ProtocolFailure(
      "document_too_large",
      `The document has ${byteLength} bytes and may have ${maxDocumentBytes}. Delete some of it, or begin a new one.`,
    );
  };

  return {
    apply(update) {
      if (update.byteLength > maxDeletionBytes) {
        throw new ProtocolFailure(
          "document_too_large",
          `The update has ${update.byteLength} bytes, and the whole document may have ${maxDocumentBytes}.`,
        );
      }
      const plan = planNews(update);
      if (isIdle(plan)) return null;
      checkSize(plan.growthBytes, plan.structs.length > 0 ? maxDocumentBytes : maxDeletionBytes);
      return change(() => merge(doc, plan, DOCUMENT_LIMITS.maxMergeSteps), plan.growthBytes);
    },
    restore(update) {
      const plan = planNews(update);
      if (isIdle(plan)) return;
      change(() => merge(doc, plan, null), plan.growthBytes);
      maxDeletionBytes = Math.max(maxDeletionBytes, byteLength + headroomBytes);
    },
    whole,
    get byteLength() {
      return byteLength;
    },
    stateVector: () => Y.encodeStateVector(doc),
    append(name, text) {
      if (text === "") return null;
      const growthBytes = Buffer.byteLength(name) + Buffer.byteLength(text) + APPENDED_BYTES;
      checkSize(growthBytes, maxDocumentBytes);
      return change(() => appendText(doc, name, text), growthBytes);
    },
    destroy: () => doc.destroy(),
  };
}

function isIdle({ structs, deletions }: MergePlan): boolean {
  return structs.length === 0 && deletions.size === 0;
}
