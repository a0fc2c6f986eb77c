import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { createMemoryStorage } from "../../memory-storage.js";
import { createGate } from "../../testing/gate.js";
import { openMemoryLive } from "../../testing/memory-live.js";

const PATIENCE = { timeout: 20_000 };

/** A server with the rooms `lab` and `other`, whose first entrance into `lab` stands still until the gate opens. */
async function openGated() {
  const gate = createGate();
  const storage = createMemoryStorage();
  const { presence } = storage.broker;
  const broker: typeof storage.broker = {
    ...storage.broker,
    presence: {
      ...presence,
      async enter(room, member, maxUsersCount) {
        if (room === "lab") await gate.pass();
        return presence.enter(room, member, maxUsersCount);
      },
    },
  };
  const { live, connect } = await openMemoryLive(null, {
    storage: { broker, store: storage.store },
    emptyRoomMs: 1,
  });
  for (const id of ["lab", "other"]) await live.rooms.create({ id });
  const changes: string[] = [];
  presence.follow("lab", ({ kind, member }) => changes.push(`${kind} ${member.userId}`));
  return {
    live,
    connect,
    gate,
    changes,
    /** Sweeps until a room that was opened later than `lab` has gone. */
    async sweepPastOthers() {
      await live.rooms.open("other");
      await expect
        .poll(async () => {
          await live.rooms.sweep();
          return live.rooms.get("other");
        }, PATIENCE)
        .toBeUndefined();
    },
  };
}

const has = (messages: readonly ServerMessage[], type: ServerMessage["type"]) =>
  messages.some((message) => message.type === type);

test("[ROOM-16] a room is not put away while somebody is on the way into it", {
  timeout: 60_000,
}, async () => {
  const { live, connect, gate, changes, sweepPastOthers } = await openGated();
  const ada = connect("ada");
  ada.send("join_room", { room_id: "lab" });
  await gate.reached;
  const room = live.rooms.get("lab");
  expect(room?.presence.memberCount).toBe(0);
  await sweepPastOthers();
  expect(live.rooms.get("lab")).toBe(room);
  gate.open();
  await expect.poll(() => has(ada.messages(), "join_room"), PATIENCE).toBe(true);
  expect(changes).toEqual(["entered ada"]);
  expect(live.rooms.get("lab")).toBe(room);
  await live.close();
});

test("[ROOM-16] nor while somebody comes back into it, who then gets what is said there", {
  timeout: 60_000,
}, async () => {
  const { live, connect, gate, changes, sweepPastOthers } = await openGated();
  const { epoch } = await live.broker.logs.head("room:lab");
  const ada = connect("ada");
  ada.send("resume", { resume_token: "none.", positions: { rooms: { lab: { epoch, seq: 0 } } } });
  await gate.reached;
  await sweepPastOthers();
  gate.open();
  await expect.poll(() => has(ada.messages(), "room_state"), PATIENCE).toBe(true);
  await live.controls.sendToRoom("lab", "room_message", { message: "hello" });
  await expect.poll(() => has(ada.messages(), "room_message"), PATIENCE).toBe(true);
  expect(changes).toEqual(["entered ada"]);
  await live.close();
});

test("[ROOM-16] one that nobody got into is put away like others", { timeout: 60_000 }, async () => {
  const { live, connect, gate, sweepPastOthers } = await openGated();
  const ada = connect("ada");
  ada.send("join_room", { room_id: "lab" });
  await gate.reached;
  ada.connection.close("disconnected", 4403);
  gate.open();
  await expect
    .poll(async () => {
      await live.rooms.sweep();
      return live.rooms.get("lab");
    }, PATIENCE)
    .toBeUndefined();
  await sweepPastOthers();
  await live.close();
});
