import * as Y from "yjs";

/** What `doc` has and the document of the update has not, as an update; `null` where there is nothing. */
export function missingIn(whole: Uint8Array, doc: Y.Doc): Uint8Array | null {
  const other = new Y.Doc({ gc: false });
  try {
    Y.applyUpdate(other, whole);
    const update = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other));
    const before = Y.snapshot(other);
    Y.applyUpdate(other, update);
    return Y.equalSnapshots(before, Y.snapshot(other)) ? null : update;
  } finally {
    other.destroy();
  }
}
