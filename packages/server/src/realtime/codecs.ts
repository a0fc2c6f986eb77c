import { type Codec, jsonCodec, type Subprotocol } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";

export const CODECS: Readonly<Record<Subprotocol, Codec>> = {
  "sparql-live.v1.json": jsonCodec,
  "sparql-live.v1.msgpack": msgpackCodec,
};

/**
 * The same for connections that negotiated compression: codecs of their own, because all connections of one codec
 * share the frames of a message.
 */
export const COMPRESSING_CODECS: Readonly<Record<Subprotocol, Codec>> = {
  "sparql-live.v1.json": { ...jsonCodec },
  "sparql-live.v1.msgpack": { ...msgpackCodec },
};

const COMPRESSING: ReadonlySet<Codec> = new Set(Object.values(COMPRESSING_CODECS));

/** Whether frames of the codec may be compressed. */
export function isCompressing(codec: Codec): boolean {
  return COMPRESSING.has(codec);
}
