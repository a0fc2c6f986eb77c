import type { Codec, ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import { type Framed, frameMessage } from "./frames.js";

/** A message to many: encoded at most once per codec, the same bytes for everybody. */
export interface SharedMessage {
  framed(codec: Codec): Framed;
}

export interface Framing {
  /** Where the same message may be sent again later it must have the same id then. */
  readonly messageId: string;
  readonly correlationId?: string | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly atMs?: number;
}

/** `payload` may be a function where codecs want other forms of it: bytes, or base64. */
export function shareMessage<T extends ServerMessageType>(
  type: T,
  payload: ServerPayloads[T] | ((codec: Codec) => ServerPayloads[T]),
  framing: Framing,
): SharedMessage {
  return shareAny(type, payload, framing);
}

/** Of a type that is not known here: the application's own, or as it was stored. */
export function shareAny(
  type: string,
  payload: object | ((codec: Codec) => object),
  { messageId, correlationId, atMs = Date.now() }: Framing,
): SharedMessage {
  const made = new Map<Codec, Framed>();
  const encode = (codec: Codec): Framed =>
    frameMessage(codec, {
      type,
      message_id: messageId,
      ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      timestamp: atMs / 1_000,
      payload: typeof payload === "function" ? payload(codec) : payload,
    });
  return {
    framed(codec) {
      let framed = made.get(codec);
      if (framed === undefined) {
        framed = encode(codec);
        made.set(codec, framed);
      }
      return framed;
    },
  };
}
