import fc from "fast-check";
import { expect, test } from "vitest";
import { readResultText } from "./result-text.js";

const term = fc.record({ type: fc.constant("literal"), value: fc.string({ unit: "grapheme" }) });
const nested = fc.record({ type: fc.constant("triple"), value: fc.record({ subject: term, object: term }) });
const row = fc.dictionary(fc.string(), fc.oneof(term, nested));

test("slices hold exactly the rows of the text, in order, within their bounds", () => {
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 200 }),
      (rows, maxRows, maxCharacters) => {
        const text = readResultText(JSON.stringify({ head: { vars: ["a"] }, results: { bindings: rows } }));
        const seen: unknown[] = [];
        while (text.hasMore()) {
          const { json, rowCount } = text.take(maxRows, maxCharacters);
          const slice = JSON.parse(json) as unknown[];
          expect(slice).toHaveLength(rowCount);
          expect(rowCount).toBeGreaterThan(0);
          expect(rowCount).toBeLessThanOrEqual(maxRows);
          if (rowCount > 1) expect(json.length).toBeLessThanOrEqual(maxCharacters + 2);
          seen.push(...slice);
        }
        expect(JSON.stringify(seen)).toBe(JSON.stringify(rows));
      },
    ),
  );
});

test("a text that is cut off is an error", () => {
  const text = readResultText('{"head":{"vars":["a"]},"results":{"bindings":[{"a":{"value":"b');
  expect(() => text.take(1, 1)).toThrow("ends within");
});
