import type { Codec } from "@sparql-live/protocol";

/** JSON in text frames. That of the protocol guards a server against its peers; a client trusts its server. */
export const jsonCodec: Codec = {
  subprotocol: "sparql-live.v1.json",
  binary: false,
  encode: (message) => JSON.stringify(message),
  decode: (frame): unknown => JSON.parse(String(frame)),
};
