import * as Y from "yjs";

export interface DocumentContent {
  readonly text: string;
  /** Of "map" and "list". */
  readonly values: readonly [map: Record<string, unknown>, list: readonly unknown[]];
  readonly clocks: ReadonlyMap<number, number>;
  readonly deletions: ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>;
  readonly isWaiting: boolean;
}

/** What the clients of Yjs make of a state: who wrote how much, what is deleted, and the text of "query". */
export function contentOf(state: Uint8Array | null): DocumentContent {
  const doc = new Y.Doc();
  const text = doc.getText("query");
  if (state !== null) Y.applyUpdate(doc, state);
  const { sv, ds } = Y.snapshot(doc);
  return {
    text: text.toString(),
    values: [doc.getMap("map").toJSON(), doc.getArray("list").toJSON()],
    clocks: new Map([...sv].sort(([one], [other]) => one - other)),
    deletions: new Map([...ds.clients].sort(([one], [other]) => one - other)),
    isWaiting: doc.store.pendingStructs !== null || doc.store.pendingDs !== null,
  };
}
