import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { countOf, openAs, openMember, resume, say, seqsOf } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import type { TestClient } from "../testing/test-client.js";

test("[RESUME-1] who returns gets, after `resumed`, exactly what was missed, in order, and is what it was", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position, connectionId } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await say(bob, "lab", 1, 500);
  const { client, resumed } = await resume(server, { token, positions: { rooms: { lab: position } } });
  expect(resumed).toMatchObject({
    session: true,
    connection_id: connectionId,
    user_id: "ada",
    rooms: { lab: { recovered: true } },
  });
  const state = (await client.next("room_state")).payload;
  expect(state).toMatchObject({ recovered: true, seq: 500, member_count: 2 });
  expect(seqsOf(client.log, "lab")).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  expect(client.log.findIndex(({ type }) => type === "resumed")).toBeLessThan(
    client.log.findIndex(({ type }) => type === "room_message"),
  );
  await say(bob, "lab", 501, 501);
  expect((await client.next("room_message")).payload.seq).toBe(501);
});

test("[RESUME-1] a missed message is the same as the live one was, byte for byte", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: eve } = await openMember(server, "eve", "lab");
  const { client: ada, token, position } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await say(bob, "lab", 1, 3);
  const { client } = await resume(server, { token, positions: { rooms: { lab: position } } });
  await client.next("room_state");
  const messagesOf = (from: TestClient) =>
    from.raw.filter((message) => (message as { type: string }).type === "room_message");
  expect(messagesOf(client)).toEqual(messagesOf(eve));
});

test("[RESUME-2] a guest that returns is the same guest again", async () => {
  await using server = await startServer();
  const { openClient } = await import("../testing/test-client.js");
  const guest = await openClient(server.ws);
  const { payload: ack } = await guest.next("connection_ack");
  guest.socket.terminate();
  const again = await openClient(server.ws);
  again.send("resume", { resume_token: ack.session.resume_token });
  expect((await again.next("resumed")).payload).toMatchObject({
    session: true,
    user_id: ack.user_id,
    connection_id: ack.connection_id,
  });
});

test("[RESUME-3] a token is good once, and each `resumed` brings the next", async () => {
  await using server = await startServer();
  const { client: ada, token, connectionId } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  const first = await resume(server, { token });
  first.client.socket.terminate();
  await first.client.closed;
  const stale = await resume(server, { token });
  expect(stale.resumed.session).toBe(false);
  const second = await resume(server, { token: first.resumed.resume_token });
  expect(second.resumed).toMatchObject({ session: true, connection_id: connectionId });
});

test.each(["", "x", "nope.nope", "a".repeat(256)])(
  "[RESUME-3] %j is no token, and nobody's session",
  async (token) => {
    await using server = await startServer();
    const { connectionId } = await openMember(server, "ada", "lab");
    await using eve = await openAs(server, "eve");
    for (const forged of [token, `${connectionId}.${token}`].filter(
      (text) => text !== "" && text.length <= 256,
    )) {
      eve.send("resume", { resume_token: forged });
      expect((await eve.next("resumed")).payload).toMatchObject({ session: false, user_id: "eve" });
    }
  },
);

test("[RESUME-4] without a session rooms are joined and recovered by their positions", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { position } = await openMember(server, "ada", "lab");
  await say(bob, "lab", 1, 5);
  const { client, resumed } = await resume(server, {
    token: "of-a-server-that-is-gone",
    positions: { rooms: { lab: { ...position, seq: 2 }, gone: position, __proto__: position } },
  });
  expect(resumed.session).toBe(false);
  expect(resumed.rooms).toEqual({
    lab: { recovered: true },
    gone: { recovered: false, code: "room_not_found" },
  });
  await client.next("room_state");
  expect(seqsOf(client.log, "lab")).toEqual([3, 4, 5]);
});

test.each([
  ["another epoch", { epoch: "other", seq: 0 }],
  ["a place that was never reached", { seq: 99 }],
])("[RESUME-5] %s is no gap in silence: `recovered: false`, then the room as it is", async (_, wrong) => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position } = await openMember(server, "ada", "lab");
  await say(bob, "lab", 1, 3);
  ada.socket.terminate();
  const { client, resumed } = await resume(server, {
    token,
    positions: { rooms: { lab: { ...position, ...wrong } } },
  });
  expect(resumed.rooms.lab).toEqual({ recovered: false, code: "gap" });
  expect((await client.next("room_state")).payload).toMatchObject({ recovered: false, seq: 3 });
  await say(bob, "lab", 4, 4);
  expect((await client.next("room_message")).payload.seq).toBe(4);
  expect(seqsOf(client.log, "lab")).toEqual([4]);
});

test("[RESUME-5] nothing of a room comes between `resumed` and the word of its gap, while messages pour in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "recovery-"));
  const storage = await openFileStorage(join(folder, "store.db"));
  try {
    await using server = await startServer({ storage, settings: { rateLimitPerMinute: 0 } });
    const { client: bob } = await openMember(server, "bob", "lab");
    let { token } = await openMember(server, "ada", "lab");
    const pour = () => {
      for (let index = 0; index < 20; index++) bob.send("room_message", { room_id: "lab", message: index });
    };
    for (let round = 0; round < 20; round++) {
      pour();
      const positions = { rooms: { lab: { epoch: "other", seq: 0 } } };
      const returned = await resume(server, { token, positions });
      pour();
      token = returned.resumed.resume_token;
      const told = await returned.client.nextOf("room_state", "room_message");
      if (told.type !== "room_state") expect.fail("a message came before the word of the gap");
      pour();
      expect((await returned.client.next("room_message")).payload.seq).toBe(told.payload.seq + 1);
    }
  } finally {
    await storage.close();
    await rm(folder, { recursive: true });
  }
});

test("[RESUME-5] what has left the window cannot be recovered, and what is at its edge can", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await say(bob, "lab", 1, 1_003);
  const edge = await resume(server, { token, positions: { rooms: { lab: { ...position, seq: 3 } } } });
  expect(edge.resumed.rooms.lab).toEqual({ recovered: true });
  await edge.client.next("room_state");
  expect(seqsOf(edge.client.log, "lab")).toHaveLength(1_000);
  edge.client.socket.terminate();
  await edge.client.closed;
  const beyond = await resume(server, {
    token: edge.resumed.resume_token,
    positions: { rooms: { lab: { ...position, seq: 2 } } },
  });
  expect(beyond.resumed.rooms.lab).toEqual({ recovered: false, code: "gap" });
});

test("[RESUME-6] a room of the session that no position names is told as it is", async () => {
  await using server = await startServer();
  const { client: ada, token } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  const { client, resumed } = await resume(server, { token });
  expect(resumed.rooms.lab).toEqual({ recovered: false, code: "gap" });
  expect((await client.next("room_state")).payload).toMatchObject({ recovered: false, member_count: 1 });
});

test("[RESUME-7] returning at once, while the old socket is still there, closes that with 4409 and loses nothing", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position, connectionId } = await openMember(server, "ada", "lab");
  await say(bob, "lab", 1, 2);
  const { client, resumed } = await resume(server, { token, positions: { rooms: { lab: position } } });
  expect(resumed).toMatchObject({ connection_id: connectionId, rooms: { lab: { recovered: true } } });
  const { code, reason } = await ada.closed;
  expect([code, JSON.parse(reason)]).toEqual([4409, { code: "session_replaced" }]);
  await say(bob, "lab", 3, 3);
  await expect.poll(() => seqsOf(client.log, "lab")).toEqual([1, 2, 3]);
  expect([countOf(bob.log, "user_left"), countOf(bob.log, "user_joined")]).toEqual([0, 1]);
});

test("[RESUME-8] returning while messages pour in neither loses nor doubles one, however often", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const first = await openMember(server, "ada", "lab");
  let [client, token, seq] = [first.client, first.token, 0];
  const seen: number[] = [];
  let sent = 0;
  const pour = (count: number) => {
    for (let index = 0; index < count; index++) bob.send("room_message", { room_id: "lab", message: ++sent });
  };
  for (let round = 0; round < 10; round++) {
    pour(40);
    await client.next("room_message");
    pour(40);
    client.socket.terminate();
    pour(40);
    await client.closed;
    pour(40);
    seen.push(...seqsOf(client.log, "lab"));
    seq = seen.at(-1) ?? 0;
    const returning = resume(server, {
      token,
      positions: { rooms: { lab: { epoch: first.position.epoch, seq } } },
    });
    for (let burst = 0; burst < 20; burst++) {
      pour(2);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const returned = await returning;
    expect(returned.resumed.rooms.lab).toEqual({ recovered: true });
    [client, token] = [returned.client, returned.resumed.resume_token];
  }
  await expect.poll(() => seqsOf(client.log, "lab").at(-1)).toBe(sent);
  seen.push(...seqsOf(client.log, "lab"));
  expect(seen).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
});

test("[RESUME-9] of its own messages a client gets the acknowledgements that it missed", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position } = await openMember(server, "ada", "lab");
  ada.send("room_message", { room_id: "lab", message: 1 }, { message_id: "mine" });
  await bob.next("room_message");
  ada.socket.terminate();
  const { client } = await resume(server, { token, positions: { rooms: { lab: position } } });
  expect(await client.next("ack")).toMatchObject({
    correlation_id: "mine",
    payload: { message_id: "mine", seq: 1 },
  });
  expect(countOf(client.log, "room_message")).toBe(0);
});

test("[RESUME-10] what is sent behind a resume waits until its room is back", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await say(bob, "lab", 1, 2);
  await using client = await openAs(server, "ada");
  client.send("resume", { resume_token: token, positions: { rooms: { lab: position } } });
  client.send("room_message", { room_id: "lab", message: "mine" }, { message_id: "mine" });
  expect((await client.next("ack")).payload.seq).toBe(3);
  expect(seqsOf(client.log, "lab")).toEqual([1, 2, 3]);
});

test("[RESUME-11] after the window the session is over, and rooms are left", async () => {
  await using server = await startServer({ settings: { presenceGraceMs: 20, resumeWindowMs: 60 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await bob.next("user_left");
  const { sessions } = server.server.live;
  await expect.poll(() => [...sessions.lost()].length).toBe(0);
  expect((await resume(server, { token })).resumed).toMatchObject({ session: false, rooms: {} });
});

test("[ROOM-10] who was put out of a private room while away does not return to it", async () => {
  await using server = await startServer({ settings: { presenceGraceMs: 30, resumeWindowMs: 60_000 } });
  await server.server.live.rooms.create({ id: "den", ownerId: "ada", isPublic: false });
  const { client: ada, joined } = await openMember(server, "ada", "den");
  await using bob = await openAs(server, "bob");
  const token = (await bob.next("connection_ack")).payload.session.resume_token;
  bob.send("join_room", { room_id: "den", invite: joined.invite });
  await bob.next("join_room");
  bob.socket.terminate();
  await ada.next("user_left");
  ada.send("room_member_update", { room_id: "den", user_id: "bob", action: "kick" });
  await ada.next("room_member_update");
  const positions = { rooms: { den: { epoch: joined.epoch, seq: 0 } } };
  const { resumed } = await resume(server, { token, positions, user: "bob" });
  expect(resumed.rooms).toEqual({ den: { recovered: false, code: "room_not_found" } });
});

test("[BROADCAST-1] who returns gets the messages to everybody that it missed, by their place", async () => {
  await using server = await startServer();
  const { live } = server.server;
  const say = (message: string) => live.broadcasts.send("system_message", { message, level: "info" });
  await using bob = await openAs(server, "bob");
  const ada = await openAs(server, "ada");
  const { session } = (await ada.next("connection_ack")).payload;
  expect(await say("one")).toBe(2);
  expect((await bob.next("system_message")).payload).toMatchObject({ message: "one", seq: 1 });
  ada.socket.terminate();
  await ada.closed;
  await expect.poll(() => live.hub.size).toBe(1);
  await say("two");
  const { client, resumed } = await resume(server, {
    token: session.resume_token,
    positions: { broadcast: session.broadcast },
  });
  expect(resumed.broadcast).toMatchObject({ recovered: true, seq: 2 });
  expect((await client.next("system_message")).payload.message).toBe("one");
  expect((await client.next("system_message")).payload.message).toBe("two");
  const lost = await resume(server, {
    token: "none",
    positions: { broadcast: { epoch: "other", seq: 0 } },
  });
  expect(lost.resumed.broadcast).toMatchObject({ recovered: false, epoch: session.broadcast.epoch });
});

test("[RESUME-6] the room whose address a returning client opened is one of its rooms afterwards", async () => {
  await using server = await startServer();
  const { client: ada, token, connectionId } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  const { client } = await openMember(server, "ada", "den");
  client.send("resume", { resume_token: token });
  expect((await client.next("resumed")).payload).toMatchObject({
    connection_id: connectionId,
    rooms: { lab: { recovered: false }, den: { recovered: false } },
  });
  client.send("room_message", { room_id: "den", message: 1 });
  await client.next("ack");
  const { joined } = await openMember(server, "bob", "den");
  expect(joined.members.map(({ connection_id }) => connection_id)).toContain(connectionId);
  expect(joined.members).toHaveLength(2);
});

test("[ROOM-14] a deleted room does not keep those who are in their grace", async () => {
  await using server = await startServer();
  const { client: ada, token } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  await expect.poll(() => [...server.server.live.sessions.lost()].length).toBe(1);
  await server.server.live.rooms.delete("lab");
  const { joined } = await openMember(server, "bob", "lab");
  expect(joined.members).toHaveLength(1);
  const { resumed } = await resume(server, { token });
  expect(resumed.rooms.lab).toMatchObject({ recovered: false });
});
