import type { StorageBounds } from "../storage-bounds.js";
import type { RunSummary } from "../store.js";
import { historyBytesOf } from "../stores/history-size.js";
import type { Handlers } from "./operations.js";
import { checksum, number, orNull, type Row, type Sql, text, verify } from "./sql.js";

type HistoryOperation =
  | "addToHistory"
  | "historyOfRoom"
  | "historyOfUser"
  | "deleteHistoryOfRoom"
  | "deleteHistoryOfUser";

export interface HistoryTable {
  readonly handlers: Handlers<HistoryOperation>;
  /** Takes away at most so many runs whose time is over. Returns how many. */
  expire(nowMs: number, maxCount: number): number;
  /** The transaction was rolled back. */
  forget(): void;
}

export function createHistoryTable(sql: Sql, bounds: StorageBounds): HistoryTable {
  const { historyRunsCount, historyAgeMs, historyBytes } = bounds;
  const selectFrom = (condition: string) =>
    sql.prepare(
      `SELECT room, user, crc, record FROM history WHERE ${condition} ORDER BY n DESC LIMIT max(0, ?)`,
    );
  const selectOfRoom = selectFrom("room = ?");
  const selectOfUser = selectFrom("user = ?");
  const insert = sql.prepare("INSERT INTO history VALUES (NULL, ?, ?, ?, ?, ?)");
  const removeBeyond = (condition: string) =>
    sql.prepare(
      `DELETE FROM history WHERE n = (SELECT n FROM history WHERE ${condition} ORDER BY n DESC LIMIT 1 OFFSET ?)
       RETURNING bytes`,
    );
  const removeBeyondRoom = removeBeyond("room = ?");
  const removeBeyondUser = removeBeyond("user = ? AND room IS NULL");
  const removeRoom = sql.prepare("DELETE FROM history WHERE room = ? RETURNING bytes");
  const removeUser = sql.prepare("DELETE FROM history WHERE user = ? RETURNING bytes");
  const removeOldest = sql.prepare(
    "DELETE FROM history WHERE n = (SELECT n FROM history ORDER BY n LIMIT 1) RETURNING bytes",
  );
  const selectOldest = sql.prepare("SELECT room, user, crc, record, n FROM history ORDER BY n LIMIT ?");
  const removeUpTo = sql.prepare("DELETE FROM history WHERE n <= ? RETURNING bytes");
  const sum = sql.prepare("SELECT coalesce(sum(bytes), 0) FROM history");
  /** `null` after a rollback: to be summed again. */
  let known: number | null = null;

  const totalBytes = (): number => {
    known ??= number(sum.get()?.[0]);
    return known;
  };
  const subtract = (rows: readonly Row[]): number => {
    for (const [bytes] of rows) known = totalBytes() - number(bytes);
    return rows.length;
  };

  const isOver = (json: string, nowMs: number) => nowMs - endedAtMsOf(json) > historyAgeMs;
  const kept = (rows: readonly Row[], nowMs: number) =>
    rows.map(toJson).filter((json) => !isOver(json, nowMs));

  return {
    handlers: {
      addToHistory({ roomId, userId, json }) {
        const bytes = historyBytesOf(json);
        known = totalBytes() + bytes;
        insert.run(roomId, userId, bytes, checksum(roomId, userId, json), json);
        subtract(
          roomId === null
            ? removeBeyondUser.all(userId, historyRunsCount)
            : removeBeyondRoom.all(roomId, historyRunsCount),
        );
        while (totalBytes() > historyBytes && subtract(removeOldest.all()) > 0);
        return null;
      },
      historyOfRoom: ({ roomId, limit }, nowMs) => kept(selectOfRoom.all(roomId, limit), nowMs),
      historyOfUser: ({ userId, limit }, nowMs) => kept(selectOfUser.all(userId, limit), nowMs),
      deleteHistoryOfRoom({ roomId }) {
        totalBytes();
        subtract(removeRoom.all(roomId));
        return null;
      },
      deleteHistoryOfUser({ userId }) {
        totalBytes();
        subtract(removeUser.all(userId));
        return null;
      },
    },
    expire(nowMs, maxCount) {
      totalBytes();
      const oldest = selectOldest.all(maxCount);
      // They were added when they ended: those behind the first that is kept are kept too.
      const count = oldest.findIndex((row) => !isOver(toJson(row), nowMs));
      const last = oldest[(count === -1 ? oldest.length : count) - 1];
      return last === undefined ? 0 : subtract(removeUpTo.all(number(last[4])));
    },
    forget() {
      known = null;
    },
  };
}

/** Of a record as it was put. */
function endedAtMsOf(json: string): number {
  const { endedAtMs } = JSON.parse(json) as Pick<RunSummary, "endedAtMs">;
  return endedAtMs;
}

function toJson([room, user, crc, record]: Row): string {
  const json = text(record);
  verify(crc, checksum(orNull(text, room), text(user), json), "a remembered run");
  return json;
}
