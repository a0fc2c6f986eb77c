import { readFile } from "node:fs/promises";
import { SERVER_LIMITS } from "../limits.js";
import { SettingsError } from "../settings/settings-error.js";
import type { Settings } from "../settings/table.js";
import type { Authenticator, SignIn } from "./authenticator.js";
import { createDiscovery, type Discovered } from "./discovery.js";
import { type Fetch, fetchJsonObject, parseJsonObject } from "./json-document.js";
import { type JwtKeys, type JwtOptions, verifyJwt } from "./jwt.js";
import { createKeySet } from "./key-set.js";
import { isLoopback, isSafeAddress } from "./loopback.js";
import { OPEN_AUTHENTICATOR } from "./open.js";
import { createSignIn } from "./sign-in.js";

export type AuthSettings = Pick<
  Settings,
  | "authJwtSecret"
  | "authJwks"
  | "authIssuer"
  | "authAudience"
  | "authClockSkewS"
  | "authRoleClaim"
  | "authClientId"
  | "authScopes"
>;

const DEFAULTS: AuthSettings = {
  authJwtSecret: null,
  authJwks: null,
  authIssuer: null,
  authAudience: null,
  authClockSkewS: SERVER_LIMITS.clockSkewS,
  authRoleClaim: "role",
  authClientId: null,
  authScopes: "openid profile",
};

/**
 * What the settings ask for; open where they name no keys. Throws `SettingsError` where they do not go together, where
 * a file of keys cannot be read, and for a secret that is too short.
 */
export async function configuredAuthenticator(
  given: Partial<AuthSettings>,
  fetch: Fetch = globalThis.fetch,
): Promise<Authenticator> {
  const settings = { ...DEFAULTS, ...given };
  const { authJwtSecret, authJwks, authIssuer } = settings;
  refuseHalves(settings);
  if (authJwtSecret === null && authJwks === null && authIssuer === null) return OPEN_AUTHENTICATOR;
  const discovered = authIssuer === null ? null : createDiscovery(authIssuer, fetch);
  const options: JwtOptions = {
    keys: await keysOf(settings, discovered, fetch),
    issuer: authIssuer,
    audience: settings.authAudience,
    clockSkewS: settings.authClockSkewS,
    roleClaim: settings.authRoleClaim,
  };
  return {
    isOpen: false,
    authenticate: (token) => verifyJwt(token, options),
    signIn: signInOf(settings, discovered),
  };
}

/** A configuration that somebody began must not be open because the rest is missing. */
function refuseHalves(settings: AuthSettings): void {
  const { authJwtSecret, authJwks, authIssuer, authAudience, authClientId } = settings;
  if (authJwtSecret !== null && authJwks !== null) {
    throw new SettingsError("authJwtSecret and authJwks exclude each other: give the one that signs tokens.");
  }
  const hasKeys = authJwtSecret !== null || authJwks !== null || authIssuer !== null;
  if (!hasKeys && (authAudience !== null || authClientId !== null)) {
    throw new SettingsError(
      "authAudience and authClientId want to know what signs tokens: authIssuer, authJwks or authJwtSecret.",
    );
  }
  if (authJwtSecret === null && hasKeys && authAudience === null) {
    throw new SettingsError(
      "Public keys want authAudience: without it a token for another service of the same issuer would do here.",
    );
  }
  if (authClientId !== null && authIssuer === null) {
    throw new SettingsError("authClientId wants authIssuer: it is there that pages sign in.");
  }
  const asksIssuer = authClientId !== null || (authJwtSecret === null && authJwks === null);
  if (asksIssuer && authIssuer !== null && !isSafeAddress(authIssuer)) throw unsafeAddress("authIssuer");
}

async function keysOf(
  { authJwtSecret, authJwks }: AuthSettings,
  discovered: (() => Promise<Discovered>) | null,
  fetch: Fetch,
): Promise<JwtKeys> {
  if (authJwtSecret !== null) return { kind: "secret", secret: secretOf(authJwtSecret) };
  if (authJwks !== null) return { kind: "public", keys: createKeySet(await loaderOf(authJwks, fetch)) };
  if (discovered === null) throw new TypeError("there are no keys to be had");
  const load = async () => fetchJsonObject((await discovered()).jwksUri, fetch);
  return { kind: "public", keys: createKeySet(load) };
}

/** RFC 7518, section 3.2: no shorter than what the hash puts out. */
function secretOf(text: string): Uint8Array {
  const secret = Buffer.from(text, "utf8");
  const { minTokenSecretBytes: least } = SERVER_LIMITS;
  if (secret.byteLength >= least) return secret;
  throw new SettingsError(`authJwtSecret has ${secret.byteLength} bytes; it must have ${least} or more.`);
}

async function loaderOf(place: string, fetch: Fetch): Promise<() => Promise<Record<string, unknown>>> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) {
    if (!isSafeAddress(place)) throw unsafeAddress("authJwks");
    return () => fetchJsonObject(place, fetch);
  }
  const load = async () => parseJsonObject(await readFile(place, "utf8"), place);
  await load().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`authJwks cannot be read: ${reason}`);
  });
  return load;
}

function unsafeAddress(name: string): SettingsError {
  return new SettingsError(`${name} must be an https address; http will do on this machine alone.`);
}

function signInOf(
  { authClientId, authScopes }: AuthSettings,
  discovered: (() => Promise<Discovered>) | null,
): () => Promise<SignIn | null> {
  if (authClientId === null || discovered === null) return async () => null;
  const scopes = authScopes.split(/\s+/).filter((scope) => scope !== "");
  return createSignIn(discovered, { clientId: authClientId, scopes });
}

/** Throws `SettingsError` where others could reach a server that lets everybody in. */
export function refuseOpenDoor(authenticator: Authenticator, host: string, insecureOpen: boolean): void {
  if (!authenticator.isOpen || insecureOpen || isLoopback(host)) return;
  throw new SettingsError(
    `Listening on ${host} would let in everybody who reaches this machine, as whoever they say they are. ` +
      "Say who proves its users (--auth-issuer with --auth-audience, or --auth-jwks, or authJwtSecret in the " +
      "environment), listen on 127.0.0.1, or say --insecure-open if everybody may come.",
  );
}
