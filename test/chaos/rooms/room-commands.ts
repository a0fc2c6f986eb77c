import fc from "fast-check";
import { expect } from "vitest";
import { client, clientOf, command, request, roomId, userId } from "./command.js";
import * as rules from "./rules.js";

export const join = request(
  "join_room",
  fc.record({ client, roomId, invite: fc.constantFrom("none", "wrong", "right", "right") }),
  {
    payload({ roomId: id, invite }, { names }) {
      if (invite === "none") return {};
      return { invite: invite === "right" ? (names.invites.get(id) ?? "none") : "wrong" };
    },
    predict: (model, asked, { invite }) => rules.join(model, asked, invite === "right"),
  },
);

export const leave = request("leave_room", fc.record({ client, roomId }), {
  payload: () => ({}),
  predict: rules.leave,
});

/** Under a new id, or under one that the user has used in one of the rooms. */
export const publish = request(
  "room_message",
  fc.record({ client, roomId, repeats: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.nat(14)) }),
  {
    idOf(model, { client: index, roomId: id, repeats }) {
      const { userId: user } = clientOf(model, index);
      const entries = model.rooms.get(id)?.entries ?? [];
      const own = entries.filter((entry) => entry.kind === "message" && entry.userId === user);
      const before = repeats === null ? undefined : own.at(-1 - repeats);
      return before?.id ?? `message ${++model.requestsCount}`;
    },
    payload: (_args, _world, id) => ({ message: id }),
    predict: rules.publish,
  },
);

export const typing = request("typing_indicator", fc.record({ client, roomId, isTyping: fc.boolean() }), {
  payload: ({ isTyping }) => ({ is_typing: isTyping }),
  predict: (model, asked, { isTyping }) => rules.setTyping(model, asked, isTyping),
});

export const changeMember = request(
  "room_member_update",
  fc.record({
    ...{ client, roomId, userId },
    action: fc.constantFrom("role", "role", "kick", "ban", "unban"),
    role: fc.constantFrom("owner", "editor", "viewer"),
  }),
  {
    payload: ({ userId: user, action, role }) => ({
      user_id: user,
      action,
      ...(action === "role" ? { role } : {}),
    }),
    predict: rules.changeMember,
  },
);

export const create = command(
  "create",
  fc.record({
    ...{ id: roomId, ownerId: userId, isPublic: fc.boolean() },
    maxUsersCount: fc.integer({ min: 1, max: 4 }),
    defaultRole: fc.constantFrom("editor", "editor", "viewer"),
  }),
  {
    isPossible: () => true,
    async take(model, world, room) {
      const code = rules.create(model, room);
      expect(await world.createRoom(room, model.rooms.get(room.id)?.epoch ?? "")).toBe(code);
    },
  },
);

export const remove = command("delete", fc.record({ roomId }), {
  isPossible: () => true,
  async take(model, world, { roomId: id }) {
    const code = rules.remove(model, id);
    expect(await world.deleteRoom(id)).toBe(code);
  },
});
