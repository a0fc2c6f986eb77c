import fc from "fast-check";
import { expect, test } from "vitest";
import { CLIENT_LIMITS } from "../limits.js";
import { createRoomLog } from "./room-log.js";

function followLog() {
  const log = createRoomLog();
  const seen: number[] = [];
  return { log, seen, take: (seq: number, epoch = "e") => log.take({ epoch, seq }, () => seen.push(seq)) };
}

test("[CLIENT-10] whatever the order and the repetitions in which entries come, they are handed on in order, each once", () => {
  const arrivals = fc.integer({ min: 1, max: 30 }).chain((count) => {
    const seqs = Array.from({ length: count }, (_, index) => index + 1);
    return fc.tuple(
      fc.shuffledSubarray(seqs, { minLength: count }),
      fc.array(fc.integer({ min: 1, max: count })),
    );
  });
  fc.assert(
    fc.property(arrivals, ([all, again]) => {
      const { log, seen, take } = followLog();
      log.enter({ epoch: "e", seq: 0 });
      for (const seq of [...again, ...all]) take(seq);
      expect(seen).toEqual(all.toSorted((a, b) => a - b));
      expect(log.isWaiting).toBe(false);
      expect(log.position).toEqual({ epoch: "e", seq: all.length });
    }),
  );
});

test("[CLIENT-12] an entry behind one that is missing is held, and says so", () => {
  const { log, seen, take } = followLog();
  log.enter({ epoch: "e", seq: 5 });
  expect(take(5)).toBe(false);
  expect(take(7)).toBe(true);
  expect(seen).toEqual([]);
  expect(take(6)).toBe(false);
  expect(seen).toEqual([6, 7]);
});

test("[CLIENT-12] what is given up is skipped to the first that is there, and told before it", () => {
  const { log, seen, take } = followLog();
  log.enter({ epoch: "e", seq: 0 });
  take(4);
  take(6);
  const skip = () => log.skip(({ seq }) => seen.push(-seq));
  skip();
  expect(seen).toEqual([-3, 4]);
  skip();
  expect(seen).toEqual([-3, 4, -5, 6]);
  skip();
  expect(seen).toHaveLength(4);
});

test("[CLIENT-12] entries of another epoch, and those before a room is entered, are not handed on", () => {
  const { log, seen, take } = followLog();
  take(1);
  log.enter({ epoch: "e", seq: 0 });
  take(1, "f");
  take(3);
  log.enter({ epoch: "f", seq: 7 });
  take(8, "f");
  expect(seen).toEqual([8]);
  expect(log.isWaiting).toBe(false);
});

test("[CLIENT-12] no more than the bound is held", () => {
  const { log, seen, take } = followLog();
  const bound = CLIENT_LIMITS.heldEntriesCount;
  log.enter({ epoch: "e", seq: 0 });
  for (let seq = 2; seq <= bound + 10; seq++) take(seq);
  take(1);
  expect(seen).toHaveLength(bound + 1);
  expect(log.position?.seq).toBe(bound + 1);
});
