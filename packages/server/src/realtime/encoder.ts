import type { Codec, ServerMessageType, ServerPayloads } from "@sparql-live/protocol";

export type Encode = <T extends ServerMessageType>(
  type: T,
  payload: ServerPayloads[T],
  correlationId?: string | undefined,
) => Uint8Array;

/** Puts payloads into envelopes. `scope` makes the message ids unique: they are counted within it. */
export function createEncoder(scope: string, codec: Codec): Encode {
  let count = 0;
  return (type, payload, correlationId) => {
    const encoded = codec.encode({
      type,
      message_id: `${scope}-${++count}`,
      ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      timestamp: Date.now() / 1_000,
      payload,
    });
    return typeof encoded === "string" ? Buffer.from(encoded) : encoded;
  };
}
