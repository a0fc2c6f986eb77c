import type { StorageBounds } from "../../storage-bounds.js";
import type { RunHistory, RunSummary } from "../../store.js";
import { historyBytesOf } from "../history-size.js";

interface Remembered {
  readonly run: RunSummary;
  readonly bytes: number;
}

export function createMemoryHistory(
  { historyRunsCount, historyAgeMs, historyBytes }: StorageBounds,
  nowMs: () => number,
): RunHistory {
  /** Oldest first. */
  const all = new Set<Remembered>();
  const rooms = createGroups();
  const users = createGroups();
  /** Those of each user outside rooms, which are bounded by it. */
  const alone = createGroups();
  let totalBytes = 0;

  const remove = (remembered: Remembered) => {
    const { roomId, userId } = remembered.run;
    all.delete(remembered);
    totalBytes -= remembered.bytes;
    users.remove(userId, remembered);
    if (roomId === null) alone.remove(userId, remembered);
    else rooms.remove(roomId, remembered);
  };

  /** They were added when they ended: the oldest come first. */
  const expire = () => {
    const firstMs = nowMs() - historyAgeMs;
    for (const remembered of all) {
      if (remembered.run.endedAtMs >= firstMs) return;
      remove(remembered);
    }
  };

  return {
    async add(given) {
      expire();
      const run = { ...given };
      const remembered = { run, bytes: historyBytesOf(JSON.stringify(run)) };
      const [groups, key] = run.roomId === null ? [alone, run.userId] : [rooms, run.roomId];
      all.add(remembered);
      totalBytes += remembered.bytes;
      users.add(run.userId, remembered);
      groups.add(key, remembered);
      const [oldestOfGroup] = groups.of(key);
      if (groups.of(key).size > historyRunsCount && oldestOfGroup !== undefined) remove(oldestOfGroup);
      for (const oldest of all) {
        if (totalBytes <= historyBytes) break;
        remove(oldest);
      }
    },
    async ofRoom(roomId, limit) {
      expire();
      return newest(rooms.of(roomId), limit);
    },
    async ofUser(userId, limit) {
      expire();
      return newest(users.of(userId), limit);
    },
    async deleteRoom(roomId) {
      for (const remembered of rooms.of(roomId)) remove(remembered);
    },
    async deleteUser(userId) {
      for (const remembered of users.of(userId)) remove(remembered);
    },
  };
}

function newest(group: ReadonlySet<Remembered>, limit: number): readonly RunSummary[] {
  return limit <= 0
    ? []
    : Array.from(group, ({ run }) => run)
        .slice(-limit)
        .reverse();
}

interface Groups {
  of(key: string): ReadonlySet<Remembered>;
  add(key: string, remembered: Remembered): void;
  remove(key: string, remembered: Remembered): void;
}

function createGroups(): Groups {
  const groups = new Map<string, Set<Remembered>>();
  return {
    of: (key) => groups.get(key) ?? new Set(),
    add(key, remembered) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, new Set([remembered]));
      else group.add(remembered);
    },
    remove(key, remembered) {
      const group = groups.get(key);
      group?.delete(remembered);
      if (group?.size === 0) groups.delete(key);
    },
  };
}
