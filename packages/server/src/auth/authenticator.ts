import type { UserRole } from "../realtime/connection.js";

/** Who a token proves. */
export interface Identity {
  /** 1 to 128 characters. */
  readonly userId: string;
  /** At most 128 characters. */
  readonly userName: string;
  readonly role: UserRole;
  /** Wall clock, milliseconds since 1970; `null`: it does not expire. */
  readonly expiresAtMs: number | null;
  /** Wall clock. `null`: unknown, and then no revocation of the user leaves it out for being younger. */
  readonly issuedAtMs: number | null;
  /** By which it can be revoked alone (`jti`). */
  readonly tokenId: string | null;
  /** By which all tokens of one sign-in can be revoked (`sid`). */
  readonly sessionId: string | null;
}

/** Where a token came from. */
export interface TokenOrigin {
  readonly remoteAddress: string;
}

/** What a page needs to sign in by the authorization code flow with PKCE (RFC 7636); nothing of it is secret. */
export interface SignIn {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/**
 * Port: who somebody is. Implementations: open; JWT, with a secret or with public keys out of a file, from an address
 * or through discovery; a function of the application.
 */
export interface Authenticator {
  /** Whether everybody is let in, as who they say they are. */
  readonly isOpen: boolean;
  /** Throws `bad_token`, `token_expired`, or `unavailable` where it cannot be known now. */
  authenticate(token: string, origin: TokenOrigin): Promise<Identity>;
  /** `null` where pages cannot sign in by themselves. Throws `unavailable`. */
  signIn(): Promise<SignIn | null>;
}
