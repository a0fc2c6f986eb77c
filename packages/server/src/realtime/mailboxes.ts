import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Broker, QueueEntry } from "../broker.js";
import type { Counters } from "./counters.js";
import type { Hub } from "./hub.js";
import type { DeliveryOptions } from "./outgoing.js";
import type { Peer } from "./peer.js";
import { type SharedMessage, shareAny, shareMessage } from "./shared-message.js";

/**
 * Messages to a user: kept in a queue until one of the user's connections has acknowledged them, and sent to all that
 * there are, in order, now or when one comes. For clients that do not acknowledge a finished write counts as it.
 */
export interface Mailboxes {
  /** Settles, once it is stored, with how many connections it went to. */
  send(userId: string, type: string, payload: object, options?: DeliveryOptions): Promise<number>;
  /** What waits for the user of a connection that has come. */
  deliver(peer: Peer): Promise<void>;
  acknowledge(peer: Peer, messageId: string): Promise<void>;
  /** Settles when what is under way now is done, and noted. */
  settled(): Promise<void>;
}

const LOST_ID = /^dropped:(\d+):/;

export function createMailboxes({
  broker: { queues },
  hub,
  counters,
  log,
}: {
  readonly broker: Pick<Broker, "queues">;
  readonly hub: Hub;
  readonly counters: Counters;
  readonly log: Logger;
}): Mailboxes {
  /** One thing after the other for each user: what waits and what comes must not overtake each other. */
  const lines = new Map<string, Promise<unknown>>();
  const inLine = <T>(userId: string, work: () => Promise<T>): Promise<T> => {
    const under = (lines.get(userId) ?? Promise.resolve()).then(work, work);
    const settled = under
      .catch(() => undefined)
      .finally(() => {
        if (lines.get(userId) === settled) lines.delete(userId);
      });
    lines.set(userId, settled);
    return under;
  };

  const acknowledge = async (userId: string, messageId: string): Promise<void> => {
    const lost = LOST_ID.exec(messageId)?.[1];
    if (lost === undefined) await queues.acknowledge(userId, messageId);
    else await queues.acknowledgeLost(userId, Number(lost));
  };

  /** A finished write is all that is known of a client that does not acknowledge. */
  const acknowledgeWhenWritten = async (
    peer: Peer,
    userId: string,
    ids: readonly string[],
  ): Promise<void> => {
    const { link } = peer;
    if (peer.acknowledges || link === null) return;
    await link.outbox.drained(0);
    if (!link.isOpen) return;
    for (const id of ids) await acknowledge(userId, id);
  };
  const notes = new Set<Promise<void>>();
  const acknowledgeBehind = (peer: Peer, userId: string, ids: readonly string[]): void => {
    const note = acknowledgeWhenWritten(peer, userId, ids)
      .catch((error: unknown) =>
        log.warn({ err: error, connection: peer.id }, "a delivery could not be noted; it will come again"),
      )
      .finally(() => notes.delete(note));
    notes.add(note);
  };

  return {
    send: (userId, type, payload, options = {}) =>
      inLine(userId, async () => {
        const id = randomUUID();
        const letter: Letter = { type, payload, ...options };
        const { droppedCount } = await queues.push(userId, { id, data: JSON.stringify(letter) });
        counters.queuedMessagesDropped += droppedCount;
        const message = messageOf(letter, { id, atMs: Date.now() });
        let recipientsCount = 0;
        for (const peer of hub.ofUser(userId)) {
          if (peer.id === letter.exclude) continue;
          peer.sendShared(message);
          acknowledgeBehind(peer, userId, [id]);
          recipientsCount++;
        }
        return recipientsCount;
      }),
    deliver: (peer) => {
      const userId = peer.user.id;
      return inLine(userId, async () => {
        const { entries, lostCount } = await queues.list(userId);
        const ids: string[] = [];
        if (lostCount > 0) {
          const id = `dropped:${lostCount}:${randomUUID()}`;
          ids.push(id);
          peer.sendShared(gapMessage(id, lostCount));
        }
        for (const entry of entries) {
          // The queue holds what `send` wrote.
          const letter = JSON.parse(entry.data) as Letter;
          if (letter.exclude === peer.id) continue;
          ids.push(entry.id);
          peer.sendShared(messageOf(letter, entry));
        }
        if (ids.length > 0) acknowledgeBehind(peer, userId, ids);
      });
    },
    acknowledge: (peer, messageId) => acknowledge(peer.user.id, messageId),
    async settled() {
      await Promise.all(lines.values());
      // What was in line may have left something to note.
      await Promise.all(notes);
    },
  };
}

/** Without queues: a message reaches the connections that are there, and nobody else. */
export function createUnkeptMailboxes(hub: Pick<Hub, "ofUser">): Mailboxes {
  return {
    async send(userId, type, payload, options = {}) {
      const message = messageOf({ type, payload, ...options }, { id: randomUUID(), atMs: Date.now() });
      let recipientsCount = 0;
      for (const peer of hub.ofUser(userId)) {
        if (peer.id === options.exclude) continue;
        peer.sendShared(message);
        recipientsCount++;
      }
      return recipientsCount;
    },
    deliver: async () => undefined,
    acknowledge: async () => undefined,
    settled: async () => undefined,
  };
}

interface Letter extends DeliveryOptions {
  readonly type: string;
  readonly payload: object;
}

function messageOf(
  { type, payload, correlationId }: Letter,
  { id, atMs }: Pick<QueueEntry, "id" | "atMs">,
): SharedMessage {
  return shareAny(type, payload, { messageId: id, correlationId, atMs });
}

function gapMessage(messageId: string, count: number): SharedMessage {
  return shareMessage(
    "system_message",
    {
      message: `${count} older messages were dropped while you were away.`,
      level: "warning",
      code: "messages_dropped",
      dropped_count: count,
    },
    { messageId },
  );
}
