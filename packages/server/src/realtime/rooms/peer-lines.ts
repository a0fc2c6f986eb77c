import type { Peer } from "../peer.js";

/** What is under way between peers and rooms: one thing after the other for each pair. */
export interface PeerLines {
  inLine(peer: Peer, roomId: string, work: () => Promise<void>): Promise<void>;
  /** Settles when nothing is under way for the two; `undefined` where nothing is. */
  settled(peer: Peer, roomId: string): Promise<unknown> | undefined;
  roomIdsOf(peer: Peer): Iterable<string>;
  /** Whether anything is under way in a room. Who comes into it is not present yet, and it would count as empty. */
  isBusy(roomId: string): boolean;
}

export function createPeerLines(): PeerLines {
  const lines = new Map<Peer, Map<string, Promise<void>>>();
  const counts = new Map<string, number>();
  const count = (roomId: string, change: 1 | -1) => {
    const changed = (counts.get(roomId) ?? 0) + change;
    if (changed === 0) counts.delete(roomId);
    else counts.set(roomId, changed);
  };
  return {
    inLine(peer, roomId, work) {
      const line = lines.get(peer) ?? new Map<string, Promise<void>>();
      lines.set(peer, line);
      const before = line.get(roomId)?.catch(() => undefined) ?? Promise.resolve();
      count(roomId, 1);
      const under = before.then(work).finally(() => {
        count(roomId, -1);
        if (line.get(roomId) === under) line.delete(roomId);
        if (line.size === 0) lines.delete(peer);
      });
      line.set(roomId, under);
      return under;
    },
    settled: (peer, roomId) =>
      lines
        .get(peer)
        ?.get(roomId)
        ?.catch(() => undefined),
    roomIdsOf: (peer) => lines.get(peer)?.keys() ?? [],
    isBusy: (roomId) => counts.has(roomId),
  };
}
