import { SPARQLWebSocketClient } from "../client.js";
import type { ClientOptions } from "../options.js";

/** One client for however many components; its connection is open while any of them is there. */
export interface SharedClient {
  /** Made when it is first asked for, which on a server nobody does. */
  readonly client: SPARQLWebSocketClient;
  /** Keeps the connection open. Returns the way to let go of it; nothing happens on a second call. */
  retain(): () => void;
}

/** A client that is its owner's: it is neither connected nor disconnected. */
export function sharedOf(client: SPARQLWebSocketClient): SharedClient {
  return { client, retain: () => () => undefined };
}

export function createSharedClient(url: string, options: ClientOptions): SharedClient {
  let client: SPARQLWebSocketClient | null = null;
  let usersCount = 0;
  const get = () => {
    client ??= new SPARQLWebSocketClient(url, { ...options, autoConnect: false });
    return client;
  };
  return {
    get client() {
      return get();
    },
    retain() {
      let isHeld = true;
      usersCount++;
      // How it goes is told by the state.
      get()
        .connect()
        .catch(() => undefined);
      return () => {
        if (!isHeld) return;
        isHeld = false;
        usersCount--;
        // Later: who goes may come back at once, as everybody does under StrictMode.
        setTimeout(() => {
          if (usersCount === 0) get().disconnect();
        });
      };
    },
  };
}
