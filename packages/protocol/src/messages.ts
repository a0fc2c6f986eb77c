import type { ClientPayloads, EnvelopeFields, ServerPayloads } from "./schemas/index.js";

export type ClientMessageType = keyof ClientPayloads;
export type ServerMessageType = keyof ServerPayloads;

type Framing = Omit<EnvelopeFields, "type" | "payload">;

/** A message from a client, as a union discriminated by `type`. */
export type ClientMessage = {
  [T in ClientMessageType]: Framing & { readonly type: T; readonly payload: ClientPayloads[T] };
}[ClientMessageType];

/** A message from a server; `message_id` and `timestamp` are always there. */
export type ServerMessage = {
  [T in ServerMessageType]: Framing & {
    readonly type: T;
    readonly message_id: string;
    readonly timestamp: number;
    readonly payload: ServerPayloads[T];
  };
}[ServerMessageType];
