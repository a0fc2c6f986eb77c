import type { ServerPayloads } from "@sparql-live/protocol";
import type { SPARQLWebSocketClient } from "../client.js";
import { SparqlLiveError } from "../errors.js";
import { createStore, type ReadableStore } from "../store.js";

type Endpoints = ServerPayloads["endpoint_status"]["endpoints"];

export interface HealthView {
  /** Those that there are, each with its health as it is now. */
  readonly endpoints: Endpoints;
  readonly isLoading: boolean;
  readonly error: SparqlLiveError | null;
}

export const UNKNOWN_HEALTH: HealthView = { endpoints: [], isLoading: true, error: null };

/** One for each client, however many components look at it: it follows while any of them does. */
const stores = new WeakMap<SPARQLWebSocketClient, ReadableStore<HealthView>>();

export function healthOf(client: SPARQLWebSocketClient): ReadableStore<HealthView> {
  const store = stores.get(client) ?? createHealthStore(client);
  stores.set(client, store);
  return store;
}

function createHealthStore(client: SPARQLWebSocketClient): ReadableStore<HealthView> {
  const view = createStore<HealthView>(UNKNOWN_HEALTH);
  let listenersCount = 0;
  let stop = () => {};

  const ask = () => {
    client.endpoints().then(
      (endpoints) => view.set({ endpoints, isLoading: false, error: null }),
      (error: unknown) => {
        if (!(error instanceof SparqlLiveError)) throw error;
        view.set({ ...view.getSnapshot(), isLoading: false, error });
      },
    );
  };
  /** Where it is closed, the answer is why. */
  const look = () => {
    const { kind } = client.state;
    if (kind === "open" || kind === "closed") ask();
  };
  const follow = () => {
    const stops = [
      client.on("endpoint_health", (health) => {
        const endpoints = view
          .getSnapshot()
          .endpoints.map((endpoint) =>
            endpoint.endpoint_id === health.endpoint_id ? { ...endpoint, health } : endpoint,
          );
        view.set({ ...view.getSnapshot(), endpoints });
      }),
      // Changes meanwhile were not told.
      client.on("state", look),
    ];
    look();
    return () => {
      for (const end of stops) end();
    };
  };

  return {
    getSnapshot: view.getSnapshot,
    subscribe(listener) {
      const unsubscribe = view.subscribe(listener);
      if (listenersCount++ === 0) stop = follow();
      return () => {
        unsubscribe();
        if (--listenersCount === 0) stop();
      };
    },
  };
}
