import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editDistance, nearestBy } from "./edit-distance.js";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["protein", "protein", 0],
    ["protien", "protein", 1],
    ["encodeBy", "encodedBy", 1],
    ["kitten", "sitting", 3],
    ["ab", "ba", 1],
  ])("%j to %j is %i", (left, right, distance) => {
    expect(editDistance(left, right, 10)).toBe(distance);
  });

  test("beyond its bound it says no more than that", () => {
    expect(editDistance("kitten", "sitting", 2)).toBe(3);
    expect(editDistance("a", "abcdefgh", 2)).toBe(3);
  });

  test("property: symmetric, zero for equal texts alone, and the bound does not change what is within it", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 7 });
    fc.assert(
      fc.property(word, word, fc.nat({ max: 8 }), (left, right, bound) => {
        const distance = editDistance(left, right, 100);
        expect(editDistance(right, left, 100)).toBe(distance);
        expect(distance === 0).toBe(left === right);
        expect(editDistance(left, right, bound)).toBe(Math.min(distance, bound + 1));
      }),
    );
  });
});

describe("nearestBy", () => {
  const nearest = (name: string, ...names: string[]) => nearestBy(name, names, (candidate) => candidate);

  test("the nearest name is found, case aside", () => {
    expect(nearest("Protien", "protease", "protein", "proteins")).toBe("protein");
    expect(nearest("NAME", "label", "name")).toBe("name");
  });

  test("what is too far is not guessed, least of all for names of one or two letters", () => {
    expect(nearest("protein", "enzyme", "gene")).toBeNull();
    expect(nearest("x", "y", "z")).toBeNull();
    expect(nearest("abc", "abd")).toBe("abd");
    expect(nearest("abc", "ade")).toBeNull();
  });
});
