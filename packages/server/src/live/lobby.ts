import { FAILURES } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Newcomer } from "../live-options.js";
import type { Probation } from "../realtime/link.js";
import type { Peer } from "../realtime/peer.js";
import type { Wheel, WheelEntry } from "../realtime/wheel.js";

/** A connection of which it is not known yet who it is: in no room, sent nothing, and for a short time only. */
export interface Waiting {
  readonly newcomer: Newcomer;
  /** Whether a token of it is being verified: one at a time. */
  isProving: boolean;
}

export interface Lobby {
  /** Begins its time. */
  add(peer: Peer, newcomer: Newcomer): void;
  get(peer: Peer): Waiting | undefined;
  /** Returns whether it was there. */
  remove(peer: Peer): boolean;
  addressConnectionsCount(address: string): number;
  all(): Iterable<Peer>;
}

export function createLobby({
  wheel,
  timeoutMs,
}: {
  readonly wheel: Pick<Wheel, "add">;
  readonly timeoutMs: number;
}): Lobby {
  const waiting = new Map<Peer, Waiting & { readonly entry: WheelEntry }>();
  const addresses = new Map<string, number>();

  return {
    add(peer, newcomer) {
      peer.probation = createProbation(peer);
      const visit = () => {
        peer.cut("authentication_timeout", FAILURES.authentication_timeout.close, true);
        return null;
      };
      waiting.set(peer, { newcomer, isProving: false, entry: wheel.add({ visit }, timeoutMs) });
      addresses.set(peer.remoteAddress, (addresses.get(peer.remoteAddress) ?? 0) + 1);
    },
    get: (peer) => waiting.get(peer),
    remove(peer) {
      const found = waiting.get(peer);
      if (found === undefined) return false;
      found.entry.remove();
      waiting.delete(peer);
      const left = (addresses.get(peer.remoteAddress) ?? 1) - 1;
      if (left === 0) addresses.delete(peer.remoteAddress);
      else addresses.set(peer.remoteAddress, left);
      return true;
    },
    addressConnectionsCount: (address) => addresses.get(address) ?? 0,
    all: () => waiting.keys(),
  };
}

const ALLOWED_TYPES = new Set(["authenticate", "ping", "pong", "heartbeat"]);

/** Bounded before anything is decoded. */
function createProbation(peer: Peer): Probation {
  let messagesCount = 0;
  let bytes = 0;
  const orClose = (isAllowed: boolean): boolean => {
    if (!isAllowed) peer.close("not_authenticated", FAILURES.not_authenticated.close);
    return isAllowed;
  };
  return {
    takes(frame) {
      messagesCount++;
      bytes += typeof frame === "string" ? Buffer.byteLength(frame) : frame.byteLength;
      const { unprovenMessagesCount, unprovenBytes } = SERVER_LIMITS;
      return orClose(messagesCount <= unprovenMessagesCount && bytes <= unprovenBytes);
    },
    allows: (type) => orClose(ALLOWED_TYPES.has(type)),
  };
}
