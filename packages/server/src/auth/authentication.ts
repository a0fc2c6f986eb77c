import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { RevocationRecords } from "../store.js";
import type { Authenticator, SignIn } from "./authenticator.js";
import { OPEN_AUTHENTICATOR } from "./open.js";
import { createProver, type Prover } from "./prover.js";
import { openRevocations, type Revocations } from "./revocations.js";
import { createTickets, type Tickets } from "./tickets.js";

/** How a server learns who somebody is, put together. */
export interface Authentication {
  /** Whether everybody is let in, as who they say they are. */
  readonly isOpen: boolean;
  readonly prove: Prover;
  readonly tickets: Tickets;
  readonly revocations: Revocations;
  /** `null` where pages cannot sign in by themselves. Throws `unavailable`. */
  signIn(): Promise<SignIn | null>;
}

export interface AuthenticationOptions {
  readonly authenticator?: Authenticator;
  readonly ticketLifeMs?: number;
  readonly log: Logger;
}

/** Throws what the store throws where revocations cannot be read. */
export async function openAuthentication(
  {
    authenticator = OPEN_AUTHENTICATOR,
    ticketLifeMs = SERVER_LIMITS.ticketLifeMs,
    log,
  }: AuthenticationOptions,
  records: RevocationRecords,
): Promise<Authentication> {
  const revocations = await openRevocations(records);
  return {
    isOpen: authenticator.isOpen,
    prove: createProver({ authenticator, revocations, log }),
    tickets: createTickets(revocations, ticketLifeMs),
    revocations,
    signIn: () => authenticator.signIn(),
  };
}
