import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { RoomPage, RoomRecord } from "../../store.js";
import type { Peer } from "../peer.js";
import { welcome } from "./entrance.js";
import { createLoadedRooms, type LoadedRooms } from "./loaded-rooms.js";
import { createPeerLines, type PeerLines } from "./peer-lines.js";
import { type LeaveReason, type Room, roomNotFound } from "./room.js";
import type { RoomDeps } from "./room-deps.js";
import { countUsers } from "./room-presence.js";
import { infoOf, isRoomId, type NewRoom, type RoomInfo, recordOf } from "./room-record.js";

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
  openFor: LoadedRooms["openFor"];
  /** Where it is in memory. */
  get(roomId: string): Room | undefined;
  /** Throws `room_not_found`, `room_full`, `too_many_rooms`. Settles when the peer was told. */
  join(peer: Peer, roomId: string, options?: JoinOptions): Promise<void>;
  /** Throws `not_in_room`. */
  leave(peer: Peer, roomId: string, reason: LeaveReason, correlationId?: string): Promise<void>;
  /**
   * Does one thing after the other for a peer and a room: what comes meanwhile waits with `settled`. Until it is done
   * the room stays in memory.
   */
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
  list(page: RoomPage): Promise<readonly RoomRecord[]>;
  info(record: RoomRecord): Promise<RoomInfo>;
  readonly activeCount: number;
  /** Those that are in memory. */
  loaded(): Iterable<Room>;
  /** Lets go of rooms that were empty for long enough. For the wheel. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

interface LeaveOptions {
  readonly roomId: string;
  readonly reason: LeaveReason;
  readonly correlationId?: string | undefined;
}

interface JoinOptions {
  readonly invite?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Make it where it is missing, owned by the peer's user. Default `false`. */
  readonly makes?: boolean;
}

export function createRooms(deps: RoomDeps, limits: RoomLimits): Rooms {
  const { broker, store, wheel } = deps;
  const loaded = createLoadedRooms(deps);
  const lines = createPeerLines();
  const create = createMaking(deps, limits, loaded);
  const join = createJoining(limits, loaded, create);
  const leave: Rooms["leave"] = (peer, roomId, reason, correlationId) =>
    leaveRoom(loaded.get(roomId), peer, { roomId, reason, correlationId });

  return {
    create,
    open: loaded.open,
    openFor: loaded.openFor,
    get: loaded.get,
    delete: (roomId) =>
      loaded.delete(roomId, async (room) => {
        for (const peer of [...room.entered]) {
          // Who is on its way is told when it arrives, who is in its grace when it comes back.
          if (room.fanOut.members.has(peer)) await leave(peer, roomId, "deleted");
          else await room.dismiss(peer);
        }
      }),
    join: (peer, roomId, options = {}) => lines.inLine(peer, roomId, () => join(peer, roomId, options)),
    inLine: lines.inLine,
    settled: lines.settled,
    leave,
    idsOf: (peer) => new Set([...peer.roomIds, ...lines.roomIdsOf(peer)]),
    suspend(peer) {
      for (const roomId of peer.roomIds) loaded.get(roomId)?.suspend(peer);
    },
    dismiss(peer) {
      for (const roomId of peer.roomIds) void loaded.get(roomId)?.dismiss(peer);
    },
    abandon(peer) {
      for (const roomId of [...peer.roomIds]) void loaded.get(roomId)?.leave(peer);
    },
    find: (roomId) => store.rooms.get(roomId),
    list: (page) => store.rooms.list(page),
    async info(record) {
      const present = loaded.get(record.id)?.presence.memberCount;
      return infoOf(record, present ?? countUsers(await broker.presence.members(record.id)));
    },
    get activeCount() {
      return loaded.count;
    },
    loaded: loaded.all,
    sweep: () => sweepEmpty(loaded, lines, wheel.now() - limits.emptyRoomMs),
    async close() {
      for (const room of loaded.all()) await loaded.putAway(room);
    },
  };
}

/** Makes rooms one after the other: of two who want the same, or the last that may be made, the second is refused. */
function createMaking(
  { store, counters }: RoomDeps,
  limits: RoomLimits,
  loaded: LoadedRooms,
): Rooms["create"] {
  const make = async (wanted: NewRoom): Promise<RoomRecord> => {
    const record = recordOf(wanted, limits.membersPerRoomCount);
    if (loaded.isDeleting(record.id) || (await store.rooms.get(record.id)) !== null) {
      throw new ProtocolFailure("room_exists", `There is a room "${record.id}" already; choose another id.`);
    }
    if ((await store.rooms.count()) >= limits.roomsCount) {
      throw new ProtocolFailure("too_many_rooms", `There are ${limits.roomsCount} rooms; no more are made.`);
    }
    await store.rooms.put(record);
    counters.roomsCreated++;
    return record;
  };
  let making: Promise<unknown> = Promise.resolve();
  return (wanted) => {
    const made = making.then(() => make(wanted));
    making = made.catch(() => undefined);
    return made;
  };
}

function createJoining(
  { roomsPerConnectionCount }: RoomLimits,
  loaded: LoadedRooms,
  create: Rooms["create"],
) {
  /** The room; made where that is wanted and it is missing, by one of several who come at once. */
  const openOrMake = async (
    peer: Peer,
    roomId: string,
    { invite, makes = false }: JoinOptions,
  ): Promise<Room> => {
    try {
      return await loaded.openFor("join", peer, roomId, invite);
    } catch (error) {
      if (!makes || !hasCode(error, "room_not_found")) throw error;
    }
    try {
      await create({ id: roomId, ownerId: peer.user.id });
    } catch (error) {
      if (!hasCode(error, "room_exists")) throw error;
    }
    return await loaded.openFor("join", peer, roomId, invite);
  };
  /** The rooms that a peer is about to be in. */
  const entering = new WeakMap<Peer, Set<string>>();
  const enter = async (peer: Peer, roomId: string, options: JoinOptions): Promise<Room> => {
    const room = await openOrMake(peer, roomId, options);
    await room.enter(peer, options.invite);
    return room;
  };
  const join = async (peer: Peer, roomId: string, options: JoinOptions): Promise<void> => {
    if (!isRoomId(roomId)) throw roomNotFound(roomId.slice(0, WIRE_LIMITS.maxIdCharacters));
    const ownEntering = entering.get(peer) ?? new Set();
    if (new Set([...peer.roomIds, ...ownEntering, roomId]).size > roomsPerConnectionCount) {
      throw new ProtocolFailure(
        "too_many_rooms",
        `A connection may be in ${roomsPerConnectionCount} rooms; leave one first.`,
      );
    }
    entering.set(peer, ownEntering.add(roomId));
    const room = await enter(peer, roomId, options).finally(() => ownEntering.delete(roomId));
    if (loaded.get(roomId) === room) return welcome(room, peer, options.correlationId);
    // It was deleted while the peer entered.
    await room.leave(peer);
    await join(peer, roomId, options);
  };
  return join;
}

function hasCode(error: unknown, code: "room_not_found" | "room_exists"): boolean {
  return error instanceof ProtocolFailure && error.code === code;
}

async function leaveRoom(
  room: Room | undefined,
  peer: Peer,
  { roomId, reason, correlationId }: LeaveOptions,
): Promise<void> {
  // Also who is on the way back: it may go on with leaving what it began to leave before it was lost.
  if (room === undefined || !room.entered.has(peer)) {
    throw new ProtocolFailure("not_in_room", `You are not in the room "${roomId}".`);
  }
  const left = room.leave(peer);
  peer.send("leave_room", { room_id: roomId, reason }, { correlationId });
  await left;
}

async function sweepEmpty(loaded: LoadedRooms, lines: PeerLines, oldestMs: number): Promise<void> {
  for (const room of loaded.all()) {
    const { emptySinceMs } = room.presence;
    const isDue = emptySinceMs !== null && emptySinceMs <= oldestMs;
    if (isDue && room.isIdle && !lines.isBusy(room.id)) await loaded.putAway(room);
  }
}
