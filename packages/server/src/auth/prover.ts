import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { Authenticator, Identity, TokenOrigin } from "./authenticator.js";
import type { Revocations } from "./revocations.js";

/** Who a token proves, and that it still does. Throws `ProtocolFailure`; its words hold nothing of the token. */
export type Prover = (token: string, origin: TokenOrigin) => Promise<Identity>;

/** What holds whoever authenticates: the bounds of a token and of an identity, and what was revoked. */
export function createProver({
  authenticator,
  revocations,
  log,
}: {
  readonly authenticator: Authenticator;
  readonly revocations: Pick<Revocations, "check">;
  readonly log: Logger;
}): Prover {
  return async (token, origin) => {
    if (token.length > SERVER_LIMITS.maxTokenCharacters) {
      throw badToken(`A token has at most ${SERVER_LIMITS.maxTokenCharacters} characters.`);
    }
    let identity: Identity;
    try {
      identity = await authenticator.authenticate(token, origin);
    } catch (error) {
      throw told(error, log);
    }
    checkIdentity(identity);
    revocations.check(identity);
    return identity;
  };
}

function checkIdentity({ userId, userName, expiresAtMs }: Identity): void {
  const { maxIdCharacters } = WIRE_LIMITS;
  if (userId === "" || userId.length > maxIdCharacters || userName.length > maxIdCharacters) {
    throw badToken(`A user has an id of 1 to ${maxIdCharacters} characters.`);
  }
  if (expiresAtMs === null) return;
  const leftMs = expiresAtMs - Date.now();
  if (!(leftMs > 0)) throw tokenExpired();
  if (leftMs > SERVER_LIMITS.maxTokenLifeMs) throw badToken("The token is good for more than a year.");
}

export function tokenExpired(): ProtocolFailure {
  return new ProtocolFailure("token_expired", "The token has expired; sign in again.");
}

function badToken(message: string): ProtocolFailure {
  return new ProtocolFailure("bad_token", message);
}

function told(error: unknown, log: Logger): ProtocolFailure {
  const failure =
    error instanceof ProtocolFailure
      ? error
      : new ProtocolFailure("unavailable", "It cannot be told now who you are; try again.", [], {
          cause: error,
        });
  // Why a key could not be had is for who runs the server; a token is in no error of a key.
  if (failure.code === "unavailable")
    log.warn({ reason: reasonOf(failure.cause) }, "tokens cannot be verified");
  return failure;
}

/** Of an error of the application its kind alone: its words might hold the token. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}
