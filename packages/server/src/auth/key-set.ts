import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { SERVER_LIMITS } from "../limits.js";
import { createCached } from "./cached.js";

/**
 * The public keys of an issuer (RFC 7517). They are kept for ten minutes; a token that names a key which is not there
 * has them loaded anew, but not more often than every 30 s, whatever tokens come.
 */
export function createKeySet(load: () => Promise<Record<string, unknown>>): JWTVerifyGetKey {
  const cached = createCached({
    load: async () => createLocalJWKSet(keysOf(await load())),
    maxAgeMs: SERVER_LIMITS.keySetAgeMs,
    maxStaleMs: SERVER_LIMITS.keySetStaleMs,
    cooldownMs: SERVER_LIMITS.keySetCooldownMs,
    retryMs: SERVER_LIMITS.keyFetchRetryMs,
  });
  return async (header, token) => {
    const keys = await cached.get();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const renewed = await cached.renew();
      if (renewed === null) throw error;
      return await renewed(header, token);
    }
  };
}

/** Throws an `Error` where it is no set of keys, or one that is too large. */
function keysOf({ keys }: Record<string, unknown>): JSONWebKeySet {
  if (!Array.isArray(keys)) throw new Error("a key set has an array `keys`");
  if (keys.length > SERVER_LIMITS.keysCount) throw new Error(`a key set has ${keys.length} keys`);
  // `createLocalJWKSet` refuses members that are no objects; what is no key never matches a token.
  return { keys } as JSONWebKeySet;
}
