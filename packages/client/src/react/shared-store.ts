import type { SPARQLWebSocketClient } from "../client.js";
import type { ReadableStore } from "../store.js";

export interface OpenedStore<T> extends ReadableStore<T> {
  /** Nobody looks at it any more. */
  close(): void;
}

/**
 * Stores by client and key, each opened when somebody begins to look at it, shared by all who do, and closed with the
 * last of them. To ask what one holds opens none: what is rendered need not be mounted.
 */
export function createSharedStores<T>() {
  const opened = new WeakMap<
    SPARQLWebSocketClient,
    Map<string, { store: OpenedStore<T>; usersCount: number }>
  >();

  return (
    client: SPARQLWebSocketClient,
    key: string,
    initial: T,
    open: () => OpenedStore<T>,
  ): ReadableStore<T> => {
    const ofClient = opened.get(client) ?? new Map();
    opened.set(client, ofClient);
    return {
      getSnapshot: () => ofClient.get(key)?.store.getSnapshot() ?? initial,
      subscribe(listener) {
        const shared = ofClient.get(key) ?? { store: open(), usersCount: 0 };
        ofClient.set(key, shared);
        shared.usersCount++;
        const stop = shared.store.subscribe(listener);
        return () => {
          stop();
          shared.usersCount--;
          // Later: who goes may come back at once, as everybody does under StrictMode.
          setTimeout(() => {
            if (shared.usersCount > 0 || ofClient.get(key) !== shared) return;
            ofClient.delete(key);
            shared.store.close();
          });
        };
      },
    };
  };
}
