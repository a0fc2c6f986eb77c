import { ProtocolFailure } from "@sparql-live/protocol";
import type { QueueEntry, Queues } from "../../broker.js";
import type { StorageBounds } from "../../storage-bounds.js";

export interface MemoryQueues extends Queues {
  /** Drops what is too old, and queues that nobody used for as long. */
  expire(): void;
}

interface Queue {
  /** By id, oldest first. */
  readonly entries: Map<string, QueueEntry>;
  lostCount: number;
  usedAtMs: number;
}

export function createMemoryQueues(
  { queueEntriesCount, queueEntryAgeMs, memoryQueuesBytes }: StorageBounds,
  nowMs: () => number,
): MemoryQueues {
  const queues = new Map<string, Queue>();
  let totalCount = 0;
  let totalBytes = 0;

  const remove = (queue: Queue, { id, data }: QueueEntry) => {
    queue.entries.delete(id);
    totalCount--;
    totalBytes -= Buffer.byteLength(data);
  };
  const expireQueue = (queue: Queue, atMs: number) => {
    for (const entry of queue.entries.values()) {
      if (atMs - entry.atMs <= queueEntryAgeMs) return;
      remove(queue, entry);
      queue.lostCount++;
      queue.usedAtMs = atMs;
    }
  };
  const forgetEmpty = (userId: string, queue: Queue) => {
    if (queue.entries.size === 0 && queue.lostCount === 0) queues.delete(userId);
  };
  /** The user's queue without what is too old, if there is one. */
  const find = (userId: string): Queue | undefined => {
    const queue = queues.get(userId);
    if (queue !== undefined) expireQueue(queue, nowMs());
    return queue;
  };

  return {
    async push(userId, { id, data }) {
      const atMs = nowMs();
      const queue = find(userId) ?? { entries: new Map<string, QueueEntry>(), lostCount: 0, usedAtMs: atMs };
      if (queue.entries.has(id)) return { droppedCount: 0 };
      const bytes = Buffer.byteLength(data);
      if (totalBytes + bytes > memoryQueuesBytes) throw queuesFull();
      queues.set(userId, queue);
      queue.usedAtMs = atMs;
      queue.entries.set(id, { id, atMs, data });
      totalCount++;
      totalBytes += bytes;
      let droppedCount = 0;
      for (const oldest of queue.entries.values()) {
        if (queue.entries.size <= queueEntriesCount) break;
        remove(queue, oldest);
        droppedCount++;
      }
      queue.lostCount += droppedCount;
      return { droppedCount };
    },
    async list(userId) {
      const queue = find(userId);
      return { entries: [...(queue?.entries.values() ?? [])], lostCount: queue?.lostCount ?? 0 };
    },
    async acknowledge(userId, id) {
      const queue = find(userId);
      const entry = queue?.entries.get(id);
      if (queue === undefined || entry === undefined) return false;
      remove(queue, entry);
      queue.usedAtMs = nowMs();
      forgetEmpty(userId, queue);
      return true;
    },
    async acknowledgeLost(userId, count) {
      const queue = find(userId);
      if (queue === undefined) return;
      queue.lostCount = Math.max(0, queue.lostCount - count);
      queue.usedAtMs = nowMs();
      forgetEmpty(userId, queue);
    },
    totalCount: () => totalCount,
    async delete(userId) {
      const queue = queues.get(userId);
      queues.delete(userId);
      for (const entry of queue?.entries.values() ?? []) {
        totalCount--;
        totalBytes -= Buffer.byteLength(entry.data);
      }
    },
    expire() {
      const atMs = nowMs();
      for (const [userId, queue] of queues) {
        expireQueue(queue, atMs);
        if (queue.entries.size === 0 && atMs - queue.usedAtMs > queueEntryAgeMs) queues.delete(userId);
      }
    },
  };
}

function queuesFull(): ProtocolFailure {
  return new ProtocolFailure(
    "storage_full",
    "Too much waits for users who are away. Try again when some of them have read theirs.",
  );
}
