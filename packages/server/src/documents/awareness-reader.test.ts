import { ProtocolFailure } from "@sparql-live/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { readAwarenessUpdate } from "./awareness-reader.js";
import { DOCUMENT_LIMITS } from "./limits.js";
import { entry, states } from "./testing/raw-awareness.js";
import { varUint } from "./testing/raw-update.js";

describe("awareness updates", () => {
  test("what y-protocols writes is read, also that a client has gone", () => {
    const awareness = new Awareness(new Y.Doc());
    const client = awareness.clientID;
    awareness.setLocalState({
      user: { name: "Ada", color: "#ff0000" },
      cursor: { anchor: null, head: null },
    });
    const present = readAwarenessUpdate(encodeAwarenessUpdate(awareness, [client]));
    expect(present).toMatchObject([{ client, clock: expect.any(Number), isPresent: true }]);
    awareness.setLocalState(null);
    expect(readAwarenessUpdate(encodeAwarenessUpdate(awareness, [client]))).toMatchObject([
      { client, clock: (present[0]?.clock ?? 0) + 1, isPresent: false },
    ]);
    awareness.destroy();
  });

  test.each([
    ["nothing at all", new Uint8Array(), "ends too early"],
    ["a count without states", states().fill(1), "ends too early"],
    ["a text that ends too early", Uint8Array.from([1, 7, 1, 5, 0x7b]), "ends too early"],
    ["a state that is no JSON", states(entry(7, 1, "{user}")), "no JSON"],
    ["a state that is no UTF-8", Uint8Array.from([1, 7, 1, 1, 0xff]), "no UTF-8"],
    ["a state that is a text", states(entry(7, 1, '"x"')), "no object"],
    ["a state that is a list", states(entry(7, 1, "[]")), "no object"],
    ["a state that would set a prototype", states(entry(7, 1, '{"user":{"__proto__":1}}')), "__proto__"],
    ["a clock beyond its bound", states(entry(7, DOCUMENT_LIMITS.maxClock + 1, "{}")), "beyond its bound"],
    ["trailing bytes", Uint8Array.from([...states(entry(7, 1, "{}")), 0]), "follows the end"],
  ])("%s is refused", (_, update, words) => {
    expect(() => readAwarenessUpdate(update)).toThrow(
      expect.objectContaining({ code: "bad_document_update", message: expect.stringContaining(words) }),
    );
  });

  test("tell of as many clients as they may, and no more", () => {
    const { maxAwarenessStates } = DOCUMENT_LIMITS;
    const update = (count: number) =>
      states(...Array.from({ length: count }, (_, client) => entry(client, 1, "{}")));
    expect(readAwarenessUpdate(update(maxAwarenessStates))).toHaveLength(maxAwarenessStates);
    expect(() => readAwarenessUpdate(update(maxAwarenessStates + 1))).toThrow(ProtocolFailure);
    expect(() => readAwarenessUpdate(Uint8Array.from(varUint(Number.MAX_SAFE_INTEGER)))).toThrow(
      ProtocolFailure,
    );
  });

  test("have as many bytes as they may, and no more", () => {
    const update = (bytes: number) => states(entry(7, 1, JSON.stringify({ name: "x".repeat(bytes - 16) })));
    const { maxAwarenessBytes } = DOCUMENT_LIMITS;
    expect(update(maxAwarenessBytes).byteLength).toBe(maxAwarenessBytes);
    expect(readAwarenessUpdate(update(maxAwarenessBytes))).toHaveLength(1);
    expect(() => readAwarenessUpdate(update(maxAwarenessBytes + 1))).toThrow(ProtocolFailure);
  });

  test("states nest 32 levels deep, and not 33", () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
    expect(readAwarenessUpdate(states(entry(7, 1, nested(DOCUMENT_LIMITS.maxValueNesting))))).toHaveLength(1);
    expect(() =>
      readAwarenessUpdate(states(entry(7, 1, nested(DOCUMENT_LIMITS.maxValueNesting + 1)))),
    ).toThrow("32 levels");
  });

  test("that were altered anywhere are read or refused", () => {
    const written = states(entry(4_000_000_000, 12, '{"user":{"name":"Ada"}}'), entry(7, 1, "null"));
    fc.assert(
      fc.property(
        fc.nat(written.length - 1),
        fc.uint8Array({ maxLength: 4 }),
        fc.nat(4),
        (at, inserted, removed) => {
          const update = Uint8Array.from([...written].toSpliced(at, removed, ...inserted));
          try {
            expect(readAwarenessUpdate(update).length).toBeLessThanOrEqual(
              DOCUMENT_LIMITS.maxAwarenessStates,
            );
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolFailure);
          }
        },
      ),
      { numRuns: 3_000, seed: 7 },
    );
  });
});
