import { ProtocolFailure } from "@sparql-live/protocol";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { DOCUMENT_LIMITS } from "./limits.js";
import { createSharedDocument, type SharedDocument } from "./shared-document.js";
import { contentOf } from "./testing/document-content.js";
import { anyEdit, edit } from "./testing/editing-clients.js";
import { itemAfter, rawUpdate, rootItem, varText, varUint } from "./testing/raw-update.js";
import {
  ANY,
  BYTES,
  DELETED,
  EMBED,
  FORMAT,
  GC,
  JSON_LIST,
  SKIP,
  SUBDOCUMENT,
  TEXT,
  TYPE,
} from "./testing/struct-kinds.js";

const WRITTEN = "SELECT * WHERE { ?s ?p ?o }";

function openWritten(): SharedDocument {
  const shared = createSharedDocument();
  onTestFinished(() => shared.destroy());
  shared.apply(rawUpdate({ clients: [{ client: 1, structs: [rootItem(TEXT, varText(WRITTEN))] }] }));
  return shared;
}

/** One struct of a client that has written nothing yet. */
function alone(struct: readonly number[]): Uint8Array {
  return rawUpdate({ clients: [{ client: 7, structs: [struct] }] });
}

/** Refused, and everything is as it was: also for those who come later. */
function expectRefused(shared: SharedDocument, update: Uint8Array, words: string): void {
  const before = contentOf(shared.whole());
  let failure: unknown;
  try {
    shared.apply(update);
  } catch (error) {
    failure = error;
  }
  if (!(failure instanceof ProtocolFailure)) expect.fail(`not refused: ${failure}`);
  expect(failure.code).toBe("bad_document_update");
  expect(failure.message).toContain(words);
  shared.append("marks", "x");
  const after = contentOf(shared.whole());
  expect(after.text).toBe(before.text);
  expect(after.values).toEqual(before.values);
  expect(after.deletions).toEqual(before.deletions);
  expect(sum(after.clocks.values())).toBe(sum(before.clocks.values()) + 1);
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, next) => total + next, 0);
}

const nestedArray = (depth: number): number[] => [
  ...Array.from({ length: depth }, () => [117, 1]).flat(),
  126,
];
const nestedJson = (depth: number) => varText("[".repeat(depth) + "]".repeat(depth));

describe("[DOC-3] malformed updates are refused and change nothing", () => {
  test.each([
    ["nothing at all", new Uint8Array(), "ends too early"],
    ["a struct of no known kind", alone(rootItem(11, [1])), "no known kind"],
    ["flags on what is no item", alone([0x80 | GC, 1, 0, 1]), "no known kind"],
    ["a type of no known kind", alone(rootItem(TYPE, [7])), "no known kind"],
    ["a parent of no known kind", alone([TEXT, 2, ...varText("query"), ...varText("x")]), "no known kind"],
    ["a value of no known kind", alone(rootItem(ANY, [1, 115])), "no known kind"],
    ["a document within the document", alone(rootItem(SUBDOCUMENT, [...varText("guid"), 118, 0])), "within"],
    ["an empty text", alone(rootItem(TEXT, varText(""))), "no length"],
    ["an empty list", alone(rootItem(ANY, [0])), "no length"],
    ["an empty deleted part", alone(rootItem(DELETED, [0])), "no length"],
    ["an empty collected part", alone([GC, 0]), "no length"],
    ["an empty hole", alone([SKIP, 0]), "no length"],
    ["an empty deletion", rawUpdate({ deletions: [{ client: 1, ranges: [[0, 0]] }] }), "no length"],
    ["a text that is no UTF-8", alone(rootItem(TEXT, [2, 0xc3, 0x28])), "no UTF-8"],
    ["half a pair of surrogates", alone(rootItem(TEXT, [3, 0xed, 0xa0, 0xbd])), "no UTF-8"],
    ["an embedded object that is no JSON", alone(rootItem(EMBED, varText("{a:1}"))), "no JSON"],
    ["a format that is no JSON", alone(rootItem(FORMAT, [...varText("bold"), ...varText("")])), "no JSON"],
    ["a list of what is no JSON", alone(rootItem(JSON_LIST, [1, ...varText("NaN")])), "no JSON"],
    [
      "a client that stands twice",
      rawUpdate({
        clients: [
          { client: 7, structs: [rootItem(TEXT, varText("x"))] },
          { client: 7, structs: [rootItem(TEXT, varText("y"))] },
        ],
      }),
      "stands twice",
    ],
    ["a number without an end", Uint8Array.from([...Array(200).fill(0x80), 0, 0]), "too long"],
    [
      "a number of 54 bits",
      Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0]),
      "too large",
    ],
    ["a value without an end", alone(rootItem(ANY, [1, 125, ...Array(9).fill(0x80)])), "too long"],
    ["trailing bytes", Uint8Array.from([...alone(rootItem(TEXT, varText("x"))), 0]), "follows the end"],
  ])("%s", (_, update, words) => {
    expectRefused(openWritten(), update, words);
  });

  test.each([
    ["text", rootItem(TEXT, [5, 65])],
    ["root name", [TEXT, 1, 200, 1, 65]],
    ["bytes", rootItem(BYTES, [...varUint(2 ** 40), 1])],
    ["float", rootItem(ANY, [1, 123, 1, 2])],
    ["bytes within a value", rootItem(ANY, [1, 116, ...varUint(2 ** 31), 1])],
    ["list", rootItem(ANY, [...varUint(2 ** 50), 126, 119])],
    ["list of JSON", rootItem(JSON_LIST, [...varUint(2 ** 50), ...varText("1"), 5])],
    ["array within a value", rootItem(ANY, [1, 117, ...varUint(2 ** 50), 126, 119, 5])],
    ["object within a value", rootItem(ANY, [1, 118, ...varUint(2 ** 50)])],
  ])("a %s that declares more than there is, also within a larger buffer", (_, struct) => {
    const update = alone(struct);
    // As frames stand in the buffer of a socket.
    const pool = new Uint8Array(4_096).fill(65);
    pool.set(update, 100);
    expectRefused(openWritten(), pool.subarray(100, 100 + update.byteLength), "ends too early");
  });

  test("counts of structs, clients and deletions that declare more than there is", () => {
    const shared = openWritten();
    const structs = [rootItem(TEXT, varText("x"))];
    for (const count of [2, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      const declared = rawUpdate({ clients: [{ client: 7, structs, declaredCount: count }] });
      expectRefused(shared, declared, "");
      expectRefused(shared, Uint8Array.from([...varUint(count), 0]), "ends too early");
      expectRefused(shared, Uint8Array.from([0, ...varUint(count), 1, 1, 0]), "ends too early");
      expectRefused(shared, Uint8Array.from([0, 1, 1, ...varUint(count), 0, 1]), "ends too early");
    }
  });

  test("every update that is cut short", () => {
    const shared = openWritten();
    const doc = new Y.Doc();
    for (const change of fc.sample(anyEdit, { numRuns: 20, seed: 3 })) edit(doc, change);
    const update = Y.encodeStateAsUpdate(doc);
    for (let length = 0; length < update.byteLength; length++) {
      expect(() => shared.apply(update.subarray(0, length))).toThrow(ProtocolFailure);
    }
    expect(contentOf(shared.whole()).text).toBe(WRITTEN);
    expect(contentOf(shared.whole()).clocks.size).toBe(1);
  });

  test("updates of the second format", () => {
    const shared = openWritten();
    const doc = new Y.Doc();
    for (const change of [undefined, ...fc.sample(anyEdit, { numRuns: 20, seed: 4 })]) {
      if (change !== undefined) edit(doc, change);
      expectRefused(shared, Y.encodeStateAsUpdateV2(doc), "second format");
    }
  });
});

describe("bounds of what an update says", () => {
  test("values nest 32 levels deep, and not 33", () => {
    const { maxValueNesting } = DOCUMENT_LIMITS;
    const shared = openWritten();
    expectRefused(shared, alone(rootItem(ANY, [1, ...nestedArray(maxValueNesting + 1)])), "32 levels");
    expectRefused(shared, alone(rootItem(EMBED, nestedJson(maxValueNesting + 1))), "32 levels");
    expectRefused(shared, alone(rootItem(ANY, [1, ...nestedArray(50_000)])), "32 levels");
    expectRefused(shared, alone(rootItem(EMBED, nestedJson(50_000))), "32 levels");
    shared.apply(alone(rootItem(ANY, [1, ...nestedArray(maxValueNesting)], "values")));
    shared.apply(
      rawUpdate({
        clients: [{ client: 8, structs: [rootItem(EMBED, nestedJson(maxValueNesting), "values")] }],
      }),
    );
    const clocks = contentOf(shared.whole()).clocks;
    expect(clocks.get(7)).toBe(1);
    expect(clocks.get(8)).toBe(1);
  });

  test("types nest 32 levels deep, and not 33", () => {
    const nest = (levels: number) => {
      const doc = new Y.Doc();
      let map = doc.getMap("map");
      for (let level = 0; level < levels; level++) {
        const inner = new Y.Map<unknown>();
        map.set("inner", inner);
        map = inner;
      }
      return Y.encodeStateAsUpdate(doc);
    };
    const shared = openWritten();
    expectRefused(shared, nest(DOCUMENT_LIMITS.maxTypeNesting + 1), "32 levels");
    expectRefused(shared, nest(200), "32 levels");
    expect(shared.apply(nest(DOCUMENT_LIMITS.maxTypeNesting))).not.toBeNull();
  });

  test("a clock reaches its bound, and not beyond", () => {
    const shared = openWritten();
    expectRefused(shared, alone([GC, ...varUint(DOCUMENT_LIMITS.maxClock + 1)]), "beyond its bound");
    expectRefused(shared, alone(rootItem(DELETED, varUint(2 ** 53 - 1))), "beyond its bound");
    expectRefused(shared, alone([SKIP, ...varUint(2 ** 53 - 1)]), "beyond its bound");
    shared.apply(alone([GC, ...varUint(DOCUMENT_LIMITS.maxClock)]));
    expect(contentOf(shared.whole()).clocks.get(7)).toBe(DOCUMENT_LIMITS.maxClock);
    const next = itemAfter([7, 0], TEXT, varText("x"));
    expectRefused(
      shared,
      rawUpdate({ clients: [{ client: 7, clock: DOCUMENT_LIMITS.maxClock, structs: [next] }] }),
      "beyond its bound",
    );
  });

  test("nothing is named __proto__, whatever names things", () => {
    const shared = openWritten();
    const name = "__proto__";
    for (const struct of [
      rootItem(TEXT, varText("x"), name),
      [0x20 | TEXT, 1, ...varText("map"), ...varText(name), ...varText("x")],
      rootItem(FORMAT, [...varText(name), ...varText("true")]),
      rootItem(ANY, [1, 118, 1, ...varText(name), 118, 1, ...varText("isAdmin"), 120]),
      rootItem(EMBED, varText(`{"a":[{"${name}":{"isAdmin":true}}]}`)),
      rootItem(JSON_LIST, [1, ...varText(`{"${name}":null}`)]),
    ]) {
      expectRefused(shared, alone(struct), name);
    }
    expect(Reflect.get({}, "isAdmin")).toBeUndefined();
    shared.apply(alone([0x20 | TEXT, 1, ...varText("map"), ...varText("constructor"), ...varText("x")]));
    expect(contentOf(shared.whole()).values).toEqual([{ constructor: "x" }, []]);
  });

  test("an item within what is no type vanishes, and everything else stays", () => {
    const shared = openWritten();
    shared.apply(alone([TEXT, 0, 1, 0, ...varText("lost")]));
    expect(contentOf(shared.whole()).text).toBe(WRITTEN);
    expect(contentOf(shared.whole()).clocks.get(7)).toBe(4);
  });
});

describe("[DOC-3] updates that are made to take long are refused", () => {
  test("insertions at a place where many were made are refused beyond a number of comparisons", () => {
    const shared = openWritten();
    const doc = new Y.Doc();
    doc.clientID = 2;
    for (let count = 0; count < 2_000; count++) doc.getText("query").insert(0, "x");
    shared.apply(Y.encodeStateAsUpdate(doc));
    const insertions = (count: number) =>
      rawUpdate({
        clients: [{ client: 7, structs: Array.from({ length: count }, () => rootItem(TEXT, varText("y"))) }],
      });
    expectRefused(shared, insertions(60), "takes too long");
    shared.apply(insertions(40));
    expect(contentOf(shared.whole()).text).toContain("y".repeat(40));
  });

  test("values of one key that do not know of each other", () => {
    const struct = [0x20 | TEXT, 1, ...varText("map"), ...varText("key"), ...varText("x")];
    const update = rawUpdate({
      clients: [{ client: 7, structs: Array.from({ length: 5_000 }, () => struct) }],
    });
    expectRefused(openWritten(), update, "takes too long");
  });

  test("many short lists of values that belong together", () => {
    const structs = Array.from({ length: 5_000 }, (_, clock) =>
      clock === 0 ? rootItem(ANY, [1, 126], "list") : itemAfter([7, clock - 1], ANY, [1, 126]),
    );
    const shared = openWritten();
    expectRefused(shared, rawUpdate({ clients: [{ client: 7, structs }] }), "takes too long");
    shared.apply(rawUpdate({ clients: [{ client: 7, structs: structs.slice(0, 500) }] }));
    expect(contentOf(shared.whole()).values[1]).toHaveLength(500);
  });

  test("deletions that cut a text into more and more pieces", () => {
    const shared = openWritten();
    shared.append("long", "x".repeat(100_000));
    const [client] = [...Y.decodeStateVector(shared.stateVector()).keys()].filter((id) => id !== 1);
    if (client === undefined) expect.fail("nothing was written");
    const pieces = (first: number, count: number) =>
      rawUpdate({
        deletions: [
          {
            client,
            ranges: Array.from({ length: count }, (_, index): [number, number] => [first + 2 * index, 1]),
          },
        ],
      });
    expectRefused(shared, pieces(1, 12_000), "takes too long");
    shared.apply(pieces(1, 3_000));
    expect(contentOf(shared.whole()).deletions.get(client)).toHaveLength(3_000);
  });

  test("deletions that overlap, over and over, are one", () => {
    const shared = openWritten();
    const ranges = Array.from({ length: 20_000 }, (): [number, number] => [0, WRITTEN.length]);
    shared.apply(rawUpdate({ deletions: [{ client: 1, ranges }] }));
    expect(contentOf(shared.whole()).text).toBe("");
    expect(contentOf(shared.whole()).deletions).toEqual(new Map([[1, [{ clock: 0, len: WRITTEN.length }]]]));
  });

  test("many tiny structs are merged into what they are", () => {
    const shared = openWritten();
    const structs = Array.from({ length: 15_000 }, (_, clock) =>
      clock === 0 ? rootItem(TEXT, varText("x"), "long") : itemAfter([7, clock - 1], TEXT, varText("x")),
    );
    const update = rawUpdate({ clients: [{ client: 7, structs }] });
    shared.apply(update);
    expect(shared.whole()?.byteLength).toBeLessThan(update.byteLength / 5);
  });
});

describe("any update, altered anywhere", () => {
  const anyAlteration = fc.record({
    at: fc.nat(),
    removed: fc.nat(3),
    inserted: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom(0, 1, 7, 0x7f, 0x80, 0xff).map((byte) => Uint8Array.of(byte)),
    ),
  });
  const anyTampering = fc.record({
    which: fc.nat(),
    alterations: fc.array(anyAlteration, { minLength: 1, maxLength: 3 }),
  });

  function tamper(
    update: Uint8Array,
    alterations: readonly { at: number; removed: number; inserted: Uint8Array }[],
  ) {
    let bytes = [...update];
    for (const { at, removed, inserted } of alterations) {
      bytes = bytes.toSpliced(at % (bytes.length + 1), removed, ...inserted);
    }
    return Uint8Array.from(bytes);
  }

  test("[DOC-3] is refused as a bad update, or merged alike by everybody; never is anything lost or left in pieces", () => {
    let refusedCount = 0;
    let mergedCount = 0;
    fc.assert(
      fc.property(
        fc.array(anyEdit, { minLength: 3, maxLength: 15 }),
        fc.array(anyTampering, { minLength: 5, maxLength: 25 }),
        (edits, tamperings) => {
          const shared = createSharedDocument();
          const other = createSharedDocument();
          const doc = new Y.Doc();
          const updates: Uint8Array[] = [];
          doc.on("update", (update: Uint8Array) => updates.push(update));
          for (const change of edits) edit(doc, change);
          for (const update of updates) other.restore(shared.apply(update) ?? expect.fail("nothing was new"));
          const written = [...updates, Y.encodeStateAsUpdate(doc)];

          for (const { which, alterations } of tamperings) {
            const update = tamper(written[which % written.length] ?? new Uint8Array(), alterations);
            let news: Uint8Array | null = null;
            try {
              news = shared.apply(update);
              mergedCount++;
            } catch (error) {
              if (!(error instanceof ProtocolFailure)) throw error;
              expect(error.code).toBe("bad_document_update");
              refusedCount++;
            }
            if (news !== null) other.restore(news);
          }
          // Others got what was sent on, and nothing of what was refused.
          const mark = shared.append("query", "!") ?? expect.fail("nothing was written");
          other.restore(mark);
          const content = contentOf(shared.whole());
          expect(contentOf(other.whole())).toEqual(content);
          expect(content.isWaiting).toBe(false);
          const restored = createSharedDocument();
          restored.restore(shared.whole() ?? expect.fail("nothing was written"));
          expect(contentOf(restored.whole())).toEqual(content);
        },
      ),
      { numRuns: 300, seed: 5 },
    );
    expect(refusedCount).toBeGreaterThan(1_000);
    expect(mergedCount).toBeGreaterThan(100);
  });

  test("random bytes are refused", () => {
    const shared = openWritten();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 200 }), (bytes) => {
        try {
          shared.apply(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolFailure);
        }
      }),
      { numRuns: 5_000, seed: 6 },
    );
    expect(contentOf(shared.whole()).text).toContain(WRITTEN);
  });
});
