/** What a room promises, as plainly as it can be said: who is in it, who may do what, and what each is told. */

export type ModelRole = "owner" | "editor" | "viewer";
export type MemberAction = "role" | "kick" | "ban" | "unban";

/** A message as a client gets it, without what differs from run to run. */
export interface Told {
  readonly type: string;
  readonly [fact: string]: unknown;
}

export interface NewModelRoom {
  readonly id: string;
  readonly ownerId: string;
  readonly isPublic: boolean;
  readonly maxUsersCount: number;
  readonly defaultRole: ModelRole;
}

interface ModelEntry {
  readonly kind: "message" | "document";
  readonly id: string;
  readonly userId: string;
  readonly connection: string;
}

export interface ModelConnection {
  readonly name: string;
  readonly userId: string;
  readonly clientIndex: number;
  /** `lost`: without a socket, and it may come back. */
  life: "live" | "lost" | "gone";
  lostAtMs: number;
  /** Where it is, or was when it was lost. */
  readonly roomIds: Set<string>;
}

export interface ModelRoom extends NewModelRoom {
  /** Stands for the epoch. */
  readonly epoch: string;
  readonly roles: Map<string, ModelRole>;
  readonly banned: Set<string>;
  /** An entry's `seq` is its index and one. */
  readonly entries: ModelEntry[];
  /** Of the document; `null` while nobody has edited it. */
  text: string | null;
  /** In the order of their coming; those in their grace are among them. */
  present: ModelConnection[];
  /** Who may come back without an invitation. */
  readonly entered: Set<ModelConnection>;
  /** Who types, and since when. */
  readonly typing: Map<ModelConnection, number>;
}

export interface ModelPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** One of those who use the server, over one connection at a time. */
export interface ModelClient {
  readonly index: number;
  readonly userId: string;
  connection: ModelConnection | null;
  /** The connection that its token is for. */
  session: ModelConnection | null;
  /** How many tokens it had of this session. */
  tokensCount: number;
  /** Where it was in its rooms when it was lost. */
  remembered: ReadonlyMap<string, ModelPosition>;
}

export interface RoomModel {
  nowMs: number;
  readonly retainedCount: number;
  readonly rooms: Map<string, ModelRoom>;
  readonly clients: readonly ModelClient[];
  readonly connections: Set<ModelConnection>;
  connectionsCount: number;
  livesCount: number;
  requestsCount: number;
  commandsCount: number;
  /** What the last command made the server say, by client and room. */
  told: Map<string, Told[]>;
}

export function createRoomModel(userIds: readonly string[], retainedCount: number): RoomModel {
  return {
    nowMs: 0,
    retainedCount,
    rooms: new Map(),
    clients: userIds.map((userId, index) => ({
      ...{ index, userId, connection: null, session: null, tokensCount: 0, remembered: new Map() },
    })),
    connections: new Set(),
    connectionsCount: 0,
    livesCount: 0,
    requestsCount: 0,
    commandsCount: 0,
    told: new Map(),
  };
}

export function tell(
  model: RoomModel,
  { life, clientIndex }: ModelConnection,
  roomId: string | null,
  told: Told,
): void {
  if (life !== "live") return;
  const key = toldKey(clientIndex, roomId);
  model.told.set(key, [...(model.told.get(key) ?? []), told]);
}

/** Between rooms, and what is about none, no order is promised. */
export function toldKey(clientIndex: number, roomId: string | null): string {
  return `${clientIndex} ${roomId ?? "-"}`;
}

export function tellAll(model: RoomModel, room: ModelRoom, told: Told, except?: ModelConnection): void {
  for (const member of room.present) if (member !== except) tell(model, member, room.id, told);
}

export function refuse(model: RoomModel, to: ModelConnection, roomId: string, request: string, code: string) {
  tell(model, to, null, { type: "error_message", code, room: roomId, to: request });
}

export function isMember(room: ModelRoom | undefined, connection: ModelConnection): room is ModelRoom {
  return room?.present.includes(connection) === true && connection.life === "live";
}

export function roleIn(room: ModelRoom, userId: string): ModelRole {
  return userId === room.ownerId ? "owner" : (room.roles.get(userId) ?? room.defaultRole);
}

export function usersIn(room: ModelRoom): ReadonlySet<string> {
  return new Set(room.present.map(({ userId }) => userId));
}

/** What `join_room` and `room_state` tell. */
export function entranceOf(room: ModelRoom, { userId }: ModelConnection) {
  const role = roleIn(room, userId);
  return {
    count: usersIn(room).size,
    members: room.present.map((member) => [member.name, member.userId, roleIn(room, member.userId)]),
    role,
    owner: room.ownerId,
    isPublic: room.isPublic,
    max: room.maxUsersCount,
    epoch: room.epoch,
    seq: room.entries.length,
    isInviteTold: !room.isPublic && role !== "viewer",
  };
}

export function tellDocument(model: RoomModel, room: ModelRoom, to: ModelConnection): void {
  const { text, epoch, entries } = room;
  if (text === null) return;
  const author = { user: "sparql-live", connection: "server" };
  tell(model, to, room.id, {
    ...{ type: "document_update", ...author, whole: true, text, epoch, seq: entries.length },
  });
}

/** The code of the refusal, or `null` where the connection is in. */
export function enter(
  model: RoomModel,
  connection: ModelConnection,
  room: ModelRoom,
  isInvited: boolean,
): "room_not_found" | "room_full" | null {
  const { userId } = connection;
  const isKnown = room.isPublic || userId === room.ownerId || room.roles.has(userId);
  if (room.banned.has(userId) || !(isKnown || isInvited || room.entered.has(connection)))
    return "room_not_found";
  if (!room.present.includes(connection)) {
    const users = usersIn(room);
    if (!users.has(userId) && users.size >= room.maxUsersCount) {
      room.entered.delete(connection);
      return "room_full";
    }
    room.present.push(connection);
    tellPresence(model, room, connection, "user_joined");
  }
  room.entered.add(connection);
  connection.roomIds.add(room.id);
  return null;
}

/** It is away, and the others are told; it may still come back. */
export function dismiss(model: RoomModel, room: ModelRoom, connection: ModelConnection): void {
  room.typing.delete(connection);
  if (!room.present.includes(connection)) return;
  room.present = room.present.filter((member) => member !== connection);
  tellPresence(model, room, connection, "user_left");
}

export function putOut(model: RoomModel, room: ModelRoom, connection: ModelConnection): void {
  dismiss(model, room, connection);
  room.entered.delete(connection);
  connection.roomIds.delete(room.id);
}

function tellPresence(
  model: RoomModel,
  room: ModelRoom,
  { name, userId }: ModelConnection,
  type: "user_joined" | "user_left",
): void {
  const told = { type, connection: name, user: userId, count: usersIn(room).size };
  const except = room.present.find((member) => member.name === name);
  tellAll(model, room, told, except);
}

/** An entry as a connection gets it, live and in a replay. */
export function entryFor(room: ModelRoom, seq: number, to: ModelConnection): Told | null {
  const entry = room.entries[seq - 1];
  if (entry === undefined) return null;
  const place = { epoch: room.epoch, seq };
  if (entry.connection === to.name) return { type: "ack", id: entry.id, to: entry.id, ...place };
  if (entry.kind === "message")
    return { type: "room_message", user: entry.userId, message: entry.id, ...place };
  return { type: "document_update", user: entry.userId, connection: entry.connection, ...place };
}

/** Takes the next place in the room's order. */
export function append(model: RoomModel, room: ModelRoom, entry: ModelEntry): void {
  const seq = room.entries.push(entry);
  for (const member of room.present) {
    const told = entryFor(room, seq, member);
    if (told !== null) tell(model, member, room.id, told);
  }
}

/** Of the oldest entry that is kept. */
export function firstSeqOf({ entries }: ModelRoom, { retainedCount }: RoomModel): number {
  return Math.max(1, entries.length - retainedCount + 1);
}
