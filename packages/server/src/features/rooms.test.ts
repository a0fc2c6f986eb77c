import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { SERVER_LIMITS } from "../limits.js";
import { countOf, openAs, openMember, seqsOf } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import type { TestClient } from "../testing/test-client.js";

async function codeOf(client: TestClient): Promise<string> {
  return (await client.next("error_message")).payload.code;
}

/** A ping goes ahead of what waits: for "nothing came" something later in the same order is awaited. */
async function settle(client: TestClient, room: string): Promise<void> {
  client.send("room_history", { room_id: room, since: 0 }, { message_id: "settle" });
  await client.next("room_history");
}

test("[ROOM-1] the address of a room joins at once, and makes the room for its first user", async () => {
  await using server = await startServer();
  await using ada = await openAs(server, "ada", { room: "lab" });
  const joined = await ada.next("join_room");
  expect(ada.log.map(({ type }) => type).slice(0, 2)).toEqual(["connection_ack", "join_room"]);
  expect(joined.payload).toMatchObject({
    room_id: "lab",
    room_name: "lab",
    member_count: 1,
    owner_id: "ada",
    role: "owner",
    seq: 0,
    members: [{ user_id: "ada", user_name: "ADA", role: "owner" }],
  });
});

test("[ROOM-1] where rooms may not be made the address of a missing one closes: 1008, and 4404 for who asked for a subprotocol", async () => {
  await using server = await startServer({ settings: { makeRooms: false } });
  await using old = await openAs(server, "ada", { room: "lab" });
  expect(await codeOf(old)).toBe("room_not_found");
  expect((await old.closed).code).toBe(1008);
  await using modern = await openAs(server, "ada", { room: "lab", protocols: ["sparql-live.v1.json"] });
  const { code, reason } = await modern.closed;
  expect([code, JSON.parse(reason)]).toEqual([4404, { code: "room_closed" }]);
});

test("[ROOM-1] an address that cannot be the id of a room makes none", async () => {
  await using server = await startServer();
  for (const room of ["a.b", "x".repeat(129), "%20"]) {
    await using client = await openAs(server, "ada", { room });
    expect(await codeOf(client)).toBe("room_not_found");
    expect((await client.closed).code).toBe(1008);
  }
  await using longest = await openAs(server, "ada", { room: "x".repeat(128) });
  await longest.next("join_room");
});

test("[ROOM-2] join_room joins a room that is there and never makes one", async () => {
  await using server = await startServer();
  await using ada = await openAs(server, "ada");
  ada.send("join_room", { room_id: "lab" }, { message_id: "j1" });
  const refused = await ada.next("error_message");
  expect(refused).toMatchObject({
    correlation_id: "j1",
    payload: { code: "room_not_found", room_id: "lab" },
  });
  await server.server.live.rooms.create({ id: "lab", name: "The lab" });
  ada.send("join_room", { room_id: "lab" }, { message_id: "j2" });
  expect(await ada.next("join_room")).toMatchObject({
    correlation_id: "j2",
    payload: { room_name: "The lab", owner_id: null, role: "editor" },
  });
});

test("[ROOM-3] the others are told user_joined; who joins again is answered and nobody is told", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  expect((await ada.next("user_joined")).payload).toMatchObject({
    room_id: "lab",
    user_id: "bob",
    user_name: "BOB",
    member_count: 2,
  });
  bob.send("join_room", { room_id: "lab" });
  expect((await bob.next("join_room")).payload.members).toHaveLength(2);
  await settle(ada, "lab");
  expect([countOf(ada.log, "user_joined"), countOf(bob.log, "user_joined")]).toEqual([1, 0]);
});

test("[ROOM-4] a full room refuses the next user, and a further connection of a member is no further user", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create({ id: "lab", maxMembersCount: 2 });
  const { client: ada } = await openMember(server, "ada", "lab");
  await openMember(server, "bob", "lab");
  const again = await openMember(server, "ada", "lab");
  expect(again.joined.member_count).toBe(2);
  expect(again.joined.members).toHaveLength(3);
  await using eve = await openAs(server, "eve");
  eve.send("join_room", { room_id: "lab" });
  expect((await eve.next("error_message")).payload).toMatchObject({
    error: "Room is full",
    code: "room_full",
    room_id: "lab",
  });
  ada.send("leave_room", { room_id: "lab" });
  await ada.next("leave_room");
  eve.send("join_room", { room_id: "lab" });
  expect(await codeOf(eve)).toBe("room_full");
  again.client.send("leave_room", { room_id: "lab" });
  await again.client.next("leave_room");
  eve.send("join_room", { room_id: "lab" });
  await eve.next("join_room");
});

test("[ROOM-5] leaving is answered, told to the others, and ends what comes of the room", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  bob.send("leave_room", { room_id: "lab" }, { message_id: "l" });
  expect(await bob.next("leave_room")).toMatchObject({
    correlation_id: "l",
    payload: { room_id: "lab", reason: "requested" },
  });
  expect((await ada.next("user_left")).payload).toMatchObject({ user_id: "bob", member_count: 1 });
  ada.send("room_message", { room_id: "lab", message: 1 });
  await ada.next("ack");
  bob.send("leave_room", { room_id: "lab" });
  expect(await codeOf(bob)).toBe("not_in_room");
  expect(countOf(bob.log, "room_message")).toBe(0);
});

test("[ROOM-6] a message goes to the others with its place, and its sender gets an ack at that place", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: other } = await openMember(server, "ada", "lab");
  const { client: bob, position } = await openMember(server, "bob", "lab");
  bob.send("room_message", { room_id: "lab", message: "first" });
  ada.send("room_message", { room_id: "lab", message: { text: "hello" } }, { message_id: "m1" });
  bob.send("room_message", { room_id: "lab", message: "last" });
  const ack = await ada.next("ack");
  expect(ack).toMatchObject({ correlation_id: "m1", payload: { message_id: "m1", room_id: "lab" } });
  const got = await bob.next("room_message");
  expect(got.payload).toMatchObject({
    room_id: "lab",
    user_id: "ada",
    user_name: "ADA",
    message: { text: "hello" },
    seq: ack.payload.seq,
    epoch: position.epoch,
  });
  expect(Math.abs(got.payload.timestamp - Date.now() / 1_000)).toBeLessThan(60);
  expect((await other.next("room_message")).payload.message).toBe("first");
  await settle(ada, "lab");
  await settle(bob, "lab");
  for (const client of [ada, bob]) {
    const live = client.log.slice(
      0,
      client.log.findIndex(({ type }) => type === "room_history"),
    );
    expect(seqsOf(live, "lab")).toEqual([1, 2, 3]);
  }
});

test("[ROOM-7] everybody sees one order without holes, in JSON and in MessagePack", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  const clients = await Promise.all(
    ["ada", "bob", "eve", "kim"].map((user, index) =>
      openAs(server, user, {
        room: "lab",
        protocols: [index % 2 === 0 ? "sparql-live.v1.json" : "sparql-live.v1.msgpack"],
      }),
    ),
  );
  for (const client of clients) await client.next("join_room");
  for (let index = 0; index < 50; index++) {
    for (const client of clients) client.send("room_message", { room_id: "lab", message: index });
  }
  await expect.poll(() => clients.map(({ log }) => seqsOf(log, "lab").length)).toEqual([200, 200, 200, 200]);
  for (const { log } of clients) {
    expect(seqsOf(log, "lab")).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  }
  const authors = clients.map(({ log }) =>
    log.flatMap((message) =>
      message.type === "room_message" ? [[message.payload.seq, message.payload.user_id]] : [],
    ),
  );
  const all = new Map(authors.flat() as [number, string][]);
  for (const seen of authors)
    for (const [seq, user] of seen as [number, string][]) expect(all.get(seq)).toBe(user);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});

test("[ENV-2] an acknowledgement carries the correlation_id of what it acknowledges, else its message_id; sent again too", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const update = Buffer.from([0, 0]).toString("base64");
  for (const [type, content] of Object.entries({
    room_message: { message: 1 },
    document_update: { update },
  })) {
    const payload = { room_id: "lab", ...content };
    const messageId = `${type}-1`;
    for (const framing of [
      { correlation_id: "c" },
      { correlation_id: "c", message_id: messageId },
      { correlation_id: "c2", message_id: messageId },
    ]) {
      ada.send(type, payload, framing);
      const ack = await ada.next("ack");
      expect([ack.correlation_id, ack.payload.message_id]).toEqual([
        framing.correlation_id,
        "message_id" in framing ? messageId : undefined,
      ]);
    }
  }
});

test("[ROOM-8] a message_id that was used is acknowledged again at its place and not repeated", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  for (let count = 0; count < 3; count++) {
    ada.send("room_message", { room_id: "lab", message: "once" }, { message_id: "m" });
  }
  const acks = [await ada.next("ack"), await ada.next("ack"), await ada.next("ack")];
  expect(acks.map(({ payload }) => payload.seq)).toEqual([1, 1, 1]);
  bob.send("room_message", { room_id: "lab", message: "bob's own m" }, { message_id: "m" });
  expect((await bob.next("ack")).payload.seq).toBe(2);
  expect(countOf(bob.log, "room_message")).toBe(1);
});

test("[ROOM-9] a viewer watches; an owner changes roles, and all are told", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  bob.send("room_member_update", { room_id: "lab", user_id: "ada", action: "kick" });
  expect(await codeOf(bob)).toBe("role_forbidden");
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "role", role: "viewer" });
  expect((await bob.next("room_member_update")).payload).toEqual({
    room_id: "lab",
    user_id: "bob",
    action: "role",
    role: "viewer",
    by_user_id: "ada",
  });
  bob.send("room_message", { room_id: "lab", message: 1 });
  expect(await codeOf(bob)).toBe("role_forbidden");
  bob.send("cursor_position", { room_id: "lab", position: 3 });
  expect((await ada.next("cursor_position")).payload.position).toBe(3);
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "role" });
  expect(await codeOf(ada)).toBe("bad_request");
});

test("[ROOM-9] who is put out is out on all connections, and who is banned does not come back until that is lifted", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: other } = await openMember(server, "bob", "lab");
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "kick" });
  for (const client of [bob, other]) expect((await client.next("leave_room")).payload.reason).toBe("kicked");
  bob.send("join_room", { room_id: "lab" });
  await bob.next("join_room");
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "ban" });
  expect((await bob.next("leave_room")).payload.reason).toBe("banned");
  bob.send("join_room", { room_id: "lab" });
  expect(await codeOf(bob)).toBe("room_not_found");
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "unban" });
  await ada.next("room_member_update");
  await expect
    .poll(async () => {
      bob.send("join_room", { room_id: "lab" });
      const answer = await bob.nextOf("join_room", "error_message");
      return answer.type;
    })
    .toBe("join_room");
  ada.send("room_member_update", { room_id: "lab", user_id: "ada", action: "kick" });
  expect(await codeOf(ada)).toBe("bad_request");
});

test("[ROOM-10] a private room answers as if absent, but to its owner, its invited and those with a role", async () => {
  await using server = await startServer();
  const { live } = server.server;
  await live.rooms.create({ id: "den", ownerId: "ada", isPublic: false });
  const { client: ada, joined } = await openMember(server, "ada", "den");
  await using bob = await openAs(server, "bob");
  bob.send("join_room", { room_id: "den" });
  const refused = (await bob.next("error_message")).payload;
  bob.send("join_room", { room_id: "gone" });
  const absent = (await bob.next("error_message")).payload;
  expect({ ...refused, room_id: "gone", error: refused.error.replace("den", "gone") }).toEqual(absent);
  bob.send("join_room", { room_id: "den", invite: "wrong" });
  expect(await codeOf(bob)).toBe("room_not_found");
  bob.send("room_history", { room_id: "den" });
  expect(await codeOf(bob)).toBe("room_not_found");
  bob.send("join_room", { room_id: "den", invite: joined.invite });
  await bob.next("join_room");
  ada.send("room_member_update", { room_id: "den", user_id: "eve", action: "role", role: "viewer" });
  await ada.next("room_member_update");
  await using eve = await openAs(server, "eve", { room: "den" });
  const seen = (await eve.next("join_room")).payload;
  expect([seen.role, seen.invite]).toEqual(["viewer", undefined]);
});

test("[ROOM-11] a connection may be in 100 rooms, and there may be so many rooms as the setting says", async () => {
  const count = SERVER_LIMITS.roomsPerConnectionCount;
  await using server = await startServer({ settings: { maxRooms: count + 1, rateLimitPerMinute: 0 } });
  const { live } = server.server;
  for (let index = 0; index <= count; index++) await live.rooms.create({ id: `r${index}` });
  await using ada = await openAs(server, "ada");
  for (let index = 0; index < count; index++) {
    ada.send("join_room", { room_id: `r${index}` });
    await ada.next("join_room");
  }
  ada.send("join_room", { room_id: `r${count}` });
  expect(await codeOf(ada)).toBe("too_many_rooms");
  ada.send("join_room", { room_id: "r0" });
  await ada.next("join_room");
  await using bob = await openAs(server, "bob", { room: "one-more" });
  expect(await codeOf(bob)).toBe("too_many_rooms");
});

test("[ROOM-11] a connection that asks for many rooms at once is in 100", async () => {
  const count = SERVER_LIMITS.roomsPerConnectionCount;
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  for (let index = 0; index < count + 5; index++) await server.server.live.rooms.create({ id: `r${index}` });
  await using ada = await openAs(server, "ada");
  for (let index = 0; index < count + 5; index++) ada.send("join_room", { room_id: `r${index}` });
  const refusals = () => ada.log.filter(({ type }) => type === "error_message");
  const entered = () => ada.log.filter(({ type }) => type === "join_room");
  await expect.poll(() => refusals().length + entered().length).toBe(count + 5);
  expect(entered()).toHaveLength(count);
  expect(refusals().map(({ payload }) => "code" in payload && payload.code)).toEqual(
    Array.from({ length: 5 }, () => "too_many_rooms"),
  );
});

test("[ROOM-12] what is sent behind a join_room waits for it, in order", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create({ id: "lab" });
  await using ada = await openAs(server, "ada");
  ada.send("join_room", { room_id: "lab" });
  for (const message of [1, 2])
    ada.send("room_message", { room_id: "lab", message }, { message_id: `${message}` });
  ada.send("leave_room", { room_id: "lab" });
  await ada.next("leave_room");
  expect(ada.log.map(({ type }) => type).slice(1)).toEqual(["join_room", "ack", "ack", "leave_room"]);
});

test("[ROOM-13] who is not in a room is told so, with the room", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create({ id: "lab" });
  await using ada = await openAs(server, "ada");
  for (const [type, payload] of [
    ["room_message", { message: 1 }],
    ["typing_indicator", { is_typing: true }],
    ["cursor_position", { position: 1 }],
    ["document_update", { update: "AAA=" }],
    ["leave_room", {}],
    ["room_member_update", { user_id: "bob", action: "kick" }],
  ] as const) {
    ada.send(type, { room_id: "lab", ...payload }, { message_id: type });
    expect(await ada.next("error_message")).toMatchObject({
      correlation_id: type,
      payload: { code: "not_in_room", room_id: "lab" },
    });
  }
});

test("[ROOM-14] a deleted room puts its members out, and one of the same name starts anew", async () => {
  await using server = await startServer();
  const { client: ada, position } = await openMember(server, "ada", "lab");
  ada.send("room_message", { room_id: "lab", message: 1 });
  await ada.next("ack");
  await server.server.live.rooms.delete("lab");
  expect((await ada.next("leave_room")).payload.reason).toBe("deleted");
  const { joined } = await openMember(server, "bob", "lab");
  expect([joined.seq, joined.owner_id]).toEqual([0, "bob"]);
  expect(joined.epoch).not.toBe(position.epoch);
});

test("[ROOM-15] the members of a room are told up to a bound, and counted beyond", async () => {
  const count = SERVER_LIMITS.toldMembersCount;
  await using server = await startServer({ settings: { maxMembersPerRoom: count + 2 } });
  const { broker } = server.server.live;
  for (let index = 0; index < count; index++) {
    const member = { connectionId: `c${index}`, userId: `u${index}`, userName: "U" };
    await broker.presence.enter("lab", member, count);
  }
  const { joined } = await openMember(server, "ada", "lab");
  expect([joined.members.length, joined.member_count]).toEqual([count, count + 1]);
});

test("[ROOM-16] a room without members leaves memory after its time, and its log and epoch stay", async () => {
  await using server = await startServer({ settings: { emptyRoomMs: 20 } });
  const { client: ada, position } = await openMember(server, "ada", "lab");
  ada.send("room_message", { room_id: "lab", message: "kept" });
  await ada.next("ack");
  const { live } = server.server;
  expect(live.rooms.activeCount).toBe(1);
  ada.send("leave_room", { room_id: "lab" });
  await expect.poll(() => live.rooms.activeCount, { timeout: 10_000 }).toBe(0);
  const { client: bob, joined } = await openMember(server, "bob", "lab");
  expect([joined.epoch, joined.seq, joined.owner_id]).toEqual([position.epoch, 1, "ada"]);
  bob.send("room_history", { room_id: "lab" });
  expect((await bob.next("room_message")).payload.message).toBe("kept");
});

test("[HISTORY-1] room_history answers with what is after a place, then with the entries themselves", async () => {
  await using server = await startServer();
  const { client: ada, position } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  for (let index = 1; index <= 5; index++) ada.send("room_message", { room_id: "lab", message: index });
  for (let index = 1; index <= 5; index++) await bob.next("room_message");
  bob.send(
    "room_history",
    { room_id: "lab", epoch: position.epoch, since: 2, limit: 2 },
    { message_id: "h" },
  );
  expect(await bob.next("room_history")).toMatchObject({
    correlation_id: "h",
    payload: { epoch: position.epoch, since: 2, seq: 4, recovered: true, more: true },
  });
  expect((await bob.next("room_message")).payload).toMatchObject({ seq: 3, message: 3 });
  expect((await bob.next("room_message")).payload).toMatchObject({ seq: 4, message: 4 });
  await using eve = await openAs(server, "eve");
  eve.send("room_history", { room_id: "lab" });
  expect((await eve.next("room_history")).payload).toMatchObject({ seq: 5, recovered: true, more: false });
});

test("[HISTORY-2] of another epoch nothing is answered but `recovered: false`, and members get the state", async () => {
  await using server = await startServer();
  const { client: ada, position } = await openMember(server, "ada", "lab");
  ada.send("room_message", { room_id: "lab", message: 1 });
  await ada.next("ack");
  ada.send("room_history", { room_id: "lab", epoch: "other", since: 0 });
  expect((await ada.next("room_history")).payload).toMatchObject({
    epoch: position.epoch,
    seq: 0,
    recovered: false,
  });
  expect((await ada.next("room_state")).payload).toMatchObject({ seq: 1, recovered: false });
});

test("[CONN-8] connections of a user and of an address are bounded, and the next is refused with 429", async () => {
  await using server = await startServer({
    settings: { maxConnectionsPerUser: 2, maxConnectionsPerAddress: 3 },
  });
  const refused = async (user: string) => {
    const socket = new WebSocket(`${server.ws}?user_id=${user}`);
    const [, response] = await once(socket, "unexpected-response");
    return [response.statusCode, response.headers["retry-after"]];
  };
  await using one = await openAs(server, "ada");
  await using two = await openAs(server, "ada");
  expect(await refused("ada")).toEqual([429, "2"]);
  await using three = await openAs(server, "bob");
  expect(await refused("eve")).toEqual([429, "2"]);
  one.socket.close(1000);
  await one.closed;
  await using four = await openAs(server, "ada");
  await Promise.all([two, three, four].map((client) => client.next("connection_ack")));
});
