import fc from "fast-check";
import { expect, test } from "vitest";
import { fromStored, toStored } from "./text.js";

test("any string comes back as it was, and what is stored has no zero and no lone surrogate", () => {
  const units = fc.string({
    unit: fc.constantFrom("\0", "\u001a", "0", "d800", "\ud83d", "\ude00", "é", "a"),
  });
  fc.assert(
    fc.property(units, (text) => {
      const stored = toStored(text);
      expect(fromStored(stored)).toBe(text);
      expect(stored).not.toMatch(/\0|\p{Surrogate}/u);
    }),
  );
});

test("texts that SQLite can hold are stored as they are", () => {
  expect(toStored("Zoë 😀\n{}")).toBe("Zoë 😀\n{}");
});
