export { assertBoundedNesting, type Codec, jsonCodec, type WireMessage } from "./codec.js";
export { closeReason, FAILURES, type FailureCode, ProtocolFailure, type Violation } from "./failures.js";
export { WIRE_LIMITS } from "./limits.js";
export type { ClientMessage, ClientMessageType, ServerMessage, ServerMessageType } from "./messages.js";
export type { ClientPayloads, ServerPayloads } from "./schemas/index.js";
export {
  DEFAULT_SUBPROTOCOL,
  type Negotiation,
  negotiateSubprotocol,
  SUBPROTOCOLS,
  type Subprotocol,
} from "./subprotocols.js";
