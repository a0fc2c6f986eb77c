import fc from "fast-check";
import { expect, test } from "vitest";
import { EFFORT } from "../support/effort.js";
import { printFigures } from "../support/figures.js";
import { connectionOf, ROOM_IDS, type RoomCommand, USER_IDS } from "./rooms/command.js";
import { compare, compareDocuments } from "./rooms/comparison.js";
import * as connections from "./rooms/connection-commands.js";
import * as documents from "./rooms/document-commands.js";
import { createRoomModel, type NewModelRoom, type RoomModel } from "./rooms/model.js";
import * as rooms from "./rooms/room-commands.js";
import * as rules from "./rooms/rules.js";
import { openWorld, RETAINED_COUNT, type World } from "./rooms/world.js";

const MAX_COMMANDS_COUNT = 40;
const FIRST_ROOMS: readonly NewModelRoom[] = [
  { id: "red", ownerId: "ada", isPublic: true, maxUsersCount: 3, defaultRole: "editor" },
  { id: "den", ownerId: "bob", isPublic: false, maxUsersCount: 3, defaultRole: "editor" },
];

const FIRST_MEMBERS = [0, 1, 3] as const;

/** As often as they stand here in proportion. */
const COMMANDS: readonly (readonly [weight: number, command: fc.Arbitrary<RoomCommand>])[] = [
  [10, rooms.join],
  [8, rooms.publish],
  [6, connections.resume],
  [5, rooms.changeMember],
  [5, documents.edit],
  [4, connections.lose],
  [3, connections.pass],
  [2, connections.connect],
  [2, rooms.leave],
  [2, rooms.typing],
  [2, documents.editTogether],
  [2, documents.editBadly],
  [1, connections.close],
  [1, rooms.create],
  [1, rooms.remove],
];

const TITLE =
  "[ROOM-2] [ROOM-3] [ROOM-4] [ROOM-5] [ROOM-6] [ROOM-8] [ROOM-9] [ROOM-10] [ROOM-13] [ROOM-14] [PRESENCE-1] " +
  "[PRESENCE-2] [PRESENCE-3] [PRESENCE-4] [RESUME-1] [RESUME-3] [RESUME-4] [RESUME-5] [RESUME-6] [RESUME-7] [RESUME-9] " +
  "[RESUME-11] [DOC-1] [DOC-2] [DOC-3] [DOC-4] whatever is done in rooms, they do what the plainest model does";

test(TITLE, { timeout: EFFORT.timeoutMs }, async () => {
  const beganAtMs = Date.now();
  const seed = process.env.CHAOS_SEED === undefined ? EFFORT.firstSeed : Number(process.env.CHAOS_SEED);
  let commandsCount = 0;
  const anyCommands = fc.commands(
    COMMANDS.flatMap(([weight, command]) => Array.from({ length: weight }, () => command)),
    { maxCommands: MAX_COMMANDS_COUNT, size: "max" },
  );
  const property = fc.asyncProperty(anyCommands, async (commands) => {
    commandsCount += await runCommands(commands);
  });
  await fc.assert(property, { seed, numRuns: EFFORT.modelRuns });
  printFigures(`rooms against their model, seed ${seed}`, {
    ...{ runs: EFFORT.modelRuns, commands: commandsCount, ms: Date.now() - beganAtMs },
  });
});

/** Returns how many were done. */
async function runCommands(commands: Iterable<RoomCommand>): Promise<number> {
  const world = await openWorld(USER_IDS);
  const model = createRoomModel(USER_IDS, RETAINED_COUNT);
  try {
    await begin(model, world);
    await fc.asyncModelRun(() => ({ model, real: world }), commands);
    await compareDocuments(model, world);
    return model.commandsCount;
  } finally {
    await world.end();
  }
}

/** Everybody is there, and some are in both rooms: from here on most of what is tried may succeed. */
async function begin(model: RoomModel, world: World): Promise<void> {
  for (const room of FIRST_ROOMS) {
    rules.create(model, room);
    expect(await world.createRoom(room, model.rooms.get(room.id)?.epoch ?? "")).toBe(null);
  }
  for (const client of model.clients) {
    rules.connect(model, client);
    world.connect(client.index);
    await world.settle();
  }
  await compare(model, world);
  for (const client of FIRST_MEMBERS) {
    for (const roomId of ROOM_IDS) {
      const id = `join ${roomId}`;
      const invite = world.names.invites.get(roomId) ?? "none";
      rules.join(model, { by: connectionOf(model, client), roomId, id }, true);
      world.send(client, "join_room", { room_id: roomId, invite }, id);
      await world.settle();
      await compare(model, world);
    }
  }
}
