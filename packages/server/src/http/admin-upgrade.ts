import type { IncomingMessage } from "node:http";
import { SUBPROTOCOLS } from "@sparql-live/protocol";
import type { AdminEndpoint } from "../admin/endpoint.js";
import type { AdminEntry, AdminGate } from "./admin-gate.js";
import { bearerOf } from "./admin-key.js";
import { offeredProtocols } from "./newcomers.js";

/** What the upgrades of `/api/ws/admin` need. */
export interface AdminDoor {
  readonly gate: AdminGate;
  readonly endpoint: AdminEndpoint;
  /** Whether the key may stand in the address, as `api_key`. */
  readonly keyInAddress: boolean;
}

export const ADMIN_PATH = "/api/ws/admin";

/** Whether who opens a WebSocket proves to be the admin. A browser can send the key as a subprotocol alone. */
export function admitAdmin(
  request: IncomingMessage,
  url: URL,
  address: string,
  { gate, keyInAddress }: AdminDoor,
): Promise<AdminEntry> {
  const known: readonly string[] = SUBPROTOCOLS;
  const offered = offeredProtocols(request).find((name) => !known.includes(name));
  const inAddress = keyInAddress ? (url.searchParams.get("api_key") ?? undefined) : undefined;
  return gate.admit(bearerOf(request) ?? offered ?? inAddress, address);
}
