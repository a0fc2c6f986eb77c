import { expect } from "vitest";
import { createTextReplica } from "../../../packages/server/src/documents/testing/text-replica.js";
import { isMember, type ModelRoom, type RoomModel, roleIn, usersIn } from "./model.js";
import type { World } from "./world.js";

/** What everybody was told, what every member has of the document, and what the server holds, must be the model's. */
export async function compare(model: RoomModel, world: World): Promise<void> {
  expect(Object.fromEntries(world.told)).toEqual(Object.fromEntries(model.told));
  world.told.clear();
  model.told.clear();
  expect(world.complaints).toEqual([]);
  for (const { index, connection } of model.clients) {
    expect(world.clients[index]?.peer !== null).toBe(connection !== null);
    for (const room of model.rooms.values()) {
      if (connection === null || !isMember(room, connection)) continue;
      expect(world.clients[index]?.replicas.get(room.id)?.text).toBe(room.text ?? "");
    }
  }
  for (const room of model.rooms.values()) await compareRoom(room, world);
  const listed = await world.live.controls.listRooms();
  expect(listed.map(({ room_id: id }) => id).toSorted()).toEqual([...model.rooms.keys()].toSorted());
}

async function compareRoom(room: ModelRoom, { live, names }: World): Promise<void> {
  const info = await live.controls.roomInfo(room.id);
  expect(info?.member_count).toBe(usersIn(room).size);
  const held = live.rooms.get(room.id);
  if (held === undefined) {
    expect(room.present).toEqual([]);
    return;
  }
  expect({
    present: [...held.presence.members()].map((member) => [
      names.connectionOf(member.connectionId),
      member.userId,
    ]),
    members: [...held.fanOut.members].map(({ id }) => names.connectionOf(id)).toSorted(),
    roles: room.present.map(({ userId }) => held.roleOf(userId)),
    banned: held.record.bannedUserIds.toSorted(),
    place: { epoch: names.epochOf(held.log.position.epoch), seq: held.log.position.seq },
  }).toEqual({
    present: room.present.map(({ name, userId }) => [name, userId]),
    members: room.present.flatMap(({ name, life }) => (life === "live" ? [name] : [])).toSorted(),
    roles: room.present.map(({ userId }) => roleIn(room, userId)),
    banned: [...room.banned].toSorted(),
    place: { epoch: room.epoch, seq: room.entries.length },
  });
}

/** However it came to be, the document that the server keeps is the model's. */
export async function compareDocuments(model: RoomModel, { live }: World): Promise<void> {
  for (const room of model.rooms.values()) {
    const held = await live.rooms.open(room.id);
    await held.document.load();
    expect(textOf(held.document.whole())).toBe(room.text);
  }
}

function textOf(state: Uint8Array | null): string | null {
  if (state === null) return null;
  const replica = createTextReplica();
  replica.take(state);
  return replica.text;
}
