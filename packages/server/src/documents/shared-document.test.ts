import { ProtocolFailure } from "@sparql-live/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { DOCUMENT_LIMITS } from "./limits.js";
import { createSharedDocument, type SharedDocument } from "./shared-document.js";
import { contentOf } from "./testing/document-content.js";
import { itemAfter, rawUpdate, rootItem, varText, varUint } from "./testing/raw-update.js";

const TEXT = 4;

function openShared(maxDocumentBytes?: number): SharedDocument {
  const shared = createSharedDocument(maxDocumentBytes === undefined ? {} : { maxDocumentBytes });
  onTestFinished(() => shared.destroy());
  return shared;
}

/** A client of Yjs, and the updates that it made since it was last asked. */
function openClient(state: Uint8Array | null = null, client?: number) {
  const doc = new Y.Doc();
  if (client !== undefined) doc.clientID = client;
  if (state !== null) Y.applyUpdate(doc, state);
  let made: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => made.push(update));
  const take = () => {
    const taken = made;
    made = [];
    return taken;
  };
  return { doc, text: doc.getText("query"), take };
}

function failureOf(action: () => unknown): ProtocolFailure {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolFailure) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe("what is merged", () => {
  test("a document is empty until something is written", () => {
    const shared = openShared();
    expect(shared.whole()).toBeNull();
    expect(shared.byteLength).toBe(0);
    expect(shared.stateVector()).toEqual(Y.encodeStateVector(new Y.Doc()));
    expect(shared.apply(Y.encodeStateAsUpdate(new Y.Doc()))).toBeNull();
    expect(shared.whole()).toBeNull();
  });

  test("what was new of an update is returned, for the others", () => {
    const shared = openShared();
    const { text, take, doc } = openClient();
    text.insert(0, "SELECT *");
    const [first] = take();
    if (first === undefined) expect.fail("nothing was written");
    expect(shared.apply(first)).toEqual(first);
    expect(shared.apply(first)).toBeNull();

    text.insert(8, " WHERE { }");
    text.delete(7, 1);
    const news = shared.apply(Y.encodeStateAsUpdate(doc));
    if (news === null) expect.fail("nothing was new");
    expect(contentOf(Y.mergeUpdates([first, news])).text).toBe("SELECT  WHERE { }");
    expect(news).not.toContain("T".charCodeAt(0));
    expect(shared.stateVector()).toEqual(Y.encodeStateVector(doc));
  });

  test("the whole state is encoded once for each change", () => {
    const shared = openShared();
    const { text, take } = openClient();
    text.insert(0, "ASK");
    for (const update of take()) shared.apply(update);
    const state = shared.whole();
    expect(shared.whole()).toBe(state);
    expect(shared.byteLength).toBe(state?.byteLength);
    text.insert(3, " { }");
    for (const update of take()) shared.apply(update);
    expect(shared.whole()).not.toBe(state);
    expect(contentOf(shared.whole()).text).toBe("ASK { }");
  });

  test("what the server writes stands behind what is there, under a client id of its own", () => {
    const shared = openShared();
    const { doc, text, take } = openClient();
    text.insert(0, "# question\n");
    text.insert(11, "draft");
    text.delete(11, 5);
    for (const update of take()) shared.apply(update);
    for (const addition of ["SELECT * { ?s ?p ?o }", "\nLIMIT 10"]) {
      const update = shared.append("query", addition);
      if (update === null) expect.fail("nothing was written");
      Y.applyUpdate(doc, update);
    }
    expect(text.toString()).toBe("# question\nSELECT * { ?s ?p ?o }\nLIMIT 10");
    expect(contentOf(shared.whole())).toEqual(contentOf(Y.encodeStateAsUpdate(doc)));
    expect(Y.decodeStateVector(shared.stateVector()).size).toBe(2);
    expect(shared.append("query", "")).toBeNull();
  });

  test("[DOC-4] a snapshot and the log behind it restore the document; what is there already changes nothing", () => {
    const shared = openShared();
    const { text, take } = openClient();
    text.insert(0, "SELECT ?s");
    for (const update of take()) shared.apply(update);
    const snapshot = shared.whole();
    if (snapshot === null) expect.fail("nothing was written");
    text.delete(7, 2);
    text.insert(7, "?o");
    const log = take().map((update) => shared.apply(update) ?? expect.fail("nothing was new"));

    const restored = openShared();
    for (const update of [snapshot, ...log, ...log, snapshot]) restored.restore(update);
    expect(contentOf(restored.whole())).toEqual(contentOf(shared.whole()));
    expect(contentOf(restored.whole()).text).toBe("SELECT ?o");
  });

  test("a log with a hole is not taken for whole", () => {
    const shared = openShared();
    const { text, take } = openClient();
    for (const word of ["SELECT ", "?s ", "{ }"]) text.insert(text.length, word);
    const [first, , third] = take();
    if (first === undefined || third === undefined) expect.fail("nothing was written");
    shared.restore(first);
    expect(failureOf(() => shared.restore(third)).code).toBe("bad_document_update");
    expect(contentOf(shared.whole()).text).toBe("SELECT ");
  });

  test("formats that two texts have in common are tidied by the clients, not by the server", () => {
    const shared = openShared();
    const { doc, take } = openClient();
    const note = new Y.Text();
    doc.getMap("map").set("note", note);
    note.insert(0, "one two", { bold: true });
    const other = openClient(Y.encodeStateAsUpdate(doc));
    for (const update of take()) shared.apply(update);
    note.format(0, 3, { bold: null });
    const otherNote = other.doc.getMap("map").get("note");
    if (!(otherNote instanceof Y.Text)) expect.fail("the note is no text");
    otherNote.format(0, 7, { bold: null });
    const sent = [...take(), ...other.take()];
    for (const update of sent) shared.apply(update);
    const { ds } = Y.decodeUpdate(shared.whole() ?? expect.fail("nothing was written"));
    expect(ds.clients).toEqual(Y.mergeDeleteSets(sent.map((update) => Y.decodeUpdate(update).ds)).clients);
  });
});

describe("what an update refers to", () => {
  test("[DOC-3] an update whose predecessor is missing is refused, and taken once the whole state was sent", () => {
    const shared = openShared();
    const { doc, text, take } = openClient();
    text.insert(0, "SELECT");
    take();
    text.insert(6, " *");
    const [second] = take();
    if (second === undefined) expect.fail("nothing was written");
    const failure = failureOf(() => shared.apply(second));
    expect(failure.code).toBe("bad_document_update");
    expect(failure.message).toContain("Send the whole state");
    expect(shared.whole()).toBeNull();
    shared.apply(Y.encodeStateAsUpdate(doc));
    expect(shared.apply(second)).toBeNull();
    expect(contentOf(shared.whole()).text).toBe("SELECT *");
  });

  test("neighbours, parents and deletions that are not there are refused", () => {
    const shared = openShared();
    shared.append("query", "SELECT");
    const before = shared.whole();
    for (const update of [
      rawUpdate({ clients: [{ client: 7, structs: [itemAfter([8, 0], TEXT, varText("x"))] }] }),
      // Its own future.
      rawUpdate({ clients: [{ client: 7, structs: [itemAfter([7, 0], TEXT, varText("x"))] }] }),
      rawUpdate({ clients: [{ client: 7, structs: [[0x40 | TEXT, ...varUint(8), 0, ...varText("x")]] }] }),
      rawUpdate({ clients: [{ client: 7, structs: [[TEXT, 0, ...varUint(8), 0, ...varText("x")]] }] }),
      // Two that wait for each other.
      rawUpdate({
        clients: [
          { client: 9, structs: [itemAfter([8, 0], TEXT, varText("x"))] },
          { client: 8, structs: [itemAfter([9, 0], TEXT, varText("x"))] },
        ],
      }),
      rawUpdate({ clients: [{ client: 7, clock: 1, structs: [rootItem(TEXT, varText("x"))] }] }),
      // A hole within the update.
      rawUpdate({
        clients: [
          { client: 7, structs: [rootItem(TEXT, varText("x")), [10, 5], rootItem(TEXT, varText("x"))] },
        ],
      }),
      rawUpdate({ deletions: [{ client: 7, ranges: [[0, 1]] }] }),
      rawUpdate({
        clients: [{ client: 7, structs: [rootItem(TEXT, varText("abc"))] }],
        deletions: [{ client: 7, ranges: [[2, 2]] }],
      }),
    ]) {
      const failure = failureOf(() => shared.apply(update));
      expect(failure.code).toBe("bad_document_update");
      expect(failure.message).toContain("Send the whole state");
    }
    expect(shared.whole()).toBe(before);
  });

  test("structs of several clients that refer to each other may stand in any order", () => {
    const shared = openShared();
    shared.apply(
      rawUpdate({
        clients: [
          {
            client: 9,
            structs: [rootItem(TEXT, varText("a")), itemAfter([8, 0], TEXT, varText("c"))],
          },
          {
            client: 8,
            structs: [itemAfter([9, 0], TEXT, varText("b")), itemAfter([9, 1], TEXT, varText("d"))],
          },
        ],
      }),
    );
    expect(contentOf(shared.whole()).text).toBe("abcd");
  });

  test("an update with a known part in front, or left out, is merged", () => {
    const shared = openShared();
    const first = rootItem(TEXT, varText("ab"));
    shared.apply(rawUpdate({ clients: [{ client: 7, structs: [first] }] }));
    const rest = itemAfter([7, 1], TEXT, varText("cd"));
    const known = [first, rest, itemAfter([7, 3], TEXT, varText("e"))];
    const news = shared.apply(rawUpdate({ clients: [{ client: 7, structs: known }] }));
    expect(news).toEqual(
      rawUpdate({ clients: [{ client: 7, clock: 2, structs: [itemAfter([7, 1], TEXT, varText("cde"))] }] }),
    );
    const skipped = [[10, 5], itemAfter([7, 4], TEXT, varText("f"))];
    shared.apply(rawUpdate({ clients: [{ client: 7, structs: skipped }] }));
    expect(contentOf(shared.whole()).text).toBe("abcdef");
  });

  test("what is known already leaves no trace, whatever names it gives", () => {
    const shared = openShared();
    const { text, take } = openClient(null, 7);
    text.insert(0, "ASK");
    for (const update of take()) shared.apply(update);
    const before = shared.whole();
    expect(
      shared.apply(rawUpdate({ clients: [{ client: 7, structs: [rootItem(TEXT, varText("EVE"), "x")] }] })),
    ).toBeNull();
    expect(shared.whole()).toBe(before);
  });
});

describe("[DOC-5] how large a document may be", () => {
  const maxDocumentBytes = 10_000;

  /** One text of a size at which the whole state has as many bytes. */
  function fill(shared: SharedDocument, bytes: number): void {
    const write = (length: number) =>
      rawUpdate({ clients: [{ client: 7, structs: [rootItem(TEXT, varText("x".repeat(length)))] }] });
    shared.apply(write(2 * bytes - write(bytes).byteLength));
    expect(shared.whole()?.byteLength).toBe(bytes);
  }

  test("a document grows to its bound, and what would pass it is refused", () => {
    const shared = openShared(maxDocumentBytes);
    fill(shared, maxDocumentBytes - 200);
    const { text, take } = openClient(shared.whole());
    let refusedCount = 0;
    for (let count = 0; count < 400; count++) {
      text.insert(text.length, "y");
      for (const update of take()) {
        const before = shared.whole();
        try {
          shared.apply(update);
        } catch (error) {
          expect(error).toMatchObject({
            code: refusedCount === 0 ? "document_too_large" : "bad_document_update",
          });
          refusedCount++;
          expect(shared.whole()).toBe(before);
        }
      }
    }
    expect(refusedCount).toBeGreaterThan(0);
    const state = shared.whole();
    expect(state?.byteLength).toBeLessThanOrEqual(maxDocumentBytes);
    expect(state?.byteLength).toBeGreaterThan(maxDocumentBytes - 100);
    expect(shared.byteLength).toBe(state?.byteLength);
  });

  test("the server's own text is bounded alike", () => {
    const shared = openShared(maxDocumentBytes);
    expect(failureOf(() => shared.append("query", "é".repeat(5_000))).code).toBe("document_too_large");
    expect(shared.whole()).toBeNull();
    shared.append("query", "é".repeat(4_900));
    expect(failureOf(() => shared.append("query", "x".repeat(200))).code).toBe("document_too_large");
    expect(shared.whole()?.byteLength).toBeLessThanOrEqual(maxDocumentBytes);
  });

  test("text of a full document can be deleted and replaced", () => {
    const shared = openShared(maxDocumentBytes);
    fill(shared, maxDocumentBytes);
    const { text, doc, take } = openClient(shared.whole());
    for (let count = 0; count < 20; count++) text.delete(10 + count * 20, 5);
    for (const update of take()) shared.apply(update);
    expect(shared.byteLength).toBeGreaterThan(maxDocumentBytes);
    doc.transact(() => {
      text.delete(0, text.length);
      text.insert(0, "ASK { }");
    });
    for (const update of take()) shared.apply(update);
    expect(contentOf(shared.whole()).text).toBe("ASK { }");
    expect(shared.byteLength).toBeLessThan(1_000);
  });

  test("deletions that only cut a text into pieces are bounded too", () => {
    const shared = openShared(maxDocumentBytes);
    fill(shared, maxDocumentBytes);
    const failure = failureOf(() => {
      for (let clock = 1; clock < 9_000; clock += 2) {
        shared.apply(rawUpdate({ deletions: [{ client: 7, ranges: [[clock, 1]] }] }));
      }
    });
    expect(failure.code).toBe("document_too_large");
    expect(shared.whole()?.byteLength).toBeLessThanOrEqual(
      maxDocumentBytes * (1 + DOCUMENT_LIMITS.deletionHeadroom),
    );
  });

  test("a document that was stored under a higher bound is restored, and can be made smaller", () => {
    const large = openShared(maxDocumentBytes * 2);
    fill(large, maxDocumentBytes * 2);
    const shared = openShared(maxDocumentBytes);
    shared.restore(large.whole() ?? expect.fail("nothing was written"));
    const { text, take } = openClient(shared.whole());
    text.insert(0, "x");
    const [insertion] = take();
    if (insertion === undefined) expect.fail("nothing was written");
    expect(failureOf(() => shared.apply(insertion)).code).toBe("document_too_large");
    expect(shared.apply(rawUpdate({ deletions: [{ client: 7, ranges: [[5, 1]] }] }))).not.toBeNull();
  });

  test("an update that is larger than a document may be is not read", () => {
    const shared = openShared(maxDocumentBytes);
    expect(failureOf(() => shared.apply(new Uint8Array(11_251).fill(0xff))).code).toBe("document_too_large");
    expect(failureOf(() => shared.apply(new Uint8Array(11_250).fill(0xff))).code).toBe("bad_document_update");
  });

  test("as many sessions as may have written in a document, and no more", () => {
    const shared = openShared();
    const count = DOCUMENT_LIMITS.maxClientsCount;
    const clients = Array.from({ length: count }, (_, index) => ({
      client: count - index,
      structs: [rootItem(TEXT, varText("x"))],
    }));
    shared.apply(rawUpdate({ clients }));
    const next = rawUpdate({ clients: [{ client: count + 1, structs: [rootItem(TEXT, varText("y"))] }] });
    const failure = failureOf(() => shared.apply(next));
    expect(failure.code).toBe("document_too_large");
    expect(failure.message).toContain("4096 sessions");
    expect(contentOf(shared.whole()).text).toBe("x".repeat(count));
  });

  test("the state stays the same over more updates than are kept to undo a merge", () => {
    const shared = openShared();
    const { doc, text, take } = openClient();
    for (let count = 0; count <= DOCUMENT_LIMITS.maxJournalCount; count++) {
      text.insert(count % 7 === 0 ? 0 : text.length, "x");
    }
    for (const update of take()) shared.apply(update);
    expect(contentOf(shared.whole())).toEqual(contentOf(Y.encodeStateAsUpdate(doc)));
  });
});
