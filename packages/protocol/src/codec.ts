import { ProtocolFailure } from "./failures.js";
import { WIRE_LIMITS } from "./limits.js";
import type { Subprotocol } from "./subprotocols.js";

/** A message in either direction as it stands on the wire. */
export interface WireMessage {
  readonly type: string;
  readonly message_id?: string;
  readonly correlation_id?: string;
  readonly timestamp?: number;
  readonly payload: unknown;
}

/** Turns messages into frames and frames into plain values; knows no message types. */
export interface Codec {
  readonly subprotocol: Subprotocol;
  readonly binary: boolean;
  encode(message: WireMessage): string | Uint8Array;
  /** A plain value of bounded depth. Throws `ProtocolFailure("bad_message")`. */
  decode(frame: string | Uint8Array): unknown;
}

export const jsonCodec: Codec = {
  subprotocol: "sparql-live.v1.json",
  binary: false,
  encode: (message) => JSON.stringify(message),
  decode(frame) {
    if (typeof frame !== "string") {
      throw new ProtocolFailure("bad_message", "Expected a text frame with a JSON object.");
    }
    let value: unknown;
    try {
      value = JSON.parse(frame);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "no JSON";
      throw new ProtocolFailure("bad_message", `The frame is not JSON: ${reason}`);
    }
    assertBoundedNesting(value);
    return value;
  },
};

/** Throws `bad_message` where arrays and objects nest deeper than the limit. Iterative: depth is the peer's choice. */
export function assertBoundedNesting(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      if (depth >= WIRE_LIMITS.maxNesting) throw tooDeep();
      for (const inner of Object.values(item)) next.push(inner);
    }
    level = next;
  }
}

export function tooDeep(): ProtocolFailure {
  return new ProtocolFailure(
    "bad_message",
    `The message nests deeper than ${WIRE_LIMITS.maxNesting} levels.`,
  );
}
