import type { ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { MessageDefinition, MessageOfDefinition } from "@sparql-live/protocol/validate";

/** What can be sent: a type of the protocol by its name, or one that the application defined. */
export type Outgoing = ServerMessageType | MessageDefinition;

export type OutgoingPayload<T extends Outgoing> = T extends ServerMessageType
  ? ServerPayloads[T]
  : T extends MessageDefinition
    ? MessageOfDefinition<T>["payload"]
    : never;

/** How a message goes out. */
export interface DeliveryOptions {
  /** The request that it answers; at most 128 characters. */
  readonly correlationId?: string | undefined;
  /**
   * The id of a connection that does not get it, not when it comes back either: that of the sender, where somebody's
   * message is passed on.
   */
  readonly exclude?: string | undefined;
}

export function typeOf(outgoing: Outgoing): string {
  return typeof outgoing === "string" ? outgoing : outgoing.type;
}
