import type { ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { Peer } from "./peer.js";
import { type SharedMessage, shareMessage } from "./shared-message.js";

/** The connections that have a socket: one, all of a user's, or everybody's. */
export interface Hub {
  readonly size: number;
  /** Messages to everybody since the start, before they were multiplied. */
  readonly broadcastsCount: number;
  add(peer: Peer): void;
  remove(peer: Peer): void;
  get(id: string): Peer | undefined;
  ofUser(userId: string): Iterable<Peer>;
  userConnectionsCount(userId: string): number;
  addressConnectionsCount(address: string): number;
  all(): Iterable<Peer>;
  /** Settles with nothing; returns to how many it went. */
  broadcast(message: SharedMessage, except?: Peer): number;
  /** To everybody; a later one of the same key takes the place of one that still waits. */
  broadcastEphemeral<T extends ServerMessageType>(key: string, type: T, payload: ServerPayloads[T]): void;
  /** Settles when no connection is left. */
  emptied(): Promise<void>;
}

const NOBODY: ReadonlySet<Peer> = new Set();

export function createHub(): Hub {
  const byId = new Map<string, Peer>();
  const byUser = new Map<string, Set<Peer>>();
  const addresses = new Map<string, number>();
  /** What was counted for a connection: both may change while it is there. */
  const counted = new Map<Peer, { readonly userId: string; readonly address: string }>();
  let waiters: (() => void)[] = [];
  let ephemeralCount = 0;
  let broadcastsCount = 0;

  const uncount = (peer: Peer) => {
    const keys = counted.get(peer);
    if (keys === undefined) return;
    counted.delete(peer);
    const peers = byUser.get(keys.userId);
    peers?.delete(peer);
    if (peers?.size === 0) byUser.delete(keys.userId);
    const left = (addresses.get(keys.address) ?? 1) - 1;
    if (left === 0) addresses.delete(keys.address);
    else addresses.set(keys.address, left);
  };

  return {
    get size() {
      return byId.size;
    },
    get broadcastsCount() {
      return broadcastsCount;
    },
    add(peer) {
      uncount(peer);
      byId.set(peer.id, peer);
      const keys = { userId: peer.user.id, address: peer.remoteAddress };
      counted.set(peer, keys);
      const peers = byUser.get(keys.userId);
      if (peers === undefined) byUser.set(keys.userId, new Set([peer]));
      else peers.add(peer);
      addresses.set(keys.address, (addresses.get(keys.address) ?? 0) + 1);
    },
    remove(peer) {
      if (byId.get(peer.id) !== peer) return;
      byId.delete(peer.id);
      uncount(peer);
      if (byId.size > 0) return;
      for (const resolve of waiters) resolve();
      waiters = [];
    },
    get: (id) => byId.get(id),
    ofUser: (userId) => byUser.get(userId) ?? NOBODY,
    userConnectionsCount: (userId) => byUser.get(userId)?.size ?? 0,
    addressConnectionsCount: (address) => addresses.get(address) ?? 0,
    all: () => byId.values(),
    broadcast(message, except) {
      broadcastsCount++;
      let count = 0;
      for (const peer of byId.values()) {
        if (peer === except) continue;
        peer.sendShared(message);
        count++;
      }
      return count;
    },
    broadcastEphemeral(key, type, payload) {
      broadcastsCount++;
      const message = shareMessage(type, payload, { messageId: `${key}-${++ephemeralCount}` });
      for (const peer of byId.values()) peer.sendEphemeral(key, () => message);
    },
    emptied() {
      if (byId.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
  };
}
