import { FAILURES, type FailureCode } from "@sparql-live/protocol";
import type { Identity } from "../auth/authenticator.js";
import type { Peer } from "../realtime/peer.js";
import { errorMessageOf, failureOf } from "../realtime/refusals.js";
import { standingOf } from "./greeting.js";
import type { Lobby, Waiting } from "./lobby.js";
import type { Parts } from "./parts.js";
import { deliverQueued, joinAtOnce, letIn } from "./welcome.js";

/**
 * Takes a token that a connection shows: lets in who has waited for it, or extends the time of who is in. Rejects
 * with `unavailable` for who is in, and with `feature_unavailable` in the open mode; whatever else is wrong closes.
 */
export type Present = (peer: Peer, token: string, correlationId?: string) => Promise<void>;

export interface ProofDeps extends Parts {
  /** Why a user would be refused, now that it is known who it is. */
  readonly refusalOfUser: (userId: string) => "too_many_connections" | null;
  /** Tells who was not there yet when everybody was told that the server drains. */
  readonly tellOfDrain: (peer: Peer) => void;
}

export function createPresent(deps: ProofDeps): Present {
  const { lobby, authentication } = deps;
  return async (peer, token, correlationId) => {
    const waiting = lobby.get(peer);
    if (waiting === undefined) return extend(peer, token, correlationId, deps);
    if (waiting.isProving) {
      peer.close("not_authenticated", FAILURES.not_authenticated.close);
      return;
    }
    waiting.isProving = true;
    let identity: Identity;
    try {
      identity = await authentication.prove(token, { remoteAddress: peer.remoteAddress });
      // It may have been revoked, or the connection closed, since it was verified.
      authentication.revocations.check(identity);
    } catch (error) {
      turnAway(peer, error, correlationId);
      return;
    }
    if (isHere(peer, lobby)) enter(peer, waiting, identity, correlationId, deps);
  };
}

function isHere(peer: Peer, lobby: Lobby): boolean {
  return lobby.get(peer) !== undefined && peer.link?.isOpen === true;
}

function enter(
  peer: Peer,
  { newcomer }: Waiting,
  identity: Identity,
  correlationId: string | undefined,
  deps: ProofDeps,
): void {
  const refusal = deps.refusalOfUser(identity.userId);
  if (refusal !== null) {
    peer.close(refusal, FAILURES[refusal].close, 1_000);
    return;
  }
  const { broadcasts, lobby, log } = deps;
  const greetedAt = { ...broadcasts.position, seq: peer.broadcastSeq };
  lobby.remove(peer);
  peer.identify(identity);
  letIn(peer, deps);
  tell(peer, identity, correlationId, deps);
  deps.tellOfDrain(peer);
  // Those that came since it was greeted.
  broadcasts
    .replay(peer, greetedAt, peer.broadcastSeq)
    .catch((error: unknown) =>
      log.error({ err: error, connection: peer.id }, "broadcasts could not be read"),
    );
  deliverQueued(peer, deps);
  if (newcomer.roomId !== undefined) joinAtOnce(peer, newcomer.roomId, newcomer, deps);
}

async function extend(
  peer: Peer,
  token: string,
  correlationId: string | undefined,
  deps: ProofDeps,
): Promise<void> {
  const { authentication, expiries } = deps;
  const { link } = peer;
  let identity: Identity;
  try {
    identity = await authentication.prove(token, { remoteAddress: peer.remoteAddress });
    authentication.revocations.check(identity);
  } catch (error) {
    const { code } = failureOf(error);
    // What it showed before still holds.
    if (code === "unavailable" || code === "feature_unavailable") throw error;
    turnAway(peer, error, correlationId);
    return;
  }
  if (peer.link !== link || link?.isOpen !== true) return;
  if (identity.userId !== peer.user.id) {
    peer.close("other_user", FAILURES.other_user.close);
    return;
  }
  peer.identify(identity);
  expiries.watch(peer);
  tell(peer, identity, correlationId, deps);
}

function tell(
  peer: Peer,
  { expiresAtMs }: Identity,
  correlationId: string | undefined,
  deps: ProofDeps,
): void {
  peer.send(
    "authenticated",
    {
      user_id: peer.user.id,
      user_name: peer.user.name,
      expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
      ...standingOf(peer, deps),
    },
    { correlationId },
  );
}

function turnAway(peer: Peer, error: unknown, correlationId: string | undefined): void {
  const message = errorMessageOf(error);
  peer.send("error_message", message, { correlationId });
  peer.close(message.code, closeCodeOf(message.code));
}

/** Of who has no valid token; 1013 ("try again later") where that cannot be told now. */
export function closeCodeOf(code: FailureCode): number {
  return FAILURES[code].close ?? 1013;
}
