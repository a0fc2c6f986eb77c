import { ProtocolFailure } from "@sparql-live/protocol";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import * as Y from "yjs";
import { createSharedDocument, type SharedDocument } from "./shared-document.js";
import { contentOf } from "./testing/document-content.js";
import { itemAfter, type RawUpdate, rawUpdate, rootItem, varText, varUint } from "./testing/raw-update.js";
import { ANY, BYTES, DELETED, EMBED, FORMAT, GC, JSON_LIST, TEXT, TYPE } from "./testing/struct-kinds.js";

const ARRAY = 0;

function openShared(): SharedDocument {
  const shared = createSharedDocument();
  onTestFinished(() => shared.destroy());
  return shared;
}

/** A deletion of everything that anybody wrote. */
function deleteAll(shared: SharedDocument): Uint8Array {
  const clocks = [...Y.decodeStateVector(shared.stateVector())];
  return rawUpdate({ deletions: clocks.map(([client, clock]) => ({ client, ranges: [[0, clock]] })) });
}

describe("well-formed updates that no editor would make", () => {
  test("[DOC-3] a value of a key that could be cut in two is refused: its map could never be deleted", () => {
    const shared = openShared();
    shared.apply(rawUpdate({ clients: [{ client: 1, structs: [rootItem(TYPE, [ARRAY], "list")] }] }));
    const inArray = [0x20 | TEXT, 0, 1, 0, ...varText("key"), ...varText("ab")];
    const value = rawUpdate({ clients: [{ client: 2, structs: [inArray] }] });
    expect(() => shared.apply(value)).toThrow("one value at a time");
    expect(contentOf(shared.whole()).clocks.size).toBe(1);
    shared.apply(deleteAll(shared));
    expect(contentOf(shared.whole()).values[1]).toEqual([]);
  });

  test("former values of a key, which clients keep to undo, are taken as they are", () => {
    const doc = new Y.Doc({ gc: false });
    for (const value of [1, 2, 3]) doc.getMap("map").set("key", value);
    const shared = openShared();
    shared.apply(Y.encodeStateAsUpdate(doc));
    expect(contentOf(shared.whole()).values[0]).toEqual({ key: 3 });
    expect(contentOf(shared.whole()).clocks).toEqual(new Map([[doc.clientID, 3]]));
  });

  test("[DOC-3] neighbours in different types are refused: the text behind them would be lost with one type", () => {
    const shared = openShared();
    shared.apply(
      rawUpdate({
        clients: [
          {
            client: 1,
            structs: [
              rootItem(TEXT, varText("SELECT")),
              rootItem(TYPE, [ARRAY], "list"),
              [TEXT, 0, 1, 6, ...varText("x")],
            ],
          },
        ],
      }),
    );
    const between = [0xc0 | TEXT, 1, 5, 1, 7, ...varText("!")];
    const forged = rawUpdate({ clients: [{ client: 2, structs: [between] }] });
    expect(() => shared.apply(forged)).toThrow("different types");
    shared.append("query", " *");
    shared.apply(rawUpdate({ deletions: [{ client: 1, ranges: [[6, 1]] }] }));
    expect(contentOf(shared.whole()).text).toBe("SELECT *");
  });

  test("[DOC-4] neighbours in the wrong order are taken, and the state is restored", () => {
    const shared = openShared();
    shared.apply(rawUpdate({ clients: [{ client: 1, structs: [rootItem(TEXT, varText("ab"))] }] }));
    const swapped = [0xc0 | TEXT, 1, 1, 1, 0, ...varText("!")];
    shared.apply(rawUpdate({ clients: [{ client: 2, structs: [swapped] }] }));
    shared.append("query", "?");
    const restored = openShared();
    restored.restore(shared.whole() ?? expect.fail("nothing was written"));
    expect(contentOf(restored.whole()).clocks).toEqual(contentOf(shared.whole()).clocks);
    expect([...contentOf(restored.whole()).text].sort()).toEqual(["!", "?", "a", "b"]);
  });
});

type Id = readonly [client: number, clock: number];
interface ForgedItem {
  readonly content: readonly [kind: number, bytes: readonly number[]];
  readonly origin: Id | null;
  readonly rightOrigin: Id | null;
  readonly parent: string | Id;
  readonly key: string | null;
}
interface ForgedUpdate {
  readonly clients: readonly { readonly client: number; readonly structs: readonly (ForgedItem | null)[] }[];
  readonly deletions: readonly { readonly client: number; readonly ranges: readonly Id[] }[];
}

const anyClient = fc.integer({ min: 1, max: 3 });
const anyId = fc.tuple(anyClient, fc.nat(60));
const anyContent: fc.Arbitrary<ForgedItem["content"]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 4 })
      .map((text): ForgedItem["content"] => [TEXT, varText(text)]),
  },
  { weight: 2, arbitrary: fc.nat(2).map((type): ForgedItem["content"] => [TYPE, [type]]) },
  fc.constantFrom<ForgedItem["content"]>(
    [DELETED, [1]],
    [DELETED, [3]],
    [ANY, [1, 126]],
    [ANY, [3, 126, 120, 121]],
    [JSON_LIST, [1, ...varText("1")]],
    [BYTES, [1, 9]],
    [EMBED, varText("{}")],
    [FORMAT, [...varText("bold"), ...varText("true")]],
    [FORMAT, [...varText("bold"), ...varText("null")]],
  ),
);
const anyItem: fc.Arbitrary<ForgedItem> = fc.record({
  content: anyContent,
  origin: fc.option(anyId, { freq: 2 }),
  rightOrigin: fc.option(anyId, { freq: 2 }),
  parent: fc.oneof(fc.constantFrom("query", "map", "list"), anyId),
  key: fc.option(fc.constantFrom("a", "b"), { freq: 1 }),
});
const anyForgedUpdate: fc.Arbitrary<ForgedUpdate> = fc.record({
  clients: fc.uniqueArray(
    fc.record({
      client: anyClient,
      /** `null` stands for something that was collected. */
      structs: fc.array(fc.option(anyItem, { freq: 12 }), { minLength: 1, maxLength: 3 }),
    }),
    { selector: ({ client }) => client, maxLength: 2 },
  ),
  deletions: fc.uniqueArray(
    fc.record({
      client: anyClient,
      ranges: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 2 }),
    }),
    { selector: ({ client }) => client, maxLength: 1 },
  ),
});

/** Clocks are taken modulo what is there, so that most of what a forged update refers to exists. */
function writeForged({ clients, deletions }: ForgedUpdate, clocks: ReadonlyMap<number, number>): Uint8Array {
  const known = ([client, clock]: Id): Id | null => {
    const end = clocks.get(client);
    return end === undefined ? null : [client, clock % end];
  };
  return rawUpdate({
    clients: clients.map(({ client, structs }) => ({
      client,
      clock: clocks.get(client) ?? 0,
      structs: structs.map((item) => (item === null ? [GC, 2] : writeItem(item, known))),
    })),
    deletions: deletions.flatMap(({ client, ranges }): NonNullable<RawUpdate["deletions"]>[number][] => {
      const end = clocks.get(client);
      if (end === undefined) return [];
      return [
        { client, ranges: ranges.map(([clock, len]) => [clock % end, Math.min(len, end - (clock % end))]) },
      ];
    }),
  });
}

function writeItem({ content, key, ...item }: ForgedItem, known: (id: Id) => Id | null): number[] {
  const [kind, bytes] = content;
  const origin = item.origin === null ? null : known(item.origin);
  const rightOrigin = item.rightOrigin === null ? null : known(item.rightOrigin);
  const hasKey = origin === null && rightOrigin === null && key !== null;
  const info = kind | (origin === null ? 0 : 0x80) | (rightOrigin === null ? 0 : 0x40) | (hasKey ? 0x20 : 0);
  const written = [info];
  for (const id of [origin, rightOrigin]) if (id !== null) written.push(...writeId(id));
  if (origin === null && rightOrigin === null) {
    const parent = typeof item.parent === "string" ? item.parent : (known(item.parent) ?? "query");
    written.push(...(typeof parent === "string" ? [1, ...varText(parent)] : [0, ...writeId(parent)]));
    if (hasKey) written.push(...varText(key));
  }
  return [...written, ...bytes];
}

function writeId([client, clock]: Id): number[] {
  return [...varUint(client), ...varUint(clock)];
}

describe("any forged structs", () => {
  test("[DOC-3] are refused, or leave a document that all have alike, that is restored, and whose every part can be deleted", () => {
    let mergedCount = 0;
    fc.assert(
      fc.property(fc.array(anyForgedUpdate, { minLength: 2, maxLength: 25, size: "max" }), (updates) => {
        const shared = createSharedDocument();
        const follower = createSharedDocument();
        const client = new Y.Doc();
        for (const forged of updates) {
          const update = writeForged(forged, Y.decodeStateVector(shared.stateVector()));
          try {
            const news = shared.apply(update);
            if (news === null) continue;
            mergedCount++;
            follower.restore(news);
            Y.applyUpdate(client, news);
          } catch (error) {
            if (!(error instanceof ProtocolFailure)) throw error;
            expect(error.code).toBe("bad_document_update");
          }
        }
        const content = contentOf(shared.whole());
        expect(content.isWaiting).toBe(false);
        expect(contentOf(follower.whole())).toEqual(content);
        expect(contentOf(Y.encodeStateAsUpdate(client))).toEqual(content);

        const restored = createSharedDocument();
        const state = shared.whole();
        if (state !== null) restored.restore(state);
        expect(contentOf(restored.whole()).clocks).toEqual(content.clocks);
        for (const document of [shared, follower, restored]) {
          document.apply(deleteAll(document));
          document.append("query", "later");
          expect(contentOf(document.whole()).text).toBe("later");
          document.destroy();
        }
      }),
      { numRuns: 150, seed: 8 },
    );
    expect(mergedCount).toBeGreaterThan(500);
  });

  test("an item behind one that was collected is collected, and the text stays", () => {
    const shared = openShared();
    shared.append("query", "SELECT");
    shared.apply(
      rawUpdate({ clients: [{ client: 1, structs: [[GC, 2], itemAfter([1, 1], TEXT, varText("x"))] }] }),
    );
    expect(contentOf(shared.whole()).text).toBe("SELECT");
    expect(contentOf(shared.whole()).clocks.get(1)).toBe(3);
  });
});
