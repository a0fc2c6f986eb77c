import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { User } from "../realtime/connection.js";
import { mayOnServer } from "../realtime/policy.js";
import { type AdminCheck, bearerOf } from "./admin-key.js";
import { problem, sendProblem } from "./problem.js";

export type AdminEntry =
  /** `who`: for the log; the user's id, or `key`. */
  | { readonly kind: "admitted"; readonly who: string }
  | { readonly kind: "refused" }
  /** Too many wrong ones came from there; nothing that it shows is looked at. */
  | { readonly kind: "blocked"; readonly retryAfterMs: number };

/** The door to what is for the admin alone. */
export interface AdminGate {
  /** `shown`: a key, or a token of a user. */
  admit(shown: string | undefined, address: string): Promise<AdminEntry>;
}

export interface AdminGateDeps {
  readonly isAdminKey: AdminCheck;
  /** Who a token stands for; `null` where it is none. Absent: there are no tokens. */
  readonly userOfToken?: ((token: string, address: string) => Promise<Omit<User, "name"> | null>) | undefined;
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
  userOfToken,
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

  return {
    async admit(shown, address) {
      const retryAfterMs = waitMs(address);
      if (retryAfterMs > 0) return { kind: "blocked", retryAfterMs };
      if (shown === undefined) return { kind: "refused" };
      if (isAdminKey(shown)) return { kind: "admitted", who: "key" };
      const user = (await userOfToken?.(shown, address)) ?? null;
      if (user !== null && mayOnServer("administer", user.role)) return { kind: "admitted", who: user.id };
      // A token of a user who is no admin is no attempt.
      if (user === null) countFailure(address);
      return { kind: "refused" };
    },
  };
}

/** Whether the admin asks, of what others may ask too. */
export async function isAdmin(request: FastifyRequest, gate: AdminGate): Promise<boolean> {
  return (await gate.admit(bearerOf(request), request.ip)).kind === "admitted";
}

/** Before anything of a request is checked: a refusal of that would tell that there is something. */
export function adminOnly(gate: AdminGate) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const entry = await gate.admit(bearerOf(request), request.ip);
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
