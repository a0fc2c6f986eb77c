import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyResult, jwtVerify } from "jose";
import type { UserRole } from "../realtime/connection.js";
import type { Identity } from "./authenticator.js";

export type JwtKeys =
  /** Shared with whoever issues tokens: HS256. */
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  /** Public ones: RS256, ES256, EdDSA. */
  | { readonly kind: "public"; readonly keys: JWTVerifyGetKey };

export interface JwtOptions {
  readonly keys: JwtKeys;
  /** `null`: any. */
  readonly issuer: string | null;
  /** `null`: any. */
  readonly audience: string | null;
  readonly clockSkewS: number;
  /** The claim that says whether somebody is an `admin`: a text, or an array that holds it. */
  readonly roleClaim: string;
}

/** Of each kind of key its own: a public key must never be taken for a secret (RFC 8725, section 3.1). */
const ALGORITHMS = { secret: ["HS256"], public: ["RS256", "ES256", "EdDSA"] };

/** Tokens of other purposes, such as `logout+jwt`, are none (RFC 8725, section 3.11). */
const TYPES = new Set(["jwt", "at+jwt", "application/at+jwt"]);

/** Who a JSON Web Token (RFC 7519) proves. Throws `bad_token`, `token_expired`, `unavailable`. */
export async function verifyJwt(token: string, options: JwtOptions): Promise<Identity> {
  let verified: JWTVerifyResult;
  try {
    verified = await verify(token, options);
  } catch (error) {
    throw failureOf(error);
  }
  const { payload, protectedHeader } = verified;
  if (protectedHeader.typ !== undefined && !TYPES.has(protectedHeader.typ.toLowerCase())) {
    throw new ProtocolFailure("bad_token", "The token is of another type (`typ`) than those for access.");
  }
  return identityOf(payload, options);
}

function verify(token: string, { keys, issuer, audience, clockSkewS }: JwtOptions): Promise<JWTVerifyResult> {
  const claims = {
    algorithms: ALGORITHMS[keys.kind],
    clockTolerance: clockSkewS,
    requiredClaims: ["exp", "sub"],
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
  };
  return keys.kind === "secret" ? jwtVerify(token, keys.secret, claims) : jwtVerify(token, keys.keys, claims);
}

/** In words of our own, which hold nothing of the token. */
function failureOf(error: unknown): ProtocolFailure {
  if (error instanceof errors.JWTExpired) {
    return new ProtocolFailure("token_expired", "The token has expired; sign in again.");
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new ProtocolFailure(
      "bad_token",
      `The claim \`${error.claim}\` is missing or not for this server.`,
    );
  }
  // What is no fault of the token's: its keys could not be had.
  if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSInvalid) {
    return new ProtocolFailure(
      "unavailable",
      "The keys that prove tokens cannot be had now; try again.",
      [],
      {
        cause: error,
      },
    );
  }
  return new ProtocolFailure("bad_token", "The token is not valid here.");
}

function identityOf(claims: JWTPayload, { clockSkewS, roleClaim }: JwtOptions): Identity {
  const userId = claims.sub;
  if (userId === undefined || claims.exp === undefined) throw new TypeError("a required claim is missing");
  return {
    userId,
    userName: nameOf(claims) ?? userId,
    role: roleOf(claims[roleClaim]),
    // As long as it would be accepted anew.
    expiresAtMs: (claims.exp + clockSkewS) * 1_000,
    issuedAtMs: typeof claims.iat === "number" ? claims.iat * 1_000 : null,
    tokenId: textOf(claims.jti),
    sessionId: textOf(claims.sid),
  };
}

function nameOf(claims: JWTPayload): string | null {
  const name = textOf(claims.name) ?? textOf(claims.preferred_username);
  return name === null ? null : name.slice(0, WIRE_LIMITS.maxIdCharacters);
}

function textOf(claim: unknown): string | null {
  return typeof claim === "string" && claim !== "" ? claim : null;
}

function roleOf(claim: unknown): UserRole {
  return claim === "admin" || (Array.isArray(claim) && claim.includes("admin")) ? "admin" : "user";
}
