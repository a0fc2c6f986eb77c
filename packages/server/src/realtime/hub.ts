import type { ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { Connection } from "./connection.js";

/** The connections that there are. */
export interface Hub {
  readonly size: number;
  add(connection: Connection): void;
  remove(connection: Connection): void;
  all(): Iterable<Connection>;
  /** To everybody; a later one of the same key takes the place of one that still waits. */
  broadcastEphemeral<T extends ServerMessageType>(key: string, type: T, payload: ServerPayloads[T]): void;
  /** Settles when no connection is left. */
  emptied(): Promise<void>;
}

export function createHub(): Hub {
  const connections = new Map<string, Connection>();
  let waiters: (() => void)[] = [];
  return {
    get size() {
      return connections.size;
    },
    add(connection) {
      connections.set(connection.id, connection);
    },
    remove(connection) {
      connections.delete(connection.id);
      if (connections.size > 0) return;
      for (const resolve of waiters) resolve();
      waiters = [];
    },
    all: () => connections.values(),
    broadcastEphemeral(key, type, payload) {
      for (const connection of connections.values()) connection.sendEphemeral(key, type, payload);
    },
    emptied() {
      if (connections.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
  };
}
