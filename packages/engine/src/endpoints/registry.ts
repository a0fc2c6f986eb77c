import type { Endpoint, EndpointEntry, EndpointHealth } from "../endpoint.js";
import type { EndpointRegistry } from "../engine.js";
import { EngineFailure } from "../failure.js";
import { assertEntry } from "./entry.js";

type HealthListener = (endpoint: Endpoint, health: EndpointHealth) => void;

export interface RegistryOptions {
  /** Opens an endpoint; the callback is called with each change of its health. */
  readonly open: (entry: EndpointEntry, onHealth: (health: EndpointHealth) => void) => Endpoint;
}

/** The endpoints in use, by id. Closing it closes them all. */
export function createEndpointRegistry({ open }: RegistryOptions): EndpointRegistry & AsyncDisposable {
  const endpoints = new Map<string, Endpoint>();
  const listeners = new Set<HealthListener>();

  return {
    get: (id) => endpoints.get(id),
    list: () => [...endpoints.values()],
    findByDataset: (dataset) =>
      endpoints.get(dataset) ??
      [...endpoints.values()].find(({ entry }) => entry.datasets?.includes(dataset) === true),
    add(entry) {
      assertEntry(entry);
      if (endpoints.has(entry.id)) {
        throw new EngineFailure(
          "bad_request",
          `There is an endpoint "${entry.id}" already; choose another id.`,
        );
      }
      const endpoint = open(entry, (health) => {
        const subject = endpoints.get(entry.id);
        if (subject !== undefined) for (const listener of listeners) listener(subject, health);
      });
      endpoints.set(entry.id, endpoint);
      return endpoint;
    },
    async remove(id) {
      const endpoint = endpoints.get(id);
      endpoints.delete(id);
      await endpoint?.close();
      return endpoint !== undefined;
    },
    onHealthChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      const open = [...endpoints.values()];
      endpoints.clear();
      listeners.clear();
      await Promise.all(open.map((endpoint) => endpoint.close()));
    },
  };
}
