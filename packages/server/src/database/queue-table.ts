import type { QueueEntry } from "../broker.js";
import type { StorageBounds } from "../storage-bounds.js";
import type { Handlers } from "./operations.js";
import { checksum, number, type Sql, text, verify } from "./sql.js";

type QueueOperation = "pushToQueue" | "listQueue" | "acknowledge" | "acknowledgeLost" | "deleteQueue";

export interface QueueTable {
  readonly handlers: Handlers<QueueOperation>;
  totalCount(): number;
  /** Drops at most so many entries that are too old, and queues that were not used for as long. Returns how many. */
  expire(nowMs: number, maxCount: number): number;
  /** The transaction was rolled back. */
  forget(): void;
}

interface Head {
  readonly lostCount: number;
  readonly usedAtMs: number;
}

const ENTRY = "n, id, at_ms, crc, data";

export function createQueueTable(sql: Sql, bounds: StorageBounds): QueueTable {
  const { queueEntriesCount, queueEntryAgeMs } = bounds;
  const heads = createHeads(sql);
  const count = sql.prepare("SELECT count(*) FROM queue_entries");
  const countOfUser = sql.prepare("SELECT count(*) FROM queue_entries WHERE user = ?");
  const select = sql.prepare(`SELECT ${ENTRY} FROM queue_entries WHERE user = ? ORDER BY n`);
  const find = sql.prepare("SELECT n FROM queue_entries WHERE user = ? AND id = ?");
  const insert = sql.prepare("INSERT INTO queue_entries VALUES (NULL, ?, ?, ?, ?, ?)");
  const remove = sql.prepare("DELETE FROM queue_entries WHERE user = ? AND id = ?");
  const removeOldest = sql.prepare(
    "DELETE FROM queue_entries WHERE n IN (SELECT n FROM queue_entries WHERE user = ? ORDER BY n LIMIT ?)",
  );
  const removeOld = sql.prepare("DELETE FROM queue_entries WHERE user = ? AND at_ms < ?");
  const removeAll = sql.prepare("DELETE FROM queue_entries WHERE user = ?");
  const selectOld = sql.prepare(
    "SELECT user FROM queue_entries WHERE at_ms < ? GROUP BY user ORDER BY min(at_ms) LIMIT ?",
  );
  /** `null` after a rollback: to be counted again. */
  let known: number | null = null;

  const totalCount = (): number => {
    known ??= number(count.get()?.[0]);
    return known;
  };
  const changed = <T>(result: T, change: number) => {
    known = totalCount() + change;
    return { result, totalCount: known };
  };
  /** Returns the head without what is too old, which is counted as lost. */
  const expireUser = (userId: string, nowMs: number): Head => {
    const head = heads.get(userId);
    const droppedCount = removeOld.run(userId, nowMs - queueEntryAgeMs);
    if (droppedCount === 0) return head ?? { lostCount: 0, usedAtMs: nowMs };
    known = totalCount() - droppedCount;
    const expired = { lostCount: (head?.lostCount ?? 0) + droppedCount, usedAtMs: nowMs };
    heads.put(userId, expired);
    return expired;
  };
  const countOf = (userId: string) => number(countOfUser.get(userId)?.[0]);
  const settle = (userId: string, lostCount: number, nowMs: number) => {
    if (lostCount === 0 && countOf(userId) === 0) heads.remove(userId);
    else heads.put(userId, { lostCount, usedAtMs: nowMs });
  };

  return {
    handlers: {
      pushToQueue({ userId, id, data }, nowMs) {
        const { lostCount } = expireUser(userId, nowMs);
        if (find.get(userId, id) !== undefined) return changed({ droppedCount: 0 }, 0);
        insert.run(userId, id, nowMs, checksum(userId, id, nowMs, data), data);
        const droppedCount = Math.max(0, countOf(userId) - queueEntriesCount);
        if (droppedCount > 0) removeOldest.run(userId, droppedCount);
        heads.put(userId, { lostCount: lostCount + droppedCount, usedAtMs: nowMs });
        return changed({ droppedCount }, 1 - droppedCount);
      },
      listQueue({ userId }, nowMs) {
        const firstMs = nowMs - queueEntryAgeMs;
        const all = select.all(userId).map(([, id, atMs, crc, data]) => {
          const entry: QueueEntry = { id: text(id), atMs: number(atMs), data: text(data) };
          verify(crc, checksum(userId, entry.id, entry.atMs, entry.data), "a message that waits");
          return entry;
        });
        const entries = all.filter(({ atMs }) => atMs >= firstMs);
        return { entries, lostCount: (heads.get(userId)?.lostCount ?? 0) + all.length - entries.length };
      },
      acknowledge({ userId, id }, nowMs) {
        const { lostCount } = expireUser(userId, nowMs);
        const removedCount = remove.run(userId, id);
        if (removedCount > 0) settle(userId, lostCount, nowMs);
        return changed(removedCount > 0, -removedCount);
      },
      acknowledgeLost({ userId, count: toldCount }, nowMs) {
        const { lostCount } = expireUser(userId, nowMs);
        if (heads.get(userId) !== null) settle(userId, Math.max(0, lostCount - toldCount), nowMs);
        return changed(null, 0);
      },
      deleteQueue({ userId }) {
        heads.remove(userId);
        return changed(null, -removeAll.run(userId));
      },
    },
    totalCount,
    expire(nowMs, maxCount) {
      const users = selectOld.all(nowMs - queueEntryAgeMs, maxCount).map(([user]) => text(user));
      for (const user of users) expireUser(user, nowMs);
      return users.length + heads.removeUnused(nowMs - queueEntryAgeMs, maxCount - users.length);
    },
    forget() {
      known = null;
    },
  };
}

function createHeads(sql: Sql) {
  const select = sql.prepare("SELECT lost_count, used_at_ms, crc FROM queues WHERE user = ?");
  const put = sql.prepare(
    `INSERT INTO queues VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (user) DO UPDATE SET lost_count = ?2, used_at_ms = ?3, crc = ?4`,
  );
  const remove = sql.prepare("DELETE FROM queues WHERE user = ?");
  const removeUnused = sql.prepare(
    `DELETE FROM queues WHERE user IN (SELECT user FROM queues WHERE used_at_ms < ?
       AND NOT EXISTS (SELECT 1 FROM queue_entries WHERE queue_entries.user = queues.user) LIMIT ?)`,
  );
  return {
    get(userId: string): Head | null {
      const row = select.get(userId);
      if (row === undefined) return null;
      const [lostCount, usedAtMs] = row.map(number);
      const head = { lostCount: number(lostCount), usedAtMs: number(usedAtMs) };
      verify(row[2], checksum(userId, head.lostCount, head.usedAtMs), "the head of a queue");
      return head;
    },
    put: (userId: string, { lostCount, usedAtMs }: Head) => {
      put.run(userId, lostCount, usedAtMs, checksum(userId, lostCount, usedAtMs));
    },
    remove: (userId: string) => {
      remove.run(userId);
    },
    removeUnused: (beforeMs: number, maxCount: number) => removeUnused.run(beforeMs, maxCount),
  };
}
