import type { Presence, PresenceChange, PresenceMember } from "../../broker.js";
import { createFollowers, type Followers } from "../followers.js";

interface Room {
  /** By connection, in the order of entering. */
  readonly members: Map<string, PresenceMember>;
  /** Connections of each user. */
  readonly users: Map<string, number>;
  readonly followers: Followers<[PresenceChange]>;
}

/** Everything happens within the call, so that counting and entering are one. */
export function createMemoryPresence(onFault: (error: unknown) => void): Presence {
  const rooms = new Map<string, Room>();

  const open = (name: string): Room => {
    const known = rooms.get(name);
    if (known !== undefined) return known;
    const room: Room = { members: new Map(), users: new Map(), followers: createFollowers(onFault) };
    rooms.set(name, room);
    return room;
  };
  const forgetEmpty = (name: string, room: Room) => {
    const empty = room.members.size === 0 && room.followers.count === 0;
    if (empty && rooms.get(name) === room) rooms.delete(name);
  };
  const remove = (room: Room, member: PresenceMember) => {
    const left = (room.users.get(member.userId) ?? 1) - 1;
    room.members.delete(member.connectionId);
    if (left === 0) room.users.delete(member.userId);
    else room.users.set(member.userId, left);
    room.followers.tell({ kind: "left", member, memberCount: room.users.size });
  };
  const outcome = (room: Room) =>
    ({ entered: true, members: [...room.members.values()], memberCount: room.users.size }) as const;

  return {
    async enter(name, member, maxUsersCount) {
      const room = open(name);
      const { connectionId, userId } = member;
      const present = room.members.get(connectionId);
      if (present?.userId === userId) {
        room.members.set(connectionId, member);
        return outcome(room);
      }
      if (present !== undefined) remove(room, present);
      const connections = room.users.get(userId) ?? 0;
      if (connections === 0 && room.users.size >= maxUsersCount) {
        forgetEmpty(name, room);
        return { entered: false, reason: "full" };
      }
      room.members.set(connectionId, member);
      room.users.set(userId, connections + 1);
      const entered = outcome(room);
      room.followers.tell({ kind: "entered", member, memberCount: entered.memberCount });
      return entered;
    },
    async leave(name, connectionId) {
      const room = rooms.get(name);
      const member = room?.members.get(connectionId);
      if (room === undefined || member === undefined) return;
      remove(room, member);
      forgetEmpty(name, room);
    },
    members: async (name) => [...(rooms.get(name)?.members.values() ?? [])],
    follow(name, listener) {
      const room = open(name);
      const stop = room.followers.add(listener);
      return () => {
        stop();
        forgetEmpty(name, room);
      };
    },
  };
}
