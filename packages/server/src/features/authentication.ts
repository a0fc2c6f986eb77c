import type { Handler } from "../realtime/dispatcher.js";
import { correlationOf } from "../realtime/dispatcher.js";
import type { Peer } from "../realtime/peer.js";

export interface AuthenticationHandlers {
  readonly authenticate: Handler<"authenticate">;
}

export interface AuthenticationDeps {
  /** Takes a token that a connection shows. */
  readonly present: (peer: Peer, token: string, correlationId?: string) => Promise<void>;
}

export function createAuthenticationHandlers({ present }: AuthenticationDeps): AuthenticationHandlers {
  return { authenticate: (message, peer) => present(peer, message.payload.token, correlationOf(message)) };
}
