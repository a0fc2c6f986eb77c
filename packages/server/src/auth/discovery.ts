import { SERVER_LIMITS } from "../limits.js";
import { createCached } from "./cached.js";
import { type Fetch, fetchJsonObject } from "./json-document.js";
import { isSafeAddress } from "./loopback.js";

/** What an issuer tells of itself (OpenID Connect Discovery 1.0, section 4). */
export interface Discovered {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly authorizationEndpoint: string | null;
  readonly tokenEndpoint: string | null;
}

/** Asks an issuer, when it is needed. Rejects with an `Error` where it does not answer, or is another. */
export function createDiscovery(issuer: string, fetch: Fetch): () => Promise<Discovered> {
  const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const cached = createCached({
    load: async () => readDiscovered(issuer, await fetchJsonObject(address, fetch)),
    maxAgeMs: SERVER_LIMITS.keySetStaleMs,
    maxStaleMs: Number.POSITIVE_INFINITY,
    cooldownMs: SERVER_LIMITS.keySetCooldownMs,
    retryMs: SERVER_LIMITS.keyFetchRetryMs,
  });
  return cached.get;
}

function readDiscovered(issuer: string, told: Record<string, unknown>): Discovered {
  // Else one issuer could speak for another (section 4.3).
  if (told.issuer !== issuer) throw new Error(`${issuer} says that it is another issuer`);
  const jwksUri = addressOf(told.jwks_uri);
  if (jwksUri === null) throw new Error(`${issuer} names no jwks_uri that is safe to use`);
  return {
    issuer,
    jwksUri,
    authorizationEndpoint: addressOf(told.authorization_endpoint),
    tokenEndpoint: addressOf(told.token_endpoint),
  };
}

function addressOf(value: unknown): string | null {
  return typeof value === "string" && isSafeAddress(value) ? value : null;
}
