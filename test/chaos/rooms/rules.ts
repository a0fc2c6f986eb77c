import {
  append,
  dismiss,
  enter,
  entranceOf,
  entryFor,
  firstSeqOf,
  isMember,
  type MemberAction,
  type ModelClient,
  type ModelConnection,
  type ModelRole,
  type ModelRoom,
  type NewModelRoom,
  putOut,
  type RoomModel,
  refuse,
  roleIn,
  tell,
  tellAll,
  tellDocument,
} from "./model.js";

/** Where something is asked, by whom, and under which id. */
export interface Request {
  readonly by: ModelConnection;
  readonly roomId: string;
  readonly id: string;
}

export function create(model: RoomModel, room: NewModelRoom): "room_exists" | null {
  if (model.rooms.has(room.id)) return "room_exists";
  model.rooms.set(room.id, {
    ...room,
    epoch: `life ${++model.livesCount} of ${room.id}`,
    roles: new Map(),
    banned: new Set(),
    entries: [],
    text: null,
    present: [],
    entered: new Set(),
    typing: new Map(),
  });
  return null;
}

/** [ROOM-14] Nobody is told of the others' leaving: all do. */
export function remove(model: RoomModel, roomId: string): "room_not_found" | null {
  const room = model.rooms.get(roomId);
  if (room === undefined) return "room_not_found";
  tellAll(model, room, { type: "leave_room", reason: "deleted", to: undefined });
  for (const member of room.present) if (member.life === "live") member.roomIds.delete(roomId);
  model.rooms.delete(roomId);
  return null;
}

export function join(model: RoomModel, { by, roomId, id }: Request, isInvited: boolean): void {
  const room = model.rooms.get(roomId);
  const refusal = room === undefined ? "room_not_found" : enter(model, by, room, isInvited);
  if (room === undefined || refusal !== null) {
    refuse(model, by, roomId, id, refusal ?? "room_not_found");
    return;
  }
  tell(model, by, roomId, { type: "join_room", to: id, ...entranceOf(room, by) });
  tellDocument(model, room, by);
}

export function leave(model: RoomModel, { by, roomId, id }: Request): void {
  const room = model.rooms.get(roomId);
  if (!isMember(room, by)) {
    refuse(model, by, roomId, id, "not_in_room");
    return;
  }
  putOut(model, room, by);
  tell(model, by, roomId, { type: "leave_room", reason: "requested", to: id });
}

/** The room, or `null` where the request was refused. Who changes members owns it, who writes is no viewer. */
function roomFor(model: RoomModel, { by, roomId, id }: Request, wants: "write" | "manage"): ModelRoom | null {
  const room = model.rooms.get(roomId);
  const role = room === undefined ? "viewer" : roleIn(room, by.userId);
  const isAllowed = wants === "manage" ? role === "owner" : role !== "viewer";
  if (isMember(room, by) && isAllowed) return room;
  refuse(model, by, roomId, id, isMember(room, by) ? "role_forbidden" : "not_in_room");
  return null;
}

/** The id of the request is that of the message, and may have been used before. */
export function publish(model: RoomModel, request: Request): void {
  const { by, id } = request;
  const room = roomFor(model, request, "write");
  if (room === null) return;
  const index = room.entries.findLastIndex((entry) => entry.id === id && entry.userId === by.userId);
  if (index + 1 < firstSeqOf(room, model))
    append(model, room, { kind: "message", id, userId: by.userId, connection: by.name });
  else tell(model, by, room.id, { type: "ack", id, to: id, epoch: room.epoch, seq: index + 1 });
}

/** Returns whether it was done. */
export function edit(model: RoomModel, request: Request, change: (text: string) => string): boolean {
  const { by, id } = request;
  const room = roomFor(model, request, "write");
  if (room === null) return false;
  room.text = change(room.text ?? "");
  append(model, room, { kind: "document", id, userId: by.userId, connection: by.name });
  return true;
}

export function editBadly(model: RoomModel, request: Request): void {
  const room = roomFor(model, request, "write");
  if (room !== null) refuse(model, request.by, room.id, request.id, "bad_document_update");
}

export function setTyping(model: RoomModel, { by, roomId, id }: Request, isTyping: boolean): void {
  const room = model.rooms.get(roomId);
  if (!isMember(room, by)) {
    refuse(model, by, roomId, id, "not_in_room");
    return;
  }
  // Renewed it comes behind the others.
  room.typing.delete(by);
  if (isTyping) room.typing.set(by, model.nowMs);
  tellTyping(model, room, by, isTyping);
}

function tellTyping(model: RoomModel, room: ModelRoom, by: ModelConnection, isTyping: boolean): void {
  const told = { type: "typing_indicator", connection: by.name, user: by.userId, isTyping };
  tellAll(model, room, told, by);
}

export interface MemberChange {
  readonly userId: string;
  readonly action: MemberAction;
  readonly role: ModelRole;
}

export function changeMember(model: RoomModel, request: Request, change: MemberChange): void {
  const { userId, action, role } = change;
  const room = roomFor(model, request, "manage");
  if (room === null) return;
  if (userId === room.ownerId) {
    refuse(model, request.by, room.id, request.id, "bad_request");
    return;
  }
  if (action === "role") room.roles.set(userId, role);
  if (action === "ban") room.banned.add(userId);
  if (action === "unban") room.banned.delete(userId);
  tellAll(model, room, {
    ...{ type: "room_member_update", user: userId, action, by: request.by.userId },
    role: action === "role" ? role : undefined,
  });
  if (action !== "kick" && action !== "ban") return;
  for (const connection of [...room.present, ...room.entered]) {
    if (connection.userId !== userId || !room.entered.has(connection)) continue;
    putOut(model, room, connection);
    const reason = action === "kick" ? "kicked" : "banned";
    tell(model, connection, room.id, { type: "leave_room", reason, to: undefined });
  }
}

/** A connection of its own, with a session of its own. */
export function connect(model: RoomModel, client: ModelClient): ModelConnection {
  const connection: ModelConnection = {
    ...{ name: `connection ${++model.connectionsCount}`, userId: client.userId, clientIndex: client.index },
    ...{ life: "live", lostAtMs: 0, roomIds: new Set() },
  };
  model.connections.add(connection);
  client.connection = connection;
  client.session = connection;
  client.tokensCount = 1;
  client.remembered = new Map();
  tell(model, connection, null, {
    ...{ type: "connection_ack", connection: connection.name, user: client.userId },
  });
  return connection;
}

/** Where the rooms are that a connection is in. */
export function positionsOf(model: RoomModel, { connection, remembered }: ModelClient) {
  if (connection === null) return remembered;
  const rooms = [...model.rooms.values()].filter((room) => isMember(room, connection));
  return new Map(rooms.map(({ id, epoch, entries }) => [id, { epoch, seq: entries.length }]));
}

/** [PRESENCE-2] Nobody is told. */
export function lose(model: RoomModel, client: ModelClient): void {
  const { connection } = client;
  if (connection === null) return;
  client.remembered = positionsOf(model, client);
  client.connection = null;
  connection.life = "lost";
  connection.lostAtMs = model.nowMs;
  // Who was lost first is given up first.
  model.connections.delete(connection);
  model.connections.add(connection);
}

/** [PRESENCE-1] It leaves at once, and no token is good any more. */
export function close(model: RoomModel, client: ModelClient): void {
  const { connection } = client;
  if (connection === null) return;
  end(model, connection);
  client.connection = null;
  client.session = null;
  client.remembered = new Map();
}

function end(model: RoomModel, connection: ModelConnection): void {
  connection.life = "gone";
  model.connections.delete(connection);
  for (const room of model.rooms.values()) putOut(model, room, connection);
}

export interface Return {
  readonly isTokenGood: boolean;
  /** What it says that it has seen. */
  readonly positions: ReadonlyMap<string, { readonly epoch: string; readonly seq: number }>;
}

export function resume(model: RoomModel, client: ModelClient, { isTokenGood, positions }: Return): void {
  const { session } = client;
  const fresh = connect(model, client);
  const former = isTokenGood && session !== null && session.life !== "gone" ? session : null;
  const connection = former ?? fresh;
  if (former !== null) {
    model.connections.delete(fresh);
    fresh.life = "gone";
    former.life = "live";
    client.connection = former;
    client.session = former;
  }
  client.tokensCount = 2;
  const rooms: Record<string, string> = {};
  for (const roomId of new Set([...connection.roomIds, ...positions.keys()]))
    rooms[roomId] = returnTo(model, connection, roomId, positions.get(roomId));
  tell(model, connection, null, {
    ...{ type: "resumed", connection: connection.name, user: client.userId },
    ...{ isSession: former !== null, rooms },
  });
}

/** What `resumed` says of the room. */
function returnTo(
  model: RoomModel,
  connection: ModelConnection,
  roomId: string,
  position: { readonly epoch: string; readonly seq: number } | undefined,
): string {
  const room = model.rooms.get(roomId);
  const refusal = room === undefined ? "room_not_found" : enter(model, connection, room, false);
  if (room === undefined || refusal !== null) {
    connection.roomIds.delete(roomId);
    return refusal ?? "room_not_found";
  }
  const newest = room.entries.length;
  const isRecovered =
    position?.epoch === room.epoch && position.seq <= newest && position.seq >= firstSeqOf(room, model) - 1;
  for (let seq = isRecovered ? position.seq + 1 : newest + 1; seq <= newest; seq++) {
    const told = entryFor(room, seq, connection);
    if (told !== null) tell(model, connection, roomId, told);
  }
  tell(model, connection, roomId, {
    ...{ type: "room_state", recovered: isRecovered, ...entranceOf(room, connection) },
  });
  if (!isRecovered) tellDocument(model, room, connection);
  return isRecovered ? "recovered" : "gap";
}

/** After `ms`: signs of typing end after 6 s, presence 15 s after a loss, sessions 125 s after it. */
export function pass(model: RoomModel, ms: number): void {
  model.nowMs += ms;
  for (const connection of model.connections) {
    const lostMs = connection.life === "lost" ? model.nowMs - connection.lostAtMs : 0;
    if (lostMs < 15_000) continue;
    for (const room of model.rooms.values()) dismiss(model, room, connection);
    if (lostMs >= 125_000) end(model, connection);
  }
  for (const room of model.rooms.values()) {
    for (const [connection, sinceMs] of room.typing) {
      if (model.nowMs - sinceMs < 6_000) continue;
      room.typing.delete(connection);
      tellTyping(model, room, connection, false);
    }
  }
}
