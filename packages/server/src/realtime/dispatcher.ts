import type { ClientMessage, ClientMessageType } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { Connection } from "./connection.js";
import type { Counters } from "./counters.js";
import { errorMessageOf, isFault } from "./refusals.js";

export type MessageOf<T extends ClientMessageType> = Extract<ClientMessage, { readonly type: T }>;

/** Takes one message. What it throws (or rejects with) is answered with an `error_message`. */
export type Handler<T extends ClientMessageType> = (
  message: MessageOf<T>,
  connection: Connection,
) => void | Promise<void>;

/** One handler for each type that a client may send: a type without one does not compile. */
export type Handlers = { readonly [T in ClientMessageType]: Handler<T> };

export interface Dispatcher {
  dispatch(message: ClientMessage, connection: Connection): void;
  /** A further handler of a type. Returns the way to take it off. */
  on<T extends ClientMessageType>(type: T, handler: Handler<T>): () => void;
}

/** Hands each message to every handler of its type; what one of them throws disturbs no other. */
export function createDispatcher({
  handlers,
  counters,
  log,
}: {
  readonly handlers: Handlers;
  readonly counters: Counters;
  readonly log: Logger;
}): Dispatcher {
  const byType = new Map<ClientMessageType, Set<Handler<ClientMessageType>>>();
  for (const [type, handler] of Object.entries(handlers)) {
    // `Handlers` ties each handler to its type; a map of unions cannot say so.
    byType.set(type as ClientMessageType, new Set([handler as Handler<ClientMessageType>]));
  }

  const run = async (
    handler: Handler<ClientMessageType>,
    message: ClientMessage,
    connection: Connection,
  ): Promise<void> => {
    try {
      await handler(message, connection);
    } catch (error) {
      if (isFault(error)) {
        counters.errors++;
        log.error({ err: error, type: message.type, connection: connection.id }, "a handler failed");
      }
      connection.send("error_message", errorMessageOf(error), { correlationId: correlationOf(message) });
    }
  };

  return {
    dispatch(message, connection) {
      for (const handler of byType.get(message.type) ?? []) void run(handler, message, connection);
    },
    on(type, handler) {
      const added = handler as unknown as Handler<ClientMessageType>;
      byType.get(type)?.add(added);
      return () => byType.get(type)?.delete(added);
    },
  };
}

/** The id that the answers to a message carry. */
export function correlationOf(message: ClientMessage): string | undefined {
  return message.correlation_id ?? message.message_id;
}
