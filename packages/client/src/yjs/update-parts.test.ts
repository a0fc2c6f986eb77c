import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { cutUpdate } from "./update-parts.js";

/** Applies the parts one after the other: none may wait for a later one. */
function docOf(parts: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const part of parts) {
    Y.applyUpdate(doc, part);
    expect(doc.store.pendingStructs).toBeNull();
    expect(doc.store.pendingDs).toBeNull();
  }
  return doc;
}

test("[CLIENT-YJS-3] a long text is cut into parts below the bound, and no character in two", () => {
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "a😀".repeat(20_000));
  const parts = cutUpdate(Y.encodeStateAsUpdate(doc), 10_000);
  expect(parts.length).toBeGreaterThan(9);
  for (const { byteLength } of parts) expect(byteLength).toBeLessThanOrEqual(10_000);
  expect(String(docOf(parts).getText("query"))).toBe("a😀".repeat(20_000));
});

test("[CLIENT-YJS-3] whatever several people wrote and deleted: each part needs those before it alone", () => {
  const edit = fc.record({
    who: fc.nat(2),
    at: fc.nat(),
    text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    deletes: fc.nat(20),
    key: fc.constantFrom("a", "b"),
  });
  fc.assert(
    fc.property(
      fc.array(edit, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 100, max: 600 }),
      (edits, bound) => {
        const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
        for (const { who, at, text, deletes, key } of edits) {
          const doc = docs[who] ?? new Y.Doc();
          const shared = doc.getText("query");
          shared.insert(at % (shared.length + 1), text);
          const from = at % shared.length;
          shared.delete(from, Math.min(deletes, shared.length - from));
          doc.getMap("map").set(key, [text, at]);
          for (const other of docs) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
        }
        const [doc = new Y.Doc()] = docs;
        const read = docOf(cutUpdate(Y.encodeStateAsUpdate(doc), bound));
        expect(read.getText("query").toDelta()).toEqual(doc.getText("query").toDelta());
        expect(read.getMap("map").toJSON()).toEqual(doc.getMap("map").toJSON());
        expect(Y.equalSnapshots(Y.snapshot(read), Y.snapshot(doc))).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});
