import { type Codec, jsonCodec, type Subprotocol } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";

export const CODECS: Readonly<Record<Subprotocol, Codec>> = {
  "sparql-live.v1.json": jsonCodec,
  "sparql-live.v1.msgpack": msgpackCodec,
};
