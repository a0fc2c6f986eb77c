import type { StorageBounds } from "../storage-bounds.js";
import { historyBytesOf } from "../stores/history-size.js";
import type { Handlers } from "./operations.js";
import { checksum, number, orNull, type Row, type Sql, text, verify } from "./sql.js";

type HistoryOperation = "addToHistory" | "historyOfRoom" | "historyOfUser" | "deleteHistoryOfRoom";

export interface HistoryTable {
  readonly handlers: Handlers<HistoryOperation>;
  /** The transaction was rolled back. */
  forget(): void;
}

export function createHistoryTable(sql: Sql, bounds: StorageBounds): HistoryTable {
  const { historyRunsCount, historyBytes } = bounds;
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
  const removeOldest = sql.prepare(
    "DELETE FROM history WHERE n = (SELECT n FROM history ORDER BY n LIMIT 1) RETURNING bytes",
  );
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
      historyOfRoom: ({ roomId, limit }) => selectOfRoom.all(roomId, limit).map(toJson),
      historyOfUser: ({ userId, limit }) => selectOfUser.all(userId, limit).map(toJson),
      deleteHistoryOfRoom({ roomId }) {
        totalBytes();
        subtract(removeRoom.all(roomId));
        return null;
      },
    },
    forget() {
      known = null;
    },
  };
}

function toJson([room, user, crc, record]: Row): string {
  const json = text(record);
  verify(crc, checksum(orNull(text, room), text(user), json), "a remembered run");
  return json;
}
