import { expect, test } from "vitest";
import { WIRE_LIMITS } from "./limits.js";
import { msgpackCodec } from "./msgpack.js";

const KEY = [0xa1, 0x61];

/** {"a": value} */
function holding(...value: readonly number[]): Uint8Array {
  return Uint8Array.of(0x81, ...KEY, ...value);
}

test.each<readonly [string, Uint8Array, unknown]>([
  ["nil, false and true", holding(0x93, 0xc0, 0xc2, 0xc3), [null, false, true]],
  ["the smallest and the largest small integers", holding(0x93, 0xe0, 0x00, 0x7f), [-32, 0, 127]],
  ["unsigned integers", holding(0x93, 0xcc, 200, 0xcd, 1, 0, 0xce, 0, 1, 0, 0), [200, 256, 65_536]],
  [
    "signed integers",
    holding(0x93, 0xd0, 0x80, 0xd1, 0x80, 0, 0xd2, 0x80, 0, 0, 0),
    [-128, -32_768, -(2 ** 31)],
  ],
  ["an integer of 64 bits", holding(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0), 2 ** 53],
  ["a negative one", holding(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), -1],
  ["floats", holding(0x92, 0xca, 0x3f, 0x80, 0, 0, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0), [1, 1.5]],
  ["texts with each kind of length", holding(0x93, ...KEY, 0xd9, 1, 0x62, 0xda, 0, 1, 0x63), ["a", "b", "c"]],
  ["a text with a length of 32 bits", holding(0xdb, 0, 0, 0, 1, 0x64), "d"],
  ["arrays and maps with longer lengths", holding(0xdc, 0, 1, 0xde, 0, 0), [{}]],
  ["arrays and maps with the longest lengths", holding(0xdd, 0, 0, 0, 1, 0xdf, 0, 0, 0, 0), [{}]],
])("[ENV-5] MessagePack with %s is read", (_what, frame, expected) => {
  expect(msgpackCodec.decode(frame)).toEqual({ a: expected });
});

test("[ENV-5] byte strings are read with each kind of length", () => {
  const frame = holding(0x93, 0xc4, 1, 7, 0xc5, 0, 1, 8, 0xc6, 0, 0, 0, 1, 9);
  const { a } = msgpackCodec.decode(frame) as { readonly a: readonly Uint8Array[] };
  expect(a.map((bytes) => [...bytes])).toEqual([[7], [8], [9]]);
});

test.each<readonly [string, Uint8Array]>([
  ["nothing", new Uint8Array()],
  ["an extension of one byte", holding(0xd4, 1, 0)],
  ["an extension of 16 bytes", holding(0xd8, 1, ...new Array<number>(16).fill(0))],
  ["a large extension", holding(0xc7, 1, 5, 0)],
  ["a date", holding(0xd6, 0xff, 0, 0, 0, 0)],
  ["a number without end", holding(0xc7, 9, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9)],
  ["a regular expression", holding(0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0)],
  ["the byte that stands for nothing", holding(0xc1)],
  ["a key that is a number", Uint8Array.of(0x81, 1, 1)],
  ["a key that is a map", Uint8Array.of(0x81, 0x80, 1)],
  ["a key that is bytes", Uint8Array.of(0x81, 0xc4, 1, 1, 1)],
  ["a text that breaks off", holding(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61)],
  ["a number that breaks off", holding(0xcf, 1, 2)],
  ["a length that breaks off", holding(0xdd, 0, 0)],
  ["an array that says to be huge", holding(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ["a map that says to be huge", holding(0xdf, 0xff, 0xff, 0xff, 0xff)],
])("[ENV-7] MessagePack with %s is a bad message", (_what, frame) => {
  expect(() => msgpackCodec.decode(frame)).toThrow(expect.objectContaining({ code: "bad_message" }));
});

test("[ENV-7] a value that holds itself many times over is refused before it is walked", () => {
  // An array that is known by the id 1, and whose 32 items are references to it.
  const reference = [0xd6, 0x70, 0, 0, 0, 1];
  const cycle = [0xd6, 0x69, 0, 0, 0, 1, 0xdc, 0, 32, ...new Array(32).fill(reference).flat()];
  expect(() => msgpackCodec.decode(holding(...cycle))).toThrow(/extension type/);
});

test("[LIMIT-5] empty arrays and maps count as a level too, in MessagePack", () => {
  const arrays = new Array<number>(WIRE_LIMITS.maxNesting - 2).fill(0x91);
  expect(() => msgpackCodec.decode(holding(...arrays, 0x90))).not.toThrow();
  expect(() => msgpackCodec.decode(holding(...arrays, 0x91, 0x90))).toThrow(/nests deeper than 32/);
  expect(() => msgpackCodec.decode(holding(...arrays, 0x91, 0x80))).toThrow(/nests deeper than 32/);
});
