import { type ClientMessage, type ClientMessageType, FAILURES } from "@sparql-live/protocol";
import type {
  MessageDefinition,
  MessageOfDefinition,
  MessageParser,
  ParsedMessage,
} from "@sparql-live/protocol/validate";
import type { Logger } from "pino";
import type { Counters } from "./counters.js";
import type { Peer } from "./peer.js";
import { errorMessageOf, isFault, LastFailure, roomIdOf } from "./refusals.js";

export type MessageOf<T extends ClientMessageType> = Extract<ClientMessage, { readonly type: T }>;

/** Takes one message. What it throws (or rejects with) is answered with an `error_message`. */
export type Handler<T extends ClientMessageType> = (
  message: MessageOf<T>,
  connection: Peer,
) => void | Promise<void>;

/** What can be handled: a type of the protocol by its name, or one that the application defined. */
export type Incoming = ClientMessageType | MessageDefinition;

export type IncomingMessage<W extends Incoming> = W extends ClientMessageType
  ? MessageOf<W>
  : W extends MessageDefinition
    ? MessageOfDefinition<W>
    : never;

/** One handler for each type that a client may send: a type without one does not compile. */
export type Handlers = { readonly [T in ClientMessageType]: Handler<T> };

type AnyHandler = (message: ParsedMessage, connection: Peer) => void | Promise<void>;

export interface Dispatcher {
  dispatch(message: ParsedMessage, connection: Peer): void;
  /**
   * A further handler of a type. A defined type becomes known with its first handler, and stays known; throws where
   * another definition of it is. Returns the way to take it off.
   */
  on<W extends Incoming>(
    what: W,
    handler: (message: IncomingMessage<W>, connection: Peer) => void | Promise<void>,
  ): () => void;
}

/** Hands each message to every handler of its type; what one of them throws disturbs no other. */
export function createDispatcher({
  handlers,
  parser,
  counters,
  log,
}: {
  readonly handlers: Handlers;
  readonly parser: MessageParser;
  readonly counters: Counters;
  readonly log: Logger;
}): Dispatcher {
  const byType = new Map<string, Set<AnyHandler>>();
  for (const [type, handler] of Object.entries(handlers)) {
    // `Handlers` ties each handler to its type; a map of unions cannot say so.
    byType.set(type, new Set([handler as AnyHandler]));
  }

  const fail = (error: unknown, message: ParsedMessage, connection: Peer): void => {
    if (isFault(error)) {
      counters.errors++;
      log.error({ err: error, type: message.type, connection: connection.id }, "a handler failed");
    }
    const roomId = roomIdOf(message.payload);
    connection.send(
      "error_message",
      { ...errorMessageOf(error), ...(roomId === undefined ? {} : { room_id: roomId }) },
      { correlationId: correlationOf(message) },
    );
    if (error instanceof LastFailure) connection.close(error.closing, FAILURES[error.closing].close);
  };

  const run = (handler: AnyHandler, message: ParsedMessage, connection: Peer): void => {
    try {
      const result = handler(message, connection);
      if (result !== undefined) result.catch((error: unknown) => fail(error, message, connection));
    } catch (error) {
      fail(error, message, connection);
    }
  };

  return {
    dispatch(message, connection) {
      for (const handler of byType.get(message.type) ?? []) run(handler, message, connection);
    },
    on(what, handler) {
      if (typeof what !== "string") parser.add(what);
      const type = typeof what === "string" ? what : what.type;
      // Messages are handed to handlers of their own type alone.
      const added = handler as AnyHandler;
      const handlersOfType = byType.get(type) ?? new Set();
      handlersOfType.add(added);
      byType.set(type, handlersOfType);
      return () => handlersOfType.delete(added);
    },
  };
}

/** The id that the answers to a message carry. */
export function correlationOf(message: {
  readonly correlation_id?: string;
  readonly message_id?: string;
}): string | undefined {
  return message.correlation_id ?? message.message_id;
}
