import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from "jose";
import type { ServerSettings } from "../http/server.js";

export const SECRET = "a secret of the tests, of more than 32 bytes";
export const AUDIENCE = "https://graph.example";

/** Takes tokens that `tokenOf` makes, and has no tolerance for clocks. */
export const WITH_SECRET: Partial<ServerSettings> = { authJwtSecret: SECRET, authClockSkewS: 0 };

/** Good for an hour, unless `exp` is among the further claims. */
export function tokenOf(
  userId: string,
  claims: Record<string, unknown> = {},
  secret = SECRET,
): Promise<string> {
  return new SignJWT({ sub: userId, exp: inSeconds(3_600), ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(Buffer.from(secret));
}

/** As `exp` and its like count. */
export function inSeconds(seconds: number): number {
  return Date.now() / 1_000 + seconds;
}

export function bearer(token: string): { readonly headers: { readonly authorization: string } } {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** An issuer of tokens on loopback: its discovery document and its keys, which a test may change. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** What a server is told that trusts it. */
  readonly settings: Partial<ServerSettings>;
  /** What is served as its keys; one of the id "one" is there. */
  readonly keys: JWK[];
  /** What is served as its discovery document. */
  readonly document: Record<string, unknown>;
  /** The paths that were asked for. */
  readonly asked: readonly string[];
  readonly publicKey: CryptoKey;
  /** By its key, for the right audience, for an hour; members given as `undefined` are left out. */
  sign(claims?: Record<string, unknown>, header?: Partial<JWTHeaderParameters>): Promise<string>;
  /** Answers nothing but 500 from now on. */
  fail(): void;
}

export async function startIssuer(alg: "RS256" | "ES256" | "EdDSA" = "RS256"): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const keys: JWK[] = [{ ...(await exportJWK(publicKey)), kid: "one", alg, use: "sig" }];
  const document: Record<string, unknown> = {};
  const asked: string[] = [];
  let status = 200;
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    response.statusCode = status;
    response.end(JSON.stringify(url === "/keys" ? { keys } : document));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(document, {
    issuer: url,
    jwks_uri: `${url}/keys`,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
  });
  return {
    url,
    settings: { authIssuer: url, authAudience: AUDIENCE, authClockSkewS: 0 },
    keys,
    document,
    asked,
    publicKey,
    sign(claims = {}, header = {}) {
      const payload = { sub: "ada", iss: url, aud: AUDIENCE, exp: inSeconds(3_600), ...claims };
      return new SignJWT(payload)
        .setProtectedHeader({ alg, kid: "one", ...header })
        .sign(privateKey, { crit: { x: true } });
    },
    fail() {
      status = 500;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
