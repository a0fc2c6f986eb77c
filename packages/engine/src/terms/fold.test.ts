import fc from "fast-check";
import { expect, test } from "vitest";
import { foldText, lemmaKey, localNameOf, splitName } from "./fold.js";

test("case, accents and punctuation do not count", () => {
  expect(foldText("  Crème-Brûlée! ")).toBe("creme brulee");
  expect(foldText("Jonas WEIẞ")).toBe(foldText("jonas weiss"));
  expect(foldText("Alzheimer's disease")).toBe("alzheimers disease");
  expect(foldText("Łódź, Ærø & Ørsted")).toBe("lodz aero orsted");
  expect(foldText("İstanbul")).toBe("istanbul");
  expect(foldText("1,2-di(methyl)benzene")).toBe("1 2 di methyl benzene");
});

test("what makes another name stays: signs at the end of a word, letters of other scripts", () => {
  expect(foldText("C++")).toBe("c++");
  expect(foldText("C#")).not.toBe(foldText("C"));
  expect(foldText("日本 東京")).toBe("日本 東京");
  expect(foldText("हिन्दी")).toBe("हिन्दी");
  expect(foldText("한국어")).toBe("한국어");
  expect(foldText("???")).toBe("???");
});

test("folding twice changes nothing, and no text folds to nothing but blank ones", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const folded = foldText(text);
      expect(foldText(folded)).toBe(folded);
      expect(folded === "").toBe(text.trim() === "");
    }),
    { numRuns: 2_000 },
  );
});

test("plurals meet their singulars, words that only look like plurals keep themselves", () => {
  for (const [plural, singular] of [
    ["proteins", "protein"],
    ["cities", "city"],
    ["boxes", "box"],
    ["classes", "class"],
    ["diseases", "disease"],
    ["red wines", "red wine"],
  ] as const) {
    expect(lemmaKey(plural)).toBe(lemmaKey(singular));
  }
  for (const word of ["virus", "analysis", "glass", "gas", "series"])
    expect(lemmaKey(word)).toBe(lemmaKey(word));
  expect(lemmaKey("virus")).toBe("virus");
  expect(lemmaKey("analysis")).toBe("analysis");
});

test("local names are the last part of an IRI, and split into words as programmers join them", () => {
  expect(localNameOf("https://a.test/x#encodedBy")).toBe("encodedBy");
  expect(localNameOf("https://a.test/x/P04637")).toBe("P04637");
  expect(localNameOf("https://a.test/caf%C3%A9/")).toBe("café");
  expect(localNameOf("https://a.test/100%")).toBe("100%");
  expect(localNameOf("urn:isbn:123")).toBe("123");
  expect(splitName("encodedBy")).toBe("encoded by");
  expect(splitName("encoded_by")).toBe("encoded by");
  expect(splitName("HTTPServer")).toBe("HTTP server");
  expect(splitName("P04637")).toBe("P04637");
  expect(splitName("Albert_Einstein")).toBe("Albert Einstein");
  expect(splitName("hasDNASequence")).toBe("has DNA sequence");
});
