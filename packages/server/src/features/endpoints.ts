import {
  type Endpoint,
  type EndpointHealth,
  type EndpointRegistry,
  EngineFailure,
} from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";
import { correlationOf, type Handler } from "../realtime/dispatcher.js";
import type { Hub } from "../realtime/hub.js";
import { withoutEngine } from "../realtime/refusals.js";

export interface EndpointHandlers {
  readonly endpoint_status: Handler<"endpoint_status">;
}

export function createEndpointHandlers({
  endpoints,
}: {
  readonly endpoints: EndpointRegistry | null;
}): EndpointHandlers {
  return {
    endpoint_status(message, connection) {
      if (endpoints === null) throw withoutEngine();
      const { endpoint_id: id } = message.payload;
      const asked = id === undefined ? endpoints.list() : [endpoints.get(id) ?? failNotFound(id)];
      connection.send("endpoint_status", endpointsPayload(asked), { correlationId: correlationOf(message) });
    },
  };
}

/** Tells every connection when the state of an endpoint changes. Returns the way to stop. */
export function pushEndpointHealth(endpoints: EndpointRegistry, hub: Hub): () => void {
  return endpoints.onHealthChange((endpoint, health) => {
    const { id } = endpoint.entry;
    hub.broadcastEphemeral(`endpoint_health:${id}`, "endpoint_health", healthPayload(id, health));
  });
}

export function endpointsPayload(endpoints: readonly Endpoint[]): ServerPayloads["endpoint_status"] {
  return { endpoints: endpoints.map(endpointPayload) };
}

function endpointPayload(endpoint: Endpoint): ServerPayloads["endpoint_status"]["endpoints"][number] {
  const { entry, kind } = endpoint;
  return {
    endpoint_id: entry.id,
    title: entry.title,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    kind,
    ...(entry.url === undefined ? {} : { url: entry.url }),
    health: healthPayload(entry.id, endpoint.health()),
  };
}

function healthPayload(id: string, health: EndpointHealth): ServerPayloads["endpoint_health"] {
  return {
    endpoint_id: id,
    state: health.state,
    latency_ms: health.latencyMs,
    checked_at: health.checkedAt,
    ...(health.message === undefined ? {} : { message: health.message }),
  };
}

function failNotFound(id: string): never {
  throw new EngineFailure("endpoint_not_found", `There is no endpoint "${id}".`);
}
