import * as Y from "yjs";

/** At `at` so many characters go, and then a text comes. */
export interface TextChange {
  readonly at: number;
  readonly removedCount: number;
  readonly inserted: string;
}

/** What a member has of a room's document, of which it edits the text `query`. */
export interface TextReplica {
  readonly text: string;
  take(update: Uint8Array): void;
  /** The update that makes the change here, which is not taken yet. Of two that change one place the lower id stands first. */
  change(yjsClientId: number, change: TextChange): Uint8Array;
  /** One that needs another update, which nobody gets. */
  danglingChange(yjsClientId: number): Uint8Array;
}

export function createTextReplica(): TextReplica {
  const doc = new Y.Doc();
  /** What one change after the other makes of a copy. */
  const updatesOf = (yjsClientId: number, changes: readonly TextChange[]): Uint8Array[] => {
    const copy = new Y.Doc();
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
    copy.clientID = yjsClientId;
    const updates: Uint8Array[] = [];
    copy.on("update", (update: Uint8Array) => updates.push(update));
    for (const { at, removedCount, inserted } of changes) {
      copy.transact(() => {
        const text = copy.getText("query");
        if (removedCount > 0) text.delete(at, removedCount);
        text.insert(at, inserted);
      });
    }
    return updates;
  };
  return {
    get text() {
      return doc.getText("query").toString();
    },
    take: (update) => Y.applyUpdate(doc, update),
    change: (yjsClientId, change) => updatesOf(yjsClientId, [change])[0] ?? new Uint8Array(),
    danglingChange(yjsClientId) {
      const letter = { at: 0, removedCount: 0, inserted: "x" };
      return updatesOf(yjsClientId, [letter, letter])[1] ?? new Uint8Array();
    },
  };
}
