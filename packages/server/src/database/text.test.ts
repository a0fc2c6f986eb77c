import fc from "fast-check";
import { expect, test } from "vitest";
import { fromStored, toStored } from "./text.js";

test("any string comes back as it was, and no two are stored alike", () => {
  const unit = fc.constantFrom("\0", "\u001a", "0", "001a", "d800", "\ud83d", "\ude00", "\ufffd", "é", "a");
  const text = fc.string({ unit });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(fromStored(Buffer.from(toStored(one)))).toBe(one);
      expect(Buffer.compare(toStored(one), toStored(other)) === 0).toBe(one === other);
    }),
  );
});

test("texts of whole characters are stored as their UTF-8", () => {
  expect(Buffer.from(toStored("Zoë 😀\0\n{}")).toString()).toBe("Zoë 😀\0\n{}");
});
