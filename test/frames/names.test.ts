import { expect, test } from "vitest";
import { openAs } from "../../packages/server/src/testing/room-clients.js";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { STORAGE_KINDS } from "../../packages/server/src/testing/storages.js";
import { openClient, type TestClient } from "../../packages/server/src/testing/test-client.js";

const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
const JSON_TYPE = { "content-type": "application/json" };
/** NUL, controls, a mark that turns the direction of what follows, line ends, markup. */
const ODD = "\u0000\u0007\u001b[31m\r\n\u009b\u202e\u2066abc\u2069\u2028<b>&amp;'\"\\ 😀";

function prototypeKeys(): string[] {
  return Object.getOwnPropertyNames(Object.prototype);
}

test.each(NAMES)("[ERR-4] %s is a room, a user and a message id like others", async (name) => {
  const before = prototypeKeys();
  await using server = await startServer();
  await using ada = await openAs(server, name, { room: name });
  expect((await ada.next("join_room")).payload).toMatchObject({ room_id: name, owner_id: name });
  await using bob = await openAs(server, "bob", { room: name });
  await bob.next("join_room");
  for (const id of [name, `${name}2`]) {
    ada.send("room_message", { room_id: name, message: { [name]: id } }, { message_id: id });
    const { payload } = await bob.next("room_message");
    expect([payload.user_id, Object.hasOwn(payload.message as object, name)]).toEqual([name, true]);
    expect((await ada.next("ack")).payload.message_id).toBe(id);
  }
  ada.send("room_message", { room_id: name, message: "again" }, { message_id: name });
  expect((await ada.next("ack")).payload.seq).toBe(1);
  bob.sendRaw(
    `{"type":"cursor_position","payload":{"room_id":"${name}","${name}":{"polluted":1},"position":1}}`,
  );
  await ada.next("cursor_position");
  ada.send("query_request", { natural_language: "all cities", room_id: name }, { message_id: name });
  expect((await bob.next("query_result", name)).payload.row_count).toBe(3);
  ada.send("room_member_update", { room_id: name, user_id: name, action: "kick" });
  expect((await ada.next("error_message")).payload.code).toBe("bad_request");
  ada.send("room_history", { room_id: name });
  expect((await ada.next("room_history")).payload.seq).toBeGreaterThanOrEqual(2);
  expect(prototypeKeys()).toEqual(before);
});

test.each(NAMES)(
  "[ERR-4] %s is no type of message, no action and no member of a payload that counts",
  async (name) => {
    const before = prototypeKeys();
    await using server = await startServer();
    await using ada = await openAs(server, "ada", { room: "lab" });
    await ada.next("join_room");
    ada.send(name, {});
    expect((await ada.next("validation_error")).payload.code).toBe("unknown_type");
    ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: name });
    expect((await ada.next("validation_error")).payload.code).toBe("invalid_message");
    ada.sendRaw(`{"type":"ping","${name}":{"polluted":true},"payload":{"${name}":{"polluted":true}}}`);
    await ada.next("pong");
    ada.sendRaw(`{"type":"leave_room","payload":{"${name}":{"room_id":"lab"}}}`);
    expect((await ada.next("validation_error")).payload.code).toBe("invalid_message");
    ada.send("resume", {
      resume_token: "none",
      positions: JSON.parse(`{"rooms":{"${name}":{"epoch":"e","seq":1}}}`),
    });
    const { rooms } = (await ada.next("resumed")).payload;
    expect(Object.hasOwn(rooms, name)).toBe(true);
    expect(prototypeKeys()).toEqual(before);
  },
);

test.each(NAMES)("[ERR-4] %s over HTTP is a room and a key of metadata, or refused", async (name) => {
  const before = prototypeKeys();
  await using server = await startServer();
  const made = await fetch(`${server.url}/api/ws/rooms?user_id=${name}`, {
    method: "POST",
    headers: JSON_TYPE,
    body: `{"room_id":"${name}","name":"${name}","metadata":{"${name}":{"polluted":true}}}`,
  });
  // The parser of bodies refuses the one key that could do harm, and a constructor that holds a prototype.
  expect(made.status).toBe(name === "__proto__" ? 400 : 200);
  const found = await fetch(`${server.url}/api/ws/rooms/${name}?${name}=x`);
  expect(found.status).toBe(name === "__proto__" ? 404 : 200);
  const query = await fetch(`${server.url}/sparql?query=ASK%7B%7D&${name}=x&${name}[polluted]=x`);
  expect(query.status).toBe(200);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(prototypeKeys()).toEqual(before);
});

test.each(["", "a b", "a/b", "ä", "a.b", "\u0000", "x".repeat(129)])(
  "[ROOM-1] %j is no id of a room",
  async (id) => {
    await using server = await startServer();
    await using ada = await openAs(server, "ada");
    ada.send("join_room", { room_id: id });
    expect((await ada.next("validation_error")).payload.code).toBe("invalid_message");
    ada.send("join_room", { room_id: "x".repeat(128) });
    expect((await ada.next("error_message")).payload.code).toBe("room_not_found");
  },
);

test.each(STORAGE_KINDS)(
  "[ERR-7] in $kind odd names and messages are handed on and kept as they came",
  async ({ open }) => {
    await using storage = await open();
    await using server = await startServer({ storage });
    await using ada = await openNamed(server, "ada", ODD);
    await using bob = await openAs(server, "bob", { room: "lab" });
    await bob.next("join_room");
    ada.send("room_message", { room_id: "lab", message: { [ODD]: ODD } }, { message_id: ODD });
    const { payload } = await bob.next("room_message");
    expect([payload.user_name, payload.message]).toEqual([ODD, { [ODD]: ODD }]);
    expect((await ada.next("ack")).payload.message_id).toBe(ODD);
    bob.send("room_history", { room_id: "lab" });
    await bob.next("room_history");
    expect((await bob.next("room_message")).payload).toEqual(payload);
    ada.send("query_request", { natural_language: ODD, room_id: "lab" }, { message_id: ODD });
    expect((await bob.next("query_progress", ODD)).payload.details).toMatchObject({ natural_language: ODD });
  },
);

async function openNamed(server: TestServer, id: string, name: string): Promise<TestClient> {
  const query = `user_id=${id}&user_name=${encodeURIComponent(name)}`;
  const client = await openClient(`${server.url.replace("http", "ws")}/api/ws/room/lab?${query}`);
  await client.next("join_room");
  return client;
}
