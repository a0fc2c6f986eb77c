import type { Handlers } from "./operations.js";
import { checksum, orNull, type Row, type Sql, text, verify } from "./sql.js";

type EndpointOperation =
  | "getEndpoint"
  | "putEndpoint"
  | "deleteEndpoint"
  | "endpointsOfUser"
  | "endpointsOfRoom"
  | "deleteEndpointsOfUser"
  | "deleteEndpointsOfRoom";

export function createEndpointTable(sql: Sql): Handlers<EndpointOperation> {
  const selectWhere = (condition: string) =>
    sql.prepare(`SELECT id, user, room, crc, record FROM endpoints WHERE ${condition} ORDER BY n`);
  const select = selectWhere("id = ?");
  const selectOfUser = selectWhere("user = ?");
  const selectOfRoom = selectWhere("room = ?");
  const put = sql.prepare(
    `INSERT INTO endpoints VALUES (NULL, ?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (id) DO UPDATE SET user = ?2, room = ?3, crc = ?4, record = ?5`,
  );
  const remove = sql.prepare("DELETE FROM endpoints WHERE id = ?");
  const removeOfUser = sql.prepare("DELETE FROM endpoints WHERE user = ?");
  const removeOfRoom = sql.prepare("DELETE FROM endpoints WHERE room = ?");

  return {
    getEndpoint({ id }) {
      const row = select.get(id);
      return row === undefined ? null : toJson(row);
    },
    putEndpoint({ id, userId, roomId, json }) {
      put.run(id, userId, roomId, checksum(id, userId, roomId, json), json);
      return null;
    },
    deleteEndpoint: ({ id }) => remove.run(id) > 0,
    endpointsOfUser: ({ userId }) => selectOfUser.all(userId).map(toJson),
    endpointsOfRoom: ({ roomId }) => selectOfRoom.all(roomId).map(toJson),
    deleteEndpointsOfUser({ userId }) {
      removeOfUser.run(userId);
      return null;
    },
    deleteEndpointsOfRoom({ roomId }) {
      removeOfRoom.run(roomId);
      return null;
    },
  };
}

function toJson([id, user, room, crc, record]: Row): string {
  const json = text(record);
  verify(crc, checksum(text(id), text(user), orNull(text, room), json), "the record of an endpoint");
  return json;
}
