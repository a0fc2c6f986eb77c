import { expect, test } from "vitest";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { openAs } from "../testing/room-clients.js";
import { idOf, startManager, Tally } from "../testing/start-manager.js";
import { refusedStatus } from "../testing/test-client.js";

test("a message to one connection has an id and a time, and answers what it says that it answers", async () => {
  await using server = await startManager();
  await using client = await openAs(server, "ada");
  const id = await idOf(client);
  const payload = { message: "hello", level: "info" } as const;
  expect(server.manager.sendToConnection(id, "system_message", payload, { correlationId: "c" })).toBe(1);
  expect(await client.next("system_message")).toMatchObject({
    message_id: expect.any(String),
    correlation_id: "c",
    timestamp: expect.any(Number),
    payload,
  });
  expect(server.manager.sendToConnection("nobody", "system_message", payload)).toBe(0);
});

test("a message to a user reaches all of the user's connections but the one that is left out", async () => {
  await using server = await startManager();
  await using phone = await openAs(server, "ada");
  await using laptop = await openAs(server, "ada");
  await using other = await openAs(server, "bob");
  const exclude = await idOf(phone);
  const { manager } = server;
  expect(
    await manager.sendToUser("ada", "notification", { message: "1" }, { exclude, correlationId: "c" }),
  ).toBe(1);
  expect(await manager.sendToUser("ada", "notification", { message: "2" })).toBe(2);
  expect((await phone.next("notification")).payload.message).toBe("2");
  expect(await laptop.next("notification")).toMatchObject({ correlation_id: "c", payload: { message: "1" } });
  expect(other.log.some(({ type }) => type === "notification")).toBe(false);
});

test("a message to a user who is away waits, with the request that it answers", async () => {
  await using server = await startManager();
  const { manager } = server;
  expect(await manager.sendToUser("ada", Tally, { counts: { yes: 1 } }, { correlationId: "c" })).toBe(0);
  await using ada = await openAs(server, "ada");
  expect(await ada.nextCustom(Tally)).toMatchObject({ correlation_id: "c", payload: { counts: { yes: 1 } } });
});

test("without persistence a message to a user reaches only who is there", async () => {
  await using server = await startManager({ enableMessagePersistence: false });
  const { manager } = server;
  expect(await manager.sendToUser("ada", "notification", { message: "missed" })).toBe(0);
  await using ada = await openAs(server, "ada");
  await using again = await openAs(server, "ada");
  const exclude = await idOf(again);
  expect(await manager.sendToUser("ada", "notification", { message: "got" }, { exclude })).toBe(1);
  expect((await ada.next("notification")).payload.message).toBe("got");
  ada.send("ack", { message_id: "any" });
  ada.send("ping");
  await ada.next("pong");
  expect(ada.log.map(({ type }) => type)).toEqual(["connection_ack", "notification", "pong"]);
});

test("a message to a room stands in its log, in the name of its author, for those who come later", async () => {
  await using server = await startManager();
  const { manager } = server;
  await manager.createRoom({ id: "lab" });
  await using ada = await openAs(server, "ada", { room: "lab" });
  await ada.next("join_room");
  const author = { userId: "robot", userName: "Robot" };
  const sent = { author, messageId: "m", correlationId: "c" };
  expect(await manager.sendToRoom("lab", "room_message", { message: { text: "hi" } }, sent)).toBe(1);
  expect(await ada.next("room_message")).toMatchObject({
    correlation_id: "c",
    payload: { room_id: "lab", user_id: "robot", user_name: "Robot", message: { text: "hi" }, seq: 1 },
  });
  expect(await manager.sendToRoom("lab", "room_message", { message: "again" }, sent)).toBe(0);
  expect(await manager.sendToRoom("lab", "room_message", { message: 2 })).toBe(1);
  expect((await ada.next("room_message")).payload).toMatchObject({ user_id: "sparql-live", seq: 2 });
  ada.send("room_history", { room_id: "lab" });
  expect((await ada.next("room_history")).payload.seq).toBe(2);
  expect(await ada.next("room_message")).toMatchObject({ correlation_id: "c", payload: { seq: 1 } });
});

test("who a room message was sent for gets its acknowledgement in place of it, also when it comes back", async () => {
  await using server = await startManager();
  const { manager } = server;
  await using bob = await openAs(server, "bob", { room: "lab" });
  await bob.next("join_room");
  const ada = await openAs(server, "ada", { room: "lab" });
  const { payload: ack } = await ada.next("connection_ack");
  const { payload: joined } = await ada.next("join_room");
  const exclude = ack.connection_id;
  expect(await manager.sendToRoom("lab", "room_message", { message: 1 }, { exclude, messageId: "m1" })).toBe(
    1,
  );
  expect((await ada.next("ack")).payload).toMatchObject({ message_id: "m1", seq: 1 });
  expect((await bob.next("room_message")).payload.seq).toBe(1);
  ada.socket.terminate();
  await using again = await openAs(server, "ada");
  again.send("resume", {
    resume_token: ack.session.resume_token,
    positions: { rooms: { lab: { epoch: joined.epoch, seq: 0 } } },
  });
  expect((await again.next("ack")).payload).toMatchObject({ message_id: "m1", seq: 1 });
  await again.next("room_state");
  expect(again.log.some(({ type }) => type === "room_message")).toBe(false);
});

test("types of the application's own reach a room in the order of its messages, and are not stored", async () => {
  await using server = await startManager();
  const { manager } = server;
  await using ada = await openAs(server, "ada", { room: "lab" });
  const exclude = await idOf(ada);
  await ada.next("join_room");
  await using bob = await openAs(server, "bob", { room: "lab", protocols: ["sparql-live.v1.msgpack"] });
  await bob.next("join_room");
  const sent = [1, 2, 3].flatMap((index) => [
    manager.sendToRoom("lab", "room_message", { message: index }),
    manager.sendToRoom("lab", Tally, { counts: { index } }, { correlationId: "c", exclude }),
  ]);
  expect(await Promise.all(sent)).toEqual([2, 1, 2, 1, 2, 1]);
  bob.send("room_history", { room_id: "lab" });
  expect((await bob.next("room_history")).payload.seq).toBe(3);
  const types = bob.raw.flatMap((value) => {
    const { type } = value as { type: string };
    return type === "room_message" || type === Tally.type ? [type] : [];
  });
  expect(types.slice(0, 6)).toEqual([1, 2, 3].flatMap(() => ["room_message", Tally.type]));
  expect((await bob.nextCustom(Tally)).payload).toEqual({ counts: { index: 1 } });
  ada.send("ping");
  await ada.next("pong");
  expect(JSON.stringify(ada.raw)).not.toContain(Tally.type);
});

test("a message to a room that is not there fails with room_not_found", async () => {
  await using server = await startManager();
  const sending = server.manager.sendToRoom("nope", "room_message", { message: 1 });
  await expect(sending).rejects.toMatchObject({ code: "room_not_found" });
});

test("a message to everybody reaches all but the one that is left out, also when that comes back", async () => {
  await using server = await startManager();
  const { manager } = server;
  const ada = await openAs(server, "ada");
  await using bob = await openAs(server, "bob");
  const { payload: ack } = await ada.next("connection_ack");
  const exclude = ack.connection_id;
  const counts = await Promise.all([
    manager.broadcast("system_message", { message: "1", level: "info" }),
    manager.broadcast(Tally, { counts: { yes: 2 } }, { exclude, correlationId: "c" }),
    manager.broadcast("system_message", { message: "3", level: "info" }),
  ]);
  expect(counts).toEqual([2, 1, 2]);
  expect(await bob.nextCustom(Tally)).toMatchObject({
    correlation_id: "c",
    message_id: expect.any(String),
    timestamp: expect.any(Number),
    payload: { counts: { yes: 2 } },
  });
  ada.socket.terminate();
  await using again = await openAs(server, "ada");
  const { resume_token, broadcast } = ack.session;
  again.send("resume", { resume_token, positions: { broadcast } });
  expect((await again.next("system_message")).payload.message).toBe("1");
  expect((await again.next("system_message")).payload.message).toBe("3");
  expect(JSON.stringify(again.raw)).not.toContain(Tally.type);
});

test("[CONN-9] disconnecting closes with a code, ends the session, and leaves the rooms at once", async () => {
  await using server = await startManager();
  const { manager } = server;
  await using bob = await openAs(server, "bob", { room: "lab" });
  await bob.next("join_room");
  await using ada = await openAs(server, "ada", { room: "lab" });
  const { payload: ack } = await ada.next("connection_ack");
  await ada.next("join_room");
  expect(manager.disconnect(ack.connection_id)).toBe(true);
  expect((await bob.next("user_left")).payload).toMatchObject({ user_id: "ada", member_count: 1 });
  const { code, reason } = await ada.closed;
  expect([code, JSON.parse(reason)]).toEqual([4403, { code: "disconnected" }]);
  await expect.poll(() => manager.getConnectionInfo(ack.connection_id)).toBeNull();
  await using again = await openAs(server, "ada");
  again.send("resume", { resume_token: ack.session.resume_token });
  expect((await again.next("resumed")).payload.session).toBe(false);
  expect(manager.disconnect(ack.connection_id)).toBe(false);
});

test("a session can be ended while its connection is lost", async () => {
  await using server = await startManager();
  const { manager } = server;
  const ada = await openAs(server, "ada");
  const { payload: ack } = await ada.next("connection_ack");
  ada.socket.terminate();
  await expect.poll(() => manager.getConnectionInfo(ack.connection_id)?.state).toBe("disconnected");
  expect(manager.sendToConnection(ack.connection_id, "notification", { message: "" })).toBe(0);
  expect(manager.disconnect(ack.connection_id)).toBe(true);
  expect(manager.getConnectionInfo(ack.connection_id)).toBeNull();
});

test.each([1000, 1012, 3000, 4999])(
  "a connection may be closed with %i, and told when to return",
  async (code) => {
    await using server = await startManager();
    await using ada = await openAs(server, "ada");
    server.manager.disconnect(await idOf(ada), { code, retryAfterMs: 1_500 });
    const closed = await ada.closed;
    expect([closed.code, JSON.parse(closed.reason)]).toEqual([
      code,
      { code: "disconnected", retry_after_ms: 1_500 },
    ]);
  },
);

test.each([999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5])("%d is no code to close with", async (code) => {
  await using server = await startManager();
  expect(() => server.manager.disconnect("any", { code })).toThrow(RangeError);
});

test("rooms are made, told of, listed and deleted", async () => {
  await using server = await startManager();
  const { manager } = server;
  const made = await manager.createRoom({ id: "lab", name: "Lab", ownerId: "ada", maxMembersCount: 2 });
  expect(made).toMatchObject({
    room_id: "lab",
    name: "Lab",
    owner_id: "ada",
    member_count: 0,
    max_members: 2,
    is_public: true,
  });
  await expect(manager.createRoom({ id: "lab" })).rejects.toMatchObject({ code: "room_exists" });
  await manager.createRoom({ id: "attic" });
  expect((await manager.listRooms()).map(({ room_id }) => room_id)).toEqual(["lab", "attic"]);
  expect((await manager.listRooms({ offset: 1, limit: 1 })).map(({ room_id }) => room_id)).toEqual(["attic"]);
  expect(await manager.getRoomInfo("nope")).toBeNull();
  await using ada = await openAs(server, "ada", { room: "lab" });
  await ada.next("join_room");
  expect(await manager.getRoomInfo("lab")).toMatchObject({ member_count: 1 });
  await manager.deleteRoom("lab");
  expect((await ada.next("leave_room")).payload.reason).toBe("deleted");
  await expect(manager.deleteRoom("lab")).rejects.toMatchObject({ code: "room_not_found" });
});

test("the application puts connections into rooms, private ones included, and takes them out", async () => {
  await using server = await startManager();
  const { manager } = server;
  await manager.createRoom({ id: "vault", isPublic: false });
  await using ada = await openAs(server, "ada");
  const id = await idOf(ada);
  ada.send("join_room", { room_id: "vault" });
  expect((await ada.next("error_message")).payload.code).toBe("room_not_found");
  await manager.joinRoom(id, "vault");
  expect((await ada.next("join_room")).payload.room_id).toBe("vault");
  expect(manager.getConnectionInfo(id)?.rooms).toEqual(["vault"]);
  await manager.leaveRoom(id, "vault");
  expect((await ada.next("leave_room")).payload.reason).toBe("requested");
  await expect(manager.leaveRoom(id, "vault")).rejects.toMatchObject({ code: "not_in_room" });
  await expect(manager.joinRoom("nobody", "vault")).rejects.toMatchObject({ code: "bad_request" });
  await expect(manager.joinRoom(id, "nope")).rejects.toMatchObject({ code: "room_not_found" });
});

const ROOM_REQUESTS = [
  ["join_room", {}],
  ["leave_room", {}],
  ["room_message", { message: 1 }],
  ["room_history", {}],
  ["room_member_update", { user_id: "bob", action: "kick" }],
  ["typing_indicator", { is_typing: true }],
  ["cursor_position", { position: 1 }],
  ["document_update", { update: "AAA=" }],
  ["awareness_update", { update: "AAA=" }],
  ["query_request", { natural_language: "all cities" }],
] as const;

test("[ROOM-17] without rooms whatever asks for one is answered with feature_unavailable", async () => {
  await using server = await startManager({ enableRooms: false, engine: createMemoryEngine("") });
  const { manager } = server;
  await using ada = await openAs(server, "ada");
  const { payload: ack } = await ada.next("connection_ack");
  expect(ack.features).toContain("query");
  expect(ack.features).not.toContain("rooms");
  for (const [type, payload] of ROOM_REQUESTS) {
    ada.send(type, { room_id: "lab", ...payload }, { message_id: type });
    const answer = await ada.next("error_message");
    expect([answer.correlation_id, answer.payload.code]).toEqual([type, "feature_unavailable"]);
  }
  ada.send("resume", {
    resume_token: "none",
    positions: { rooms: { lab: { epoch: "e", seq: 0 } } },
  });
  expect((await ada.next("resumed")).payload.rooms).toEqual({
    lab: { recovered: false, code: "feature_unavailable" },
  });
  expect(await refusedStatus(`${server.ws}/api/ws/room/lab`)).toBe(501);
  for (const asked of [
    manager.createRoom({ id: "lab" }),
    manager.listRooms(),
    manager.getRoomInfo("lab"),
    manager.sendToRoom("lab", "room_message", { message: 1 }),
  ]) {
    await expect(asked).rejects.toMatchObject({ code: "feature_unavailable" });
  }
  expect(manager.getMetrics().errors).toBe(0);
});

test("a connection is told of as long as it may come back", async () => {
  await using server = await startManager();
  await using ada = await openAs(server, "ada");
  const id = await idOf(ada);
  ada.send("ping");
  await ada.next("pong");
  const info = server.manager.getConnectionInfo(id);
  expect(info).toEqual({
    connection_id: id,
    user_id: "ada",
    user_name: "ADA",
    authenticated: true,
    connected_at: expect.stringMatching(/^\d{4}-.*Z$/),
    last_heartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
    state: "authenticated",
    message_count: 1,
    rooms: [],
    ip_address: "127.0.0.1",
  });
  expect(server.manager.getConnectionInfo("nobody")).toBeNull();
});
