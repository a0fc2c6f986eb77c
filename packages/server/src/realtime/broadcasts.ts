import { randomUUID } from "node:crypto";
import type { Broker, LogEntry, LogPosition } from "../broker.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Hub } from "./hub.js";
import type { DeliveryOptions } from "./outgoing.js";
import type { Peer } from "./peer.js";
import { isWithin } from "./rooms/recovery.js";
import { type SharedMessage, shareAny } from "./shared-message.js";

/** Messages to everybody, kept for some minutes for those whose connection was lost. */
export interface Broadcasts {
  /** Settles with how many connections here it went to. */
  send(type: string, payload: object, options?: DeliveryOptions): Promise<number>;
  readonly position: LogPosition;
  isRecoverable(position: LogPosition): Promise<boolean>;
  /** Sends what came after a position and until a connection began to get what is new. */
  replay(peer: Peer, position: LogPosition, until: number): Promise<void>;
  close(): void;
}

export async function openBroadcasts(broker: Broker, hub: Hub): Promise<Broadcasts> {
  const head = await broker.logs.head("broadcast");
  let position: LogPosition = head;
  /** To how many each went that is being sent. */
  const recipientsCounts = new Map<string, number>();
  const stop = broker.logs.follow("broadcast", (entry, { epoch }) => {
    position = { epoch, seq: entry.seq };
    const { message, exclude } = readEntry(epoch, entry);
    const count = hub.broadcast(message, exclude === undefined ? undefined : hub.get(exclude));
    if (recipientsCounts.has(entry.id)) recipientsCounts.set(entry.id, count);
  });
  return {
    async send(type, payload, options = {}) {
      const id = randomUUID();
      const entry: BroadcastEntry = { type, payload, ...options };
      recipientsCounts.set(id, 0);
      try {
        await broker.logs.append("broadcast", { id, data: JSON.stringify(entry) });
        return recipientsCounts.get(id) ?? 0;
      } finally {
        recipientsCounts.delete(id);
      }
    },
    get position() {
      return position;
    },
    isRecoverable: async (since) => isWithin(since, await broker.logs.head("broadcast")),
    async replay(peer, since, until) {
      for (let seq = since.seq; seq < until; ) {
        const slice = await broker.logs.read("broadcast", seq, {
          maxCount: SERVER_LIMITS.replayPageCount,
          maxBytes: SERVER_LIMITS.replayPageBytes,
        });
        for (const entry of slice.entries) {
          if (entry.seq > until) continue;
          const { message, exclude } = readEntry(slice.epoch, entry);
          if (exclude !== peer.id) peer.sendShared(message);
        }
        const last = slice.entries.at(-1);
        if (last === undefined) return;
        seq = last.seq;
        await peer.drained();
      }
    },
    close: stop,
  };
}

interface BroadcastEntry extends DeliveryOptions {
  readonly type: string;
  readonly payload: object;
}

function readEntry(
  epoch: string,
  { seq, atMs, data }: LogEntry,
): { readonly message: SharedMessage; readonly exclude: string | undefined } {
  // The log holds what `send` wrote.
  const { type, payload, correlationId, exclude } = JSON.parse(data) as BroadcastEntry;
  const framing = { messageId: `broadcast:${epoch}:${seq}`, correlationId, atMs };
  return { message: shareAny(type, { ...payload, epoch, seq }, framing), exclude };
}
