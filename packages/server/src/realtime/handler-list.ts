import type { Connection } from "./connection.js";
import type { Dispatcher, Incoming, IncomingMessage } from "./dispatcher.js";

/**
 * A handler of the application. What it throws (or rejects with) is counted, logged and answered with an
 * `error_message`, and keeps no other handler from its work; a `ProtocolFailure` is told as it is, anything else as
 * `internal_error` without its words.
 */
export type ApplicationHandler<W extends Incoming> = (
  message: IncomingMessage<W>,
  connection: Connection,
) => void | Promise<void>;

/** Handlers that were added before there was anything to dispatch, and those that come later. */
export interface HandlerList {
  /** Returns the way to take it off. */
  add<W extends Incoming>(what: W, handler: ApplicationHandler<W>): () => void;
  /** From now on they get messages. Called once. */
  install(dispatcher: Pick<Dispatcher, "on">): void;
}

export function createHandlerList(): HandlerList {
  const waiting = new Set<(dispatcher: Pick<Dispatcher, "on">) => void>();
  let installed: Pick<Dispatcher, "on"> | null = null;
  return {
    add(what, handler) {
      let stop = () => {};
      const put = (dispatcher: Pick<Dispatcher, "on">) => {
        stop = dispatcher.on(what, handler);
      };
      if (installed === null) waiting.add(put);
      else put(installed);
      return () => {
        waiting.delete(put);
        stop();
      };
    },
    install(dispatcher) {
      installed = dispatcher;
      for (const put of waiting) put(dispatcher);
      waiting.clear();
    },
  };
}
