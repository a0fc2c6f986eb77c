import { type HealthView, healthOf, UNKNOWN_HEALTH } from "./health-store.js";
import type { SharedClient } from "./shared-client.js";
import { useReadable } from "./use-readable.js";

const healthFor = ({ client }: SharedClient) => healthOf(client);

/** The endpoints that can be asked, and how they are, kept up to date by the server. */
export function useEndpointHealth(): HealthView {
  return useReadable(healthFor, UNKNOWN_HEALTH);
}
