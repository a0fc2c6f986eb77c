import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { SERVER_LIMITS } from "../limits.js";
import type { Peer } from "./peer.js";
import type { Wheel } from "./wheel.js";

/** The peers that may come back: those that have a socket, and for a while those that lost theirs. */
export interface Sessions {
  /** Each token is good for one use; the one before it is not good any more. */
  issueToken(peer: Peer): string;
  /** None of the tokens that were issued for it is good any more. */
  revoke(peer: Peer): void;
  /** The peer of a good token. */
  find(token: string): Peer | undefined;
  add(peer: Peer): void;
  get(id: string): Peer | undefined;
  /** Keeps a peer without a socket: `onGrace` after the grace, `onEnd` after the window, unless it comes back. */
  keep(peer: Peer): void;
  /** It came back. */
  release(peer: Peer): void;
  /** It will not come back. */
  remove(peer: Peer): void;
  lost(): Iterable<Peer>;
}

export interface SessionOptions {
  readonly wheel: Wheel;
  readonly graceMs: number;
  readonly windowMs: number;
  readonly onGrace: (peer: Peer) => void;
  readonly onEnd: (peer: Peer) => void;
}

/**
 * A token is `<connection id>.<code>`, the code being an HMAC (RFC 2104) of the id and its generation under a key of
 * this process: nothing needs to be stored for a token, and nobody can make one.
 */
export function createSessions({ wheel, graceMs, windowMs, onGrace, onEnd }: SessionOptions): Sessions {
  const key = randomBytes(32);
  const peers = new Map<string, Peer>();
  /** In the order of their loss, each with the way to stop its time. */
  const lost = new Map<Peer, { remove(): void }>();

  const codeOf = (peer: Peer) =>
    createHmac("sha256", key).update(`${peer.id}:${peer.tokenGeneration}`).digest().subarray(0, 18);

  const end = (peer: Peer) => {
    lost.get(peer)?.remove();
    lost.delete(peer);
    peers.delete(peer.id);
    onEnd(peer);
  };

  return {
    issueToken(peer) {
      peer.tokenGeneration++;
      return `${peer.id}.${codeOf(peer).toString("base64url")}`;
    },
    revoke(peer) {
      peer.tokenGeneration++;
    },
    find(token) {
      const dot = token.lastIndexOf(".");
      const peer = peers.get(token.slice(0, dot));
      if (peer === undefined) return undefined;
      const given = Buffer.from(token.slice(dot + 1), "base64url");
      const expected = codeOf(peer);
      return given.byteLength === expected.byteLength && timingSafeEqual(given, expected) ? peer : undefined;
    },
    get: (id) => peers.get(id),
    add(peer) {
      peers.set(peer.id, peer);
    },
    keep(peer) {
      let isInGrace = true;
      const visitor = {
        visit() {
          if (!isInGrace) {
            end(peer);
            return null;
          }
          isInGrace = false;
          onGrace(peer);
          return windowMs - graceMs;
        },
      };
      lost.set(peer, wheel.add(visitor, graceMs));
      for (const oldest of lost.keys()) {
        if (lost.size <= SERVER_LIMITS.lostSessionsCount) break;
        end(oldest);
      }
    },
    release(peer) {
      lost.get(peer)?.remove();
      lost.delete(peer);
    },
    remove(peer) {
      if (peers.get(peer.id) === peer) end(peer);
    },
    lost: () => lost.keys(),
  };
}
