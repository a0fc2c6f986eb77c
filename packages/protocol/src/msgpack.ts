import { Packr } from "msgpackr";
import type { Codec } from "./codec.js";
import { ProtocolFailure } from "./failures.js";
import { assertPlainMsgpack } from "./msgpack-check.js";

// Plain maps only: records and extension types would tie clients in other languages to one library.
const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

/** The same messages as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) in binary frames. */
export const msgpackCodec: Codec = {
  subprotocol: "sparql-live.v1.msgpack",
  binary: true,
  // JSON leaves out members that are undefined; MessagePack would write them as an extension.
  encode: (message) => packr.pack(withoutUndefined(message)),
  decode(frame) {
    if (typeof frame === "string") {
      throw new ProtocolFailure("bad_message", "Expected a binary frame with a MessagePack map.");
    }
    assertPlainMsgpack(frame);
    try {
      return packr.unpack(frame);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "no MessagePack";
      throw new ProtocolFailure("bad_message", `The frame is not MessagePack: ${reason}`);
    }
  },
};

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== undefined) kept.push([key, withoutUndefined(inner)]);
  }
  return Object.fromEntries(kept);
}
