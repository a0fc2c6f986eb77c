import * as Y from "yjs";

/** What an appended text adds to the encoded state beside itself and its name, at most. */
export const APPENDED_BYTES = 48;

/**
 * Writes behind all that ever stood in a text, under the client id of the document. `Y.Text` is not used for it: it
 * remembers positions, which the merge of updates does not keep up to date.
 */
export function appendText(doc: Y.Doc, name: string, text: string): void {
  doc.transact((transaction) => {
    const type = doc.get(name);
    let last = type._start;
    while (last !== null && last.right !== null) last = last.right;
    const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID));
    const origin = last === null ? null : last.lastId;
    const item = new Y.Item(id, last, origin, null, null, type, null, new Y.ContentString(text));
    item.integrate(transaction, 0);
  });
}
