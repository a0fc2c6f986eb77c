import type { Peer } from "../peer.js";
import { mayDo } from "../policy.js";
import { Room, roomNotFound } from "./room.js";
import type { RoomDeps } from "./room-deps.js";

/** The rooms that are in memory. */
export interface LoadedRooms {
  /** Throws `room_not_found`. */
  open(roomId: string): Promise<Room>;
  /**
   * For a peer that is in the room or may do this from outside; else throws `room_not_found`. What is refused and what
   * is absent cost the same: one look into the store.
   */
  openFor(verb: "join" | "readHistory", peer: Peer, roomId: string, invite?: string): Promise<Room>;
  get(roomId: string): Room | undefined;
  all(): readonly Room[];
  readonly count: number;
  isDeleting(roomId: string): boolean;
  /** Opens it, lets `putOut` part with who is in it, and forgets it with its log. Throws `room_not_found`. */
  delete(roomId: string, putOut: (room: Room) => Promise<void>): Promise<void>;
  /** Stores what is to be stored of it. */
  putAway(room: Room): Promise<void>;
}

export function createLoadedRooms(deps: RoomDeps): LoadedRooms {
  const { broker, store } = deps;
  const rooms = new Map<string, Room>();
  const opening = new Map<string, Promise<Room>>();
  const deleting = new Set<string>();

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

  const openFor: LoadedRooms["openFor"] = async (verb, peer, roomId, invite) => {
    const room = deleting.has(roomId) ? undefined : rooms.get(roomId);
    if (room?.admits(verb, peer, invite) === true) return room;
    const record = await store.rooms.get(roomId);
    const isAdmitted = room === undefined && record !== null && mayDo(verb, record, peer.user, invite);
    if (!isAdmitted) throw roomNotFound(roomId);
    const opened = await open(roomId);
    // Its record may have changed meanwhile.
    if (!opened.admits(verb, peer, invite)) throw roomNotFound(roomId);
    return opened;
  };

  return {
    open,
    openFor,
    get: (roomId) => rooms.get(roomId),
    all: () => [...rooms.values()],
    get count() {
      return rooms.size;
    },
    isDeleting: (roomId) => deleting.has(roomId),
    async delete(roomId, putOut) {
      const room = await open(roomId);
      if (deleting.has(roomId)) throw roomNotFound(roomId);
      deleting.add(roomId);
      try {
        room.discard();
        await putOut(room);
        room.entered.clear();
        rooms.delete(roomId);
        await store.rooms.delete(roomId);
        await store.history.deleteRoom(roomId);
        await store.endpoints.deleteRoom(roomId);
        await broker.logs.delete(`room:${roomId}`);
      } finally {
        deleting.delete(roomId);
      }
    },
    async putAway(room) {
      if (rooms.get(room.id) === room) rooms.delete(room.id);
      await room.close();
    },
  };
}
