import fc from "fast-check";
import { expect, test } from "vitest";
import { type Codec, jsonCodec } from "./codec.js";
import { ProtocolFailure } from "./failures.js";
import { WIRE_LIMITS } from "./limits.js";
import { msgpackCodec } from "./msgpack.js";

const CODECS: readonly (readonly [string, Codec])[] = [
  ["JSON", jsonCodec],
  ["MessagePack", msgpackCodec],
];

const payloads = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 6 });

test.each(CODECS)("%s: what is encoded decodes to the same message", (_name, codec) => {
  fc.assert(
    fc.property(fc.string(), payloads, (type, payload) => {
      // JSON has no negative zero; both codecs carry what JSON can.
      const message = JSON.parse(JSON.stringify({ type, message_id: "m", timestamp: 1.5, payload }));
      expect(codec.decode(codec.encode(message))).toEqual(message);
    }),
    { seed: 20_260_101, numRuns: 300 },
  );
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test.each(CODECS)(
  "[LIMIT-5] %s: nesting at the limit is taken, one level more is refused",
  (_name, codec) => {
    // The message and its payload are two levels themselves.
    const inner = WIRE_LIMITS.maxNesting - 2;
    const frame = (levels: number) => codec.encode({ type: "x", payload: { deep: nested(levels) } });
    expect(codec.decode(frame(inner))).toMatchObject({ type: "x" });
    expect(() => codec.decode(frame(inner + 1))).toThrow(/nests deeper than 32/);
  },
);

test.each(CODECS)(
  "[LIMIT-5] %s: nesting as deep as a frame can hold is refused, not a crash",
  (_name, codec) => {
    const deep = "[".repeat(60_000) + "]".repeat(60_000);
    const frame = codec.binary ? new Uint8Array(120_000).fill(0x91) : deep;
    expect(() => codec.decode(frame)).toThrow(ProtocolFailure);
  },
);

test.each([
  ["an empty frame", ""],
  ["half an object", '{"type":"ping"'],
  ["text", "hello"],
])("JSON: %s is a bad message", (_name, frame) => {
  expect(() => jsonCodec.decode(frame)).toThrow(expect.objectContaining({ code: "bad_message" }));
});

test("MessagePack: bytes that break off, and bytes after the end, are bad messages", () => {
  const whole = msgpackCodec.encode({ type: "ping", payload: {} }) as Uint8Array;
  expect(() => msgpackCodec.decode(whole.subarray(0, whole.length - 1))).toThrow(ProtocolFailure);
  expect(() => msgpackCodec.decode(new Uint8Array([...whole, 1]))).toThrow(ProtocolFailure);
});

test("each codec refuses the other's kind of frame", () => {
  expect(() => jsonCodec.decode(new Uint8Array([0x80]))).toThrow(ProtocolFailure);
  expect(() => msgpackCodec.decode("{}")).toThrow(ProtocolFailure);
});

test.each(CODECS)("[ERR-4] %s: a key __proto__ leaves Object.prototype as it is", (_name, codec) => {
  const frame = codec.binary
    ? // {"__proto__": {"polluted": true}} byte by byte: a library could refuse to write it.
      Uint8Array.from([0x81, 0xa9, ...Buffer.from("__proto__"), 0x81, 0xa8, ...Buffer.from("polluted"), 0xc3])
    : '{"__proto__":{"polluted":true}}';
  codec.decode(frame);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
