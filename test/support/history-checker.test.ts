import { expect, test } from "vitest";
import { createHistoryChecker, type HistoryChecker, type Place } from "./history-checker.js";

const at = (seq: number, epoch = "e1"): Place => ({ room: "r", epoch, seq });

/** Ada sends a1, a2, a3 and Bob sees them; each call may leave one out. */
function goodHistory(): HistoryChecker {
  const checker = createHistoryChecker();
  checker.placed("ada", at(0));
  checker.placed("bob", at(0));
  for (const seq of [1, 2, 3]) {
    checker.published("ada", "r", `a${seq}`);
    checker.acknowledged("ada", `a${seq}`, at(seq), true);
    checker.delivered("bob", at(seq), `a${seq}`);
  }
  return checker;
}

const entries = [1, 2, 3].map((seq) => ({ seq, id: `a${seq}` }));
const kinds = (checker: HistoryChecker) => checker.violations().map(({ kind }) => kind);

test("a good history is found good", () => {
  const checker = goodHistory();
  checker.history({ room: "r", epoch: "e1", headSeq: 3, entries });
  expect(checker.violations()).toEqual([]);
});

test("an entry that a receiver missed is a hole", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "a4");
  checker.published("ada", "r", "a5");
  checker.delivered("bob", at(5), "a5");
  expect(checker.violations()).toEqual([{ kind: "hole", what: "bob: r e1 5 follows 3" }]);
});

test("an acknowledgement that is not in its turn is a hole for the sender", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "a4");
  checker.acknowledged("ada", "a4", at(5), true);
  expect(kinds(checker)).toContain("hole");
});

test("a gap that is told is none", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "a9");
  checker.placed("bob", at(8));
  checker.delivered("bob", at(9), "a9");
  checker.placed("bob", at(0, "e2"));
  expect(checker.violations()).toEqual([]);
});

test("another epoch without a word is a hole", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "b1");
  checker.delivered("bob", at(1, "e2"), "b1");
  expect(kinds(checker)).toEqual(["hole"]);
});

test("a place that an application sees twice is repeated", () => {
  const checker = goodHistory();
  checker.delivered("bob", at(3), "a3");
  expect(checker.violations()).toEqual([{ kind: "repeated", what: "bob: r e1 3" }]);
});

test("an own message that comes back after its acknowledgement is repeated", () => {
  const checker = goodHistory();
  checker.delivered("ada", at(3), "a3");
  expect(kinds(checker)).toEqual(["repeated"]);
});

test("a message at two places is repeated, unless its id may have been forgotten in between", () => {
  const again = (checker: HistoryChecker) => {
    checker.published("ada", "r", "a1");
    checker.placed("bob", at(0));
    checker.delivered("bob", at(1), "a1");
    checker.placed("bob", at(10));
    checker.delivered("bob", at(11), "a1");
    return kinds(checker);
  };
  expect(again(createHistoryChecker({ retainedCount: 10 }))).toEqual(["repeated"]);
  expect(again(createHistoryChecker({ retainedCount: 9 }))).toEqual([]);
});

test("receivers that see different messages at one place disagree", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "a4");
  checker.placed("eve", at(2));
  checker.delivered("eve", at(3), "a4");
  expect(kinds(checker)).toEqual(["disagreement"]);
});

test("an acknowledged message that is not in the history is lost", () => {
  const checker = goodHistory();
  checker.history({ room: "r", epoch: "e1", headSeq: 2, entries: entries.slice(0, 2) });
  expect(checker.violations()).toContainEqual({ kind: "lost", what: "a3, acknowledged to ada at r e1 3" });
});

test("in another epoch an acknowledged message is lost, unless somebody else saw it or the room was deleted", () => {
  const anew = (before: (checker: HistoryChecker) => void) => {
    const checker = createHistoryChecker();
    checker.placed("ada", at(0));
    checker.published("ada", "r", "a1");
    checker.acknowledged("ada", "a1", at(1), true);
    before(checker);
    checker.placed("ada", at(0, "e2"));
    checker.history({ room: "r", epoch: "e2", headSeq: 0, entries: [] });
    return kinds(checker);
  };
  expect(anew(() => undefined)).toEqual(["lost"]);
  expect(anew((checker) => checker.forgotten("r", "e1"))).toEqual([]);
  const seen = anew((checker) => {
    checker.placed("bob", at(0));
    checker.delivered("bob", at(1), "a1");
    checker.left("bob", "r");
  });
  expect(seen).toEqual([]);
});

test("an entry that is older than what is kept is not lost", () => {
  const checker = goodHistory();
  checker.history({ room: "r", epoch: "e1", headSeq: 3, entries: entries.slice(2) });
  expect(checker.violations()).toEqual([]);
});

test("messages of one sender in another order than they were sent in are disordered", () => {
  const checker = createHistoryChecker();
  checker.published("ada", "r", "a1");
  checker.published("ada", "r", "a2");
  checker.placed("bob", at(0));
  checker.delivered("bob", at(1), "a2");
  checker.delivered("bob", at(2), "a1");
  expect(checker.violations()).toEqual([{ kind: "disordered", what: "a1 stands after a2 at r e1 2" }]);
});

test("what nobody sent into the room is invented", () => {
  const checker = goodHistory();
  checker.delivered("bob", at(4), "x1");
  checker.published("ada", "other", "a5");
  checker.delivered("bob", at(5), "a5");
  expect(kinds(checker)).toEqual(["invented", "invented"]);
});

test("what comes after leaving is stray", () => {
  const checker = goodHistory();
  checker.published("ada", "r", "a4");
  checker.left("bob", "r");
  checker.delivered("bob", at(4), "a4");
  expect(checker.violations()).toEqual([{ kind: "stray", what: "bob: r e1 4" }]);
});

test("a member that never sees the newest entry is behind", () => {
  const checker = goodHistory();
  checker.placed("eve", at(2));
  checker.history({ room: "r", epoch: "e1", headSeq: 3, entries });
  expect(checker.violations()).toEqual([{ kind: "behind", what: "eve is at r e1 2, not at e1 3" }]);
});

test("a history with a hole, or one that ends too soon, is a hole", () => {
  const checker = goodHistory();
  checker.history({
    room: "r",
    epoch: "e1",
    headSeq: 3,
    entries: [entries[0], entries[2]].flatMap((e) => e ?? []),
  });
  expect(kinds(checker)).toContain("hole");
  const short = goodHistory();
  short.history({ room: "r", epoch: "e1", headSeq: 3, entries: entries.slice(0, 2) });
  expect(kinds(short)).toContain("hole");
});

test("acknowledgements after a reconnection fill the places that they name", () => {
  const checker = goodHistory();
  for (const id of ["a4", "a5"]) checker.published("ada", "r", id);
  for (const id of ["b1", "b2"]) checker.published("bob", "r", id);
  checker.acknowledged("ada", "a5", at(6), false);
  checker.acknowledged("ada", "a4", at(4), false);
  checker.delivered("ada", at(5), "b1");
  checker.delivered("ada", at(7), "b2");
  for (const [seq, id] of [
    [4, "a4"],
    [5, "b1"],
    [6, "a5"],
    [7, "b2"],
  ] as const)
    checker.delivered("bob", at(seq), id);
  expect(checker.violations()).toEqual([]);
});
