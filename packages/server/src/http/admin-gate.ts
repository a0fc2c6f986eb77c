import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Admin } from "../admin/session.js";
import type { Identity } from "../auth/authenticator.js";
import { SERVER_LIMITS } from "../limits.js";
import { mayOnServer } from "../realtime/policy.js";
import { type AdminCheck, bearerOf } from "./admin-key.js";
import { addressOf } from "./client-address.js";
import { problem, sendProblem } from "./problem.js";

export type AdminEntry =
  | ({ readonly kind: "admitted" } & Admin)
  | { readonly kind: "refused" }
  /** Too many wrong ones came from there; nothing that it shows is looked at. */
  | { readonly kind: "blocked"; readonly retryAfterMs: number };

/** The door to what is for the admin alone. */
export interface AdminGate {
  /** `shown`: a key, or a token of a user. */
  admit(shown: string | undefined, address: string): Promise<AdminEntry>;
  /** Whether it is the key. `blocked` whatever it is, where too many wrong ones came from there. */
  tryKey(shown: string, address: string): "key" | "other" | Extract<AdminEntry, { kind: "blocked" }>;
  /** What was shown is neither the key nor a token. */
  countFailure(address: string): void;
}

export interface AdminGateDeps {
  readonly isAdminKey: AdminCheck;
  /** Who a token proves; `null` where it is none. */
  readonly identityOfToken: (token: string, address: string) => Promise<Identity | null>;
  readonly log: Logger;
  readonly nowMs?: () => number;
}

interface Failures {
  count: number;
  readonly sinceMs: number;
}

/** Wrong ones are counted where there is no key too: that there is none must not show. */
export function createAdminGate({
  isAdminKey,
  identityOfToken,
  log,
  nowMs = () => performance.now(),
}: AdminGateDeps): AdminGate {
  const { adminFailuresCount, adminFailureWindowMs, adminFailureAddressesCount } = SERVER_LIMITS;
  /** By address, in the order of their first failures. */
  const failures = new Map<string, Failures>();

  const waitMs = (address: string): number => {
    const known = failures.get(address);
    if (known === undefined) return 0;
    const leftMs = known.sinceMs + adminFailureWindowMs - nowMs();
    if (leftMs <= 0) failures.delete(address);
    return leftMs > 0 && known.count >= adminFailuresCount ? leftMs : 0;
  };

  const countFailure = (address: string): void => {
    const known = failures.get(address) ?? { count: 0, sinceMs: nowMs() };
    known.count++;
    failures.set(address, known);
    for (const oldest of failures.keys()) {
      if (failures.size <= adminFailureAddressesCount) break;
      failures.delete(oldest);
    }
    log.warn({ address, failures: known.count }, "somebody showed a wrong admin key");
  };

  const tryKey = (shown: string | undefined, address: string) => {
    const retryAfterMs = waitMs(address);
    if (retryAfterMs > 0) return { kind: "blocked", retryAfterMs } as const;
    return isAdminKey(shown) ? "key" : "other";
  };

  return {
    tryKey,
    countFailure,
    async admit(shown, address) {
      const tried = tryKey(shown, address);
      if (typeof tried === "object") return tried;
      if (shown === undefined) return { kind: "refused" };
      if (tried === "key") return { kind: "admitted", who: "key", identity: null };
      const identity = await identityOfToken(shown, address);
      if (identity !== null && mayOnServer("administer", identity.role)) {
        // No user's id is taken for the key.
        return { kind: "admitted", who: `user:${identity.userId}`, identity };
      }
      // A token of a user who is no admin is no attempt.
      if (identity === null) countFailure(address);
      return { kind: "refused" };
    },
  };
}

/** Whether the admin asks, of what others may ask too. */
export async function isAdmin(request: FastifyRequest, gate: AdminGate): Promise<boolean> {
  return (await gate.admit(bearerOf(request), addressOf(request))).kind === "admitted";
}

/** Before anything of a request is checked: a refusal of that would tell that there is something. */
export function adminOnly(gate: AdminGate) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const entry = await gate.admit(bearerOf(request), addressOf(request));
    switch (entry.kind) {
      case "admitted":
        return undefined;
      case "refused":
        reply.callNotFound();
        return reply;
      case "blocked":
        return sendProblem(reply, BLOCKED, entry.retryAfterMs);
    }
  };
}

export const BLOCKED = problem(
  429,
  "rate_limited",
  "Too many wrong admin keys came from this address; try again later.",
);
