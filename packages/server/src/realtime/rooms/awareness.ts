import type { Codec } from "@sparql-live/protocol";
import { type AwarenessEntry, readAwarenessUpdate } from "../../documents/awareness-reader.js";
import { awarenessUpdateOf, departureOf } from "../../documents/awareness-writer.js";
import { DOCUMENT_LIMITS } from "../../documents/limits.js";
import { refuse } from "../../documents/refusal.js";
import type { Peer } from "../peer.js";
import { shareMessage } from "../shared-message.js";
import type { RoomNotices } from "./notices.js";

/**
 * The awareness of y-protocols: relayed and kept nowhere, but for which connection speaks for which client of Yjs.
 * Who spoke of a client first owns it while present in the room; another connection of the same user, which is the
 * same page come back, takes it over.
 */
export interface RoomAwareness {
  /** Tells the others what the peer may say, and passes over the rest. Throws `bad_document_update`. */
  update(peer: Peer, update: Uint8Array): void;
  /** The peer is not present any more: the others are told that its clients have gone. */
  clear(peer: Peer): void;
}

export function createRoomAwareness(notices: RoomNotices): RoomAwareness {
  /** Of each peer its clients, with the last clock of each. */
  const clocksOf = new Map<Peer, Map<number, number>>();
  const owners = new Map<number, Peer>();

  const release = (peer: Peer, client: number) => {
    owners.delete(client);
    const clocks = clocksOf.get(peer);
    clocks?.delete(client);
    if (clocks?.size === 0) clocksOf.delete(peer);
  };
  const mayTell = (peer: Peer, { client, isPresent }: AwarenessEntry) => {
    const owner = owners.get(client);
    return owner === undefined ? isPresent : owner.user.id === peer.user.id;
  };
  const take = (peer: Peer, { client, clock, isPresent }: AwarenessEntry) => {
    const owner = owners.get(client);
    if (owner !== undefined && (owner !== peer || !isPresent)) release(owner, client);
    if (!isPresent) return;
    const clocks = clocksOf.get(peer) ?? new Map<number, number>();
    clocksOf.set(peer, clocks.set(client, Math.max(clock, clocks.get(client) ?? 0)));
    owners.set(client, peer);
  };
  const tell = (peer: Peer, update: Uint8Array) => {
    const payload = (codec: Codec) => ({
      ...notices.originOf(peer),
      update: codec.binary ? update : Buffer.from(update).toString("base64"),
    });
    const messageId = notices.ephemeralId(peer);
    notices.tellEphemeral(peer, "awareness_update", shareMessage("awareness_update", payload, { messageId }));
  };

  return {
    update(peer, update) {
      const entries = readAwarenessUpdate(update);
      const told = entries.filter((entry) => mayTell(peer, entry));
      if (told.length === 0) return;
      const clients = new Set([...(clocksOf.get(peer)?.keys() ?? []), ...told.map(({ client }) => client)]);
      if (clients.size > DOCUMENT_LIMITS.maxAwarenessStates) {
        refuse(`A connection may speak for ${DOCUMENT_LIMITS.maxAwarenessStates} clients in a room.`);
      }
      for (const entry of told) take(peer, entry);
      tell(peer, told.length === entries.length ? update : awarenessUpdateOf(told));
    },
    clear(peer) {
      const clocks = clocksOf.get(peer);
      if (clocks === undefined) return;
      clocksOf.delete(peer);
      for (const client of clocks.keys()) owners.delete(client);
      tell(peer, departureOf(clocks));
    },
  };
}
