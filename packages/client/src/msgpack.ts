/** Speaks MessagePack: `new SPARQLWebSocketClient(url, { codec: msgpackCodec })`. */
export { msgpackCodec } from "@sparql-live/protocol/msgpack";
