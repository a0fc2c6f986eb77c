import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClock, STORAGE_KINDS } from "../testing/storages.js";
import {
  createLogModel,
  MODEL_PINNED_BYTES,
  MODEL_RETENTION,
  type Step,
  takeStep,
} from "./testing/log-model.js";

const entry = fc.record({
  id: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "\0", "\ud800"),
  data: fc.constantFrom("", "1", "12345", "ünf", "0123456789", "x".repeat(31)),
  pinned: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append"),
      entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read"),
      sinceSeq: fc.nat(12),
      maxCount: fc.nat(6),
      maxBytes: fc.nat(35),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("head", "state") }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.nat(80) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("snapshot"), back: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("delete", "reopen") }) },
);

describe.each(STORAGE_KINDS)("logs: $kind", ({ kind, open }) => {
  test("whatever is done to a log, it does what the plainest model does", { timeout: 120_000 }, async () => {
    const clock = createClock();
    const bounds = { roomLogs: MODEL_RETENTION, pinnedBytes: MODEL_PINNED_BYTES };
    let storage = await open({ nowMs: clock.nowMs, bounds });
    let logCount = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const name = `room:${logCount++}` as const;
      const model = createLogModel();
      const told: number[] = [];
      let expectedEpoch = (await storage.broker.logs.head(name)).epoch;
      for (const each of steps) {
        if (each.kind === "pass") clock.pass(each.ms);
        else if (each.kind === "reopen") storage = await storage.reopened();
        else {
          const { logs } = storage.broker;
          const stop = logs.follow(name, ({ seq }) => told.push(seq));
          await takeStep(each, logs, name, model, clock.nowMs());
          stop();
        }
        const { epoch, seq } = await storage.broker.logs.head(name);
        if (each.kind === "delete") {
          expect(epoch).not.toBe(expectedEpoch);
          expectedEpoch = epoch;
          told.length = 0;
        }
        expect(epoch).toBe(expectedEpoch);
        expect(told).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
      }
    });
    try {
      await fc.assert(property, { numRuns: kind === "memory" ? 300 : 60 });
    } finally {
      await storage[Symbol.asyncDispose]();
    }
  });
});
