import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { RoomRecord, RoomRole } from "../../store.js";
import type { Peer } from "../peer.js";
import { mayDo } from "../policy.js";
import { welcome } from "./entrance.js";
import { newInvite } from "./invitations.js";
import { type LeaveReason, Room, roomNotFound } from "./room.js";
import type { RoomDeps } from "./room-deps.js";
import { countUsers } from "./room-presence.js";

export interface NewRoom {
  readonly id: string;
  /** Default: the id. */
  readonly name?: string;
  readonly ownerId?: string | null;
  /** Users. Default 50. */
  readonly maxMembersCount?: number;
  readonly isPublic?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Of those who have none of their own. Default `editor`. */
  readonly defaultRole?: RoomRole;
}

export interface RoomLimits {
  readonly roomsCount: number;
  readonly roomsPerConnectionCount: number;
  readonly membersPerRoomCount: number;
  /** How long a room without members stays in memory. */
  readonly emptyRoomMs: number;
}

/** The rooms that there are, and those of them that are in memory. */
export interface Rooms {
  /** Throws `bad_request`, `room_exists`, `too_many_rooms`. */
  create(room: NewRoom): Promise<RoomRecord>;
  /** Puts everybody out and forgets it with its log. Throws `room_not_found`. */
  delete(roomId: string): Promise<void>;
  /** Throws `room_not_found`. */
  open(roomId: string): Promise<Room>;
  /**
   * For a peer that is in the room or may do this from outside; else throws `room_not_found`. What is refused and what
   * is absent cost the same: one look into the store.
   */
  openFor(verb: "join" | "readHistory", peer: Peer, roomId: string, invite?: string): Promise<Room>;
  /** Where it is in memory. */
  get(roomId: string): Room | undefined;
  /** Throws `room_not_found`, `room_full`, `too_many_rooms`. Settles when the peer was told. */
  join(peer: Peer, roomId: string, options?: JoinOptions): Promise<void>;
  /** Throws `not_in_room`. */
  leave(peer: Peer, roomId: string, reason: LeaveReason, correlationId?: string): Promise<void>;
  /** Does one thing after the other for a peer and a room: what comes meanwhile waits with `settled`. */
  inLine(peer: Peer, roomId: string, work: () => Promise<void>): Promise<void>;
  /** Settles when nothing is under way for the peer and the room; `undefined` where nothing is. */
  settled(peer: Peer, roomId: string): Promise<unknown> | undefined;
  /** The rooms that the peer is in, or on its way to. */
  idsOf(peer: Peer): ReadonlySet<string>;
  /** The peer lost its socket. */
  suspend(peer: Peer): void;
  /** Its grace is over. */
  dismiss(peer: Peer): void;
  /** It is gone. */
  abandon(peer: Peer): void;
  /** Whether in memory or not. */
  find(roomId: string): Promise<RoomRecord | null>;
  list(page: { readonly offset: number; readonly limit: number }): Promise<readonly RoomRecord[]>;
  info(record: RoomRecord): Promise<RoomInfo>;
  readonly activeCount: number;
  /** Those that are in memory. */
  loaded(): Iterable<Room>;
  /** Lets go of rooms that were empty for long enough. For the wheel. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

interface JoinOptions {
  readonly invite?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Make it where it is missing, owned by the peer's user. Default `false`. */
  readonly makes?: boolean;
}

/** As REST tells it. */
export interface RoomInfo {
  readonly room_id: string;
  readonly name: string;
  readonly owner_id: string | null;
  readonly created_at: string;
  readonly member_count: number;
  readonly max_members: number;
  readonly is_public: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const ROOM_ID = new RegExp(`^[A-Za-z0-9_-]{1,${WIRE_LIMITS.maxIdCharacters}}$`);

export function createRooms(deps: RoomDeps, limits: RoomLimits): Rooms {
  const { broker, store, counters, wheel } = deps;
  const rooms = new Map<string, Room>();
  const opening = new Map<string, Promise<Room>>();
  const deleting = new Set<string>();
  /** What is under way for a peer and a room. */
  const lines = new Map<Peer, Map<string, Promise<void>>>();

  const load = async (roomId: string): Promise<Room> => {
    const record = await store.rooms.get(roomId);
    if (record === null) throw roomNotFound(roomId);
    const present = await broker.presence.members(roomId);
    const head = await broker.logs.head(`room:${roomId}`);
    const room = new Room(record, head, present, deps);
    rooms.set(roomId, room);
    return room;
  };
  const open = (roomId: string): Promise<Room> => {
    // Its record is still there, and would be opened once more.
    if (deleting.has(roomId)) return Promise.reject(roomNotFound(roomId));
    const room = rooms.get(roomId);
    if (room !== undefined) return Promise.resolve(room);
    const under = opening.get(roomId) ?? load(roomId).finally(() => opening.delete(roomId));
    opening.set(roomId, under);
    return under;
  };

  const openFor: Rooms["openFor"] = async (verb, peer, roomId, invite) => {
    const room = deleting.has(roomId) ? undefined : rooms.get(roomId);
    if (room?.admits(verb, peer, invite) === true) return room;
    const record = await store.rooms.get(roomId);
    const isAdmitted = room === undefined && record !== null && mayDo(verb, record, peer.user, invite);
    if (!isAdmitted) throw roomNotFound(roomId);
    return open(roomId);
  };

  const make = async (wanted: NewRoom): Promise<RoomRecord> => {
    const record = recordOf(wanted, limits);
    if (deleting.has(record.id) || (await store.rooms.get(record.id)) !== null) {
      throw new ProtocolFailure("room_exists", `There is a room "${record.id}" already; choose another id.`);
    }
    if ((await store.rooms.count()) >= limits.roomsCount) {
      throw new ProtocolFailure("too_many_rooms", `There are ${limits.roomsCount} rooms; no more are made.`);
    }
    await store.rooms.put(record);
    counters.roomsCreated++;
    return record;
  };
  /** One after the other: of two who want the same room, or the last that may be made, the second is refused. */
  let making: Promise<unknown> = Promise.resolve();
  const create = (wanted: NewRoom): Promise<RoomRecord> => {
    const made = making.then(() => make(wanted));
    making = made.catch(() => undefined);
    return made;
  };

  /** The room; made where that is wanted and it is missing, by one of several who come at once. */
  const openOrMake = async (
    peer: Peer,
    roomId: string,
    { invite, makes = false }: JoinOptions,
  ): Promise<Room> => {
    try {
      return await openFor("join", peer, roomId, invite);
    } catch (error) {
      if (!makes || !(error instanceof ProtocolFailure) || error.code !== "room_not_found") throw error;
    }
    try {
      await create({ id: roomId, ownerId: peer.user.id });
    } catch (error) {
      if (!(error instanceof ProtocolFailure) || error.code !== "room_exists") throw error;
    }
    return await openFor("join", peer, roomId, invite);
  };

  const join = async (peer: Peer, roomId: string, options: JoinOptions): Promise<void> => {
    if (!ROOM_ID.test(roomId)) throw roomNotFound(roomId.slice(0, WIRE_LIMITS.maxIdCharacters));
    if (peer.roomIds.size >= limits.roomsPerConnectionCount && !peer.roomIds.has(roomId)) {
      throw new ProtocolFailure(
        "too_many_rooms",
        `A connection may be in ${limits.roomsPerConnectionCount} rooms; leave one first.`,
      );
    }
    const room = await openOrMake(peer, roomId, options);
    await room.enter(peer, options.invite);
    if (rooms.get(roomId) === room) return welcome(room, peer, options.correlationId);
    // It was deleted or put away while the peer entered.
    await room.leave(peer);
    await join(peer, roomId, options);
  };

  const remove = async (room: Room): Promise<void> => {
    if (rooms.get(room.id) === room) rooms.delete(room.id);
    await room.close();
  };

  const registry: Rooms = {
    create,
    open,
    openFor,
    get: (roomId) => rooms.get(roomId),
    async delete(roomId) {
      const room = await open(roomId);
      if (deleting.has(roomId)) throw roomNotFound(roomId);
      deleting.add(roomId);
      try {
        room.discard();
        for (const peer of [...room.entered]) {
          // Who is on its way is told when it arrives, who is in its grace when it comes back.
          if (room.fanOut.members.has(peer)) await registry.leave(peer, roomId, "deleted");
          else await room.dismiss(peer);
        }
        room.entered.clear();
        rooms.delete(roomId);
        await store.rooms.delete(roomId);
        await store.history.deleteRoom(roomId);
        await broker.logs.delete(`room:${roomId}`);
      } finally {
        deleting.delete(roomId);
      }
    },
    join: (peer, roomId, options = {}) => registry.inLine(peer, roomId, () => join(peer, roomId, options)),
    inLine(peer, roomId, work) {
      const line = lines.get(peer) ?? new Map<string, Promise<void>>();
      lines.set(peer, line);
      const before = line.get(roomId)?.catch(() => undefined) ?? Promise.resolve();
      const under = before.then(work).finally(() => {
        if (line.get(roomId) === under) line.delete(roomId);
        if (line.size === 0) lines.delete(peer);
      });
      line.set(roomId, under);
      return under;
    },
    settled: (peer, roomId) =>
      lines
        .get(peer)
        ?.get(roomId)
        ?.catch(() => undefined),
    async leave(peer, roomId, reason, correlationId) {
      const room = rooms.get(roomId);
      if (room === undefined || !room.fanOut.members.has(peer)) {
        throw new ProtocolFailure("not_in_room", `You are not in the room "${roomId}".`);
      }
      const left = room.leave(peer);
      peer.send("leave_room", { room_id: roomId, reason }, { correlationId });
      await left;
    },
    idsOf: (peer) => new Set([...peer.roomIds, ...(lines.get(peer)?.keys() ?? [])]),
    suspend(peer) {
      for (const roomId of peer.roomIds) rooms.get(roomId)?.suspend(peer);
    },
    dismiss(peer) {
      for (const roomId of peer.roomIds) void rooms.get(roomId)?.dismiss(peer);
    },
    abandon(peer) {
      for (const roomId of [...peer.roomIds]) void rooms.get(roomId)?.leave(peer);
    },
    find: (roomId) => store.rooms.get(roomId),
    list: (page) => store.rooms.list(page),
    async info(record) {
      const members =
        rooms.get(record.id)?.presence.memberCount ?? countUsers(await broker.presence.members(record.id));
      return {
        room_id: record.id,
        name: record.name,
        owner_id: record.ownerId,
        created_at: new Date(record.createdAtMs).toISOString(),
        member_count: members,
        max_members: record.maxMembersCount,
        is_public: record.isPublic,
        metadata: record.metadata,
      };
    },
    get activeCount() {
      return rooms.size;
    },
    loaded: () => rooms.values(),
    async sweep() {
      const oldest = wheel.now() - limits.emptyRoomMs;
      for (const room of [...rooms.values()]) {
        const { emptySinceMs } = room.presence;
        if (room.isIdle && (emptySinceMs ?? Number.POSITIVE_INFINITY) <= oldest) await remove(room);
      }
    },
    async close() {
      for (const room of [...rooms.values()]) await remove(room);
    },
  };
  return registry;
}

/** Throws `bad_request`. */
function recordOf(room: NewRoom, limits: RoomLimits): RoomRecord {
  const {
    id,
    name = id,
    maxMembersCount = limits.membersPerRoomCount,
    isPublic = true,
    metadata = {},
  } = room;
  if (!ROOM_ID.test(id)) {
    throw new ProtocolFailure(
      "bad_request",
      `A room_id has 1 to ${WIRE_LIMITS.maxIdCharacters} letters, digits, "_" and "-".`,
    );
  }
  if (name.length > SERVER_LIMITS.maxRoomNameCharacters) {
    throw new ProtocolFailure(
      "bad_request",
      `The name of a room has at most ${SERVER_LIMITS.maxRoomNameCharacters} characters.`,
    );
  }
  const most = Math.max(limits.membersPerRoomCount, SERVER_LIMITS.maxMembersPerRoomCount);
  if (!Number.isInteger(maxMembersCount) || maxMembersCount < 1 || maxMembersCount > most) {
    throw new ProtocolFailure("bad_request", `max_members is a whole number from 1 to ${most}.`);
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > SERVER_LIMITS.maxRoomMetadataBytes) {
    throw new ProtocolFailure(
      "bad_request",
      `The metadata of a room has at most ${SERVER_LIMITS.maxRoomMetadataBytes} bytes as JSON.`,
    );
  }
  return {
    id,
    name,
    ownerId: room.ownerId ?? null,
    createdAtMs: Date.now(),
    maxMembersCount,
    isPublic,
    metadata,
    roles: {},
    defaultRole: room.defaultRole ?? "editor",
    bannedUserIds: [],
    invite: isPublic ? null : newInvite(),
  };
}
