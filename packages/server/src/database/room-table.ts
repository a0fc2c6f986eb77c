import type { Handlers } from "./operations.js";
import { checksum, number, type Row, type Sql, text, verify } from "./sql.js";

type RoomOperation = "getRoom" | "putRoom" | "deleteRoom" | "listRooms" | "countRooms";

export function createRoomTable(sql: Sql): Handlers<RoomOperation> {
  const select = sql.prepare("SELECT id, crc, record FROM rooms WHERE id = ?");
  const selectPage = sql.prepare("SELECT id, crc, record FROM rooms ORDER BY n LIMIT ? OFFSET ?");
  const selectPublic = sql.prepare(
    "SELECT id, crc, record FROM rooms WHERE is_public = 1 ORDER BY n LIMIT ? OFFSET ?",
  );
  const put = sql.prepare(
    `INSERT INTO rooms VALUES (NULL, ?1, ?2, ?3, ?4)
     ON CONFLICT (id) DO UPDATE SET crc = ?2, record = ?3, is_public = ?4`,
  );
  const remove = sql.prepare("DELETE FROM rooms WHERE id = ?");
  const count = sql.prepare("SELECT count(*) FROM rooms");

  const toJson = ([id, crc, record]: Row): string => {
    const json = text(record);
    verify(crc, checksum(text(id), json), "the record of a room");
    return json;
  };

  return {
    getRoom({ id }) {
      const row = select.get(id);
      return row === undefined ? null : toJson(row);
    },
    putRoom({ id, isPublic, json }) {
      put.run(id, checksum(id, json), json, isPublic ? 1 : 0);
      return null;
    },
    deleteRoom: ({ id }) => remove.run(id) > 0,
    listRooms: ({ offset, limit, publicOnly }) =>
      (publicOnly ? selectPublic : selectPage).all(limit, offset).map(toJson),
    countRooms: () => number(count.get()?.[0]),
  };
}
