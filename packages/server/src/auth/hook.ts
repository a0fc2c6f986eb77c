import { ProtocolFailure } from "@sparql-live/protocol";
import type { UserRole } from "../realtime/connection.js";
import type { Authenticator, TokenOrigin } from "./authenticator.js";

/** Who an application says that a token proves. What is absent is unknown; a role is `user`, a name the id. */
export interface HookIdentity {
  readonly userId: string;
  readonly userName?: string;
  readonly role?: UserRole;
  readonly expiresAtMs?: number;
  readonly issuedAtMs?: number;
  readonly tokenId?: string;
  readonly sessionId?: string;
}

/** `null`: the token proves nothing. What it throws, but for a `ProtocolFailure`, is told as `unavailable`. */
export type AuthenticateHook = (
  token: string,
  origin: TokenOrigin,
) => HookIdentity | null | Promise<HookIdentity | null>;

/** For applications that know their users themselves: sessions, opaque tokens, introspection. */
export function createHookAuthenticator(authenticate: AuthenticateHook): Authenticator {
  return {
    isOpen: false,
    async authenticate(token, origin) {
      const identity = await authenticate(token, origin);
      if (identity === null) throw new ProtocolFailure("bad_token", "The token is not valid here.");
      return {
        userId: identity.userId,
        userName: identity.userName ?? identity.userId,
        role: identity.role ?? "user",
        expiresAtMs: identity.expiresAtMs ?? null,
        issuedAtMs: identity.issuedAtMs ?? null,
        tokenId: identity.tokenId ?? null,
        sessionId: identity.sessionId ?? null,
      };
    },
    signIn: async () => null,
  };
}
