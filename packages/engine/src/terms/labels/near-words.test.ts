import fc from "fast-check";
import { expect, test } from "vitest";
import { nearWords } from "./near-words.js";

/** The definition itself (restricted Damerau–Levenshtein), without any of the shortcuts. */
function distance(a: string, b: string): number {
  const at = (i: number, j: number): number => table[i * (b.length + 1) + j] ?? 0;
  const table: number[] = [];
  for (let i = 0; i <= a.length; i += 1) {
    for (let j = 0; j <= b.length; j += 1) {
      let least = i === 0 || j === 0 ? i + j : Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1);
      if (i > 0 && j > 0) {
        least = Math.min(least, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          least = Math.min(least, at(i - 2, j - 2) + 1);
      }
      table[i * (b.length + 1) + j] = least;
    }
  }
  return at(a.length, b.length);
}

const words = fc.uniqueArray(fc.stringMatching(/^[abc]{1,8}$/), { maxLength: 60 }).map((list) => list.sort());

test("exactly the words within so many edits are found, with their edits", () => {
  fc.assert(
    fc.property(
      words,
      fc.stringMatching(/^[abc]{1,8}$/),
      fc.integer({ min: 0, max: 3 }),
      (list, wanted, most) => {
        const expected = list
          .map((word, id) => ({ id, edits: distance(word, wanted) }))
          .filter(({ edits }) => edits <= most);
        expect(nearWords(list, wanted, most)).toEqual(expected);
      },
    ),
    { numRuns: 1_500 },
  );
});

test("as a prefix, exactly the words with a start within so many edits are found", () => {
  fc.assert(
    fc.property(
      words,
      fc.stringMatching(/^[abc]{1,6}$/),
      fc.integer({ min: 0, max: 2 }),
      (list, wanted, most) => {
        const starts = (word: string) =>
          Array.from({ length: word.length + 1 }, (_, end) => distance(word.slice(0, end), wanted));
        const expected = list
          .map((word, id) => ({ id, edits: Math.min(...starts(word)) }))
          .filter(({ edits }) => edits <= most);
        expect(nearWords(list, wanted, most, true)).toEqual(expected);
      },
    ),
    { numRuns: 1_500 },
  );
});
