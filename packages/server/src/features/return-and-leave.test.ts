import {
  jsonCodec,
  type ServerMessage,
  type ServerMessageType,
  type ServerPayloads,
} from "@sparql-live/protocol";
import { pino } from "pino";
import { expect, test } from "vitest";
import { openLive } from "../live.js";
import { createMemoryStorage } from "../memory-storage.js";
import { createMemoryTransport } from "../realtime/memory-transport.js";
import { createSignal } from "../signal.js";
import type { Storage } from "../storage.js";

/** A storage whose history answers when `open` has settled: until then nobody is told of a room. */
function withSlowHistory(storage: Storage, open: () => Promise<void>): Storage {
  const { history } = storage.store;
  const ofRoom: typeof history.ofRoom = async (...args) => {
    await open();
    return history.ofRoom(...args);
  };
  return { ...storage, store: { ...storage.store, history: { ...history, ofRoom } } };
}

test("[RESUME-6] [RESUME-10] who leaves a room on the way back into it has left it, and returns to it no more", async () => {
  let opened: Promise<void> = Promise.resolve();
  const storage = createMemoryStorage();
  const slow = withSlowHistory(storage, () => opened);
  const live = await openLive({ engine: null, storage: slow, log: pino({ level: "silent" }) });
  await live.rooms.create({ id: "lab" });
  const connect = (userId: string) => {
    const { transport, peer } = createMemoryTransport();
    live.connect(transport, jsonCodec, { userId });
    const log = () => peer.messages.map((message) => JSON.parse(String(message)) as ServerMessage);
    return {
      peer,
      log,
      send: (type: string, payload: unknown) => peer.send(JSON.stringify({ type, payload })),
      async next<T extends ServerMessageType>(type: T) {
        const found = () => log().find((message) => message.type === type)?.payload;
        await expect.poll(found).toBeDefined();
        // Of the type that was looked for.
        return found() as ServerPayloads[T];
      },
    };
  };
  const bob = connect("bob");
  bob.send("join_room", { room_id: "lab" });
  await bob.next("join_room");
  const first = connect("ada");
  const { session } = await first.next("connection_ack");
  first.send("join_room", { room_id: "lab" });
  await first.next("join_room");

  const gate = createSignal<void>();
  opened = gate.promise;
  first.peer.close(1006);
  const second = connect("ada");
  second.send("resume", { resume_token: session.resume_token });
  const { resume_token: token } = await second.next("resumed");
  second.send("leave_room", { room_id: "lab" });
  second.peer.close(1006);
  const third = connect("ada");
  third.send("resume", { resume_token: token });
  gate.resolve();
  expect((await third.next("resumed")).rooms).toEqual({ lab: { recovered: false, code: "not_in_room" } });
  expect(await third.next("leave_room")).toEqual({ room_id: "lab", reason: "requested" });
  expect((await bob.next("user_left")).user_id).toBe("ada");
  bob.send("room_message", { room_id: "lab", message: "for members" });
  await bob.next("ack");
  expect(third.log().filter(({ type }) => type === "room_message")).toEqual([]);
  await live.close();
  await storage.close();
});
