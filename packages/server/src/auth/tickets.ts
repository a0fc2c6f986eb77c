import { createHash, randomBytes } from "node:crypto";
import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Identity } from "./authenticator.js";
import { tokenExpired } from "./prover.js";
import type { Revocations } from "./revocations.js";

/**
 * For who cannot send headers with an upgrade (a browser): good once, and for so short a time that it does no harm in
 * the log of a proxy.
 */
export interface Tickets {
  /** How long one is good. */
  readonly lifeMs: number;
  /** Throws `rate_limited` where too many of the user, or of all, are still good. */
  issue(identity: Identity): string;
  /** Whose it was; it is no good any more. Throws `bad_token`, `token_expired`, `token_revoked`. */
  redeem(ticket: string): Identity;
}

interface Issued {
  readonly identity: Identity;
  /** Monotonic. */
  readonly endsAtMs: number;
}

/** Kept as hashes: what is in memory opens nothing. Which one is looked up tells nothing of those that there are. */
export function createTickets(revocations: Pick<Revocations, "check">, lifeMs: number): Tickets {
  /** In the order of their ends. */
  const issued = new Map<string, Issued>();

  const forgetEnded = (nowMs: number) => {
    for (const [hash, { endsAtMs }] of issued) {
      if (endsAtMs > nowMs) return;
      issued.delete(hash);
    }
  };
  const isCrowded = (userId: string) => {
    if (issued.size >= SERVER_LIMITS.ticketsCount) return true;
    let count = 0;
    for (const { identity } of issued.values()) if (identity.userId === userId) count++;
    return count >= SERVER_LIMITS.ticketsPerUserCount;
  };

  return {
    lifeMs,
    issue(identity) {
      const nowMs = performance.now();
      forgetEnded(nowMs);
      if (isCrowded(identity.userId)) {
        throw new ProtocolFailure(
          "rate_limited",
          "Too many tickets wait to be used; use one, or wait for 30 s.",
        );
      }
      const ticket = randomBytes(32).toString("base64url");
      issued.set(hashOf(ticket), { identity, endsAtMs: nowMs + lifeMs });
      return ticket;
    },
    redeem(ticket) {
      const hash = hashOf(ticket);
      const found = issued.get(hash);
      issued.delete(hash);
      if (found === undefined || found.endsAtMs <= performance.now()) {
        throw new ProtocolFailure("bad_token", "The ticket is not valid: each is good once, for 30 s.");
      }
      const { identity } = found;
      if (identity.expiresAtMs !== null && identity.expiresAtMs <= Date.now()) throw tokenExpired();
      revocations.check(identity);
      return identity;
    },
  };
}

function hashOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("base64");
}
