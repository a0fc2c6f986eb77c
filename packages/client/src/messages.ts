import type {
  ClientMessageType,
  ClientPayloads,
  ServerMessage,
  ServerMessageType,
  WireMessage,
} from "@sparql-live/protocol";

export type MessageOf<T extends ServerMessageType> = Extract<ServerMessage, { readonly type: T }>;

/** What a server answers where it refuses. */
export type RefusalMessage = MessageOf<"error_message"> | MessageOf<"validation_error">;

/** A message of a type that this library does not know: of the application, or of a newer server. */
export interface ForeignMessage {
  readonly type: string;
  readonly message_id?: string;
  readonly correlation_id?: string;
  readonly timestamp?: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What is needed to send, whatever the connection is made of. `false`: there is none; nothing was sent. */
export type Send = <T extends ClientMessageType>(
  type: T,
  payload: ClientPayloads[T],
  framing?: Pick<WireMessage, "message_id" | "correlation_id">,
) => boolean;

/** A decoded frame as a message, or `null` where it is none. Servers are trusted to keep to their schemas. */
export function messageOf(value: unknown): ServerMessage | null {
  if (typeof value !== "object" || value === null) return null;
  if (!("type" in value && typeof value.type === "string")) return null;
  if (!("payload" in value && typeof value.payload === "object" && value.payload !== null)) return null;
  return value as ServerMessage;
}
