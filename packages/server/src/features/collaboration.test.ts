import { createRoomSecret, openRoomSeal } from "@sparql-live/protocol/sealing";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { SERVER_LIMITS } from "../limits.js";
import { openAs, openMember } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import type { TestClient } from "../testing/test-client.js";

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** Nothing written, nothing deleted. */
const NOTHING = base64(Uint8Array.of(0, 0));

/** A document whose every change goes to the room, and the text `query` of it. */
function editor(client: TestClient, room = "lab") {
  const doc = new Y.Doc();
  doc.on("update", (update: Uint8Array) => {
    client.send("document_update", { room_id: room, update: base64(update) });
  });
  return { doc, text: doc.getText("query") };
}

function textOf(updates: readonly (string | Uint8Array | undefined)[]): string {
  const doc = new Y.Doc();
  for (const update of updates) {
    if (update === undefined) throw new Error("an update is missing");
    Y.applyUpdate(doc, typeof update === "string" ? Buffer.from(update, "base64") : update);
  }
  return doc.getText("query").toString();
}

test("[DOC-1] an update takes a place in the log: acknowledged to its sender, base64 in JSON and bytes in MessagePack to others", async () => {
  await using server = await startServer();
  const { client: ada, connectionId } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  await using eve = await openAs(server, "eve", { room: "lab", protocols: ["sparql-live.v1.msgpack"] });
  await eve.next("join_room");
  ada.send("room_message", { room_id: "lab", message: "first" });
  editor(ada).text.insert(0, "SELECT");
  expect((await ada.next("ack")).payload.seq).toBe(1);
  expect((await ada.next("ack")).payload.seq).toBe(2);
  const inJson = (await bob.next("document_update")).payload;
  expect(inJson).toMatchObject({ user_id: "ada", connection_id: connectionId, seq: 2 });
  const inBinary = (await eve.next("document_update")).payload;
  expect([typeof inJson.update, inBinary.update instanceof Uint8Array]).toEqual(["string", true]);
  expect([textOf([inJson.update]), textOf([inBinary.update])]).toEqual(["SELECT", "SELECT"]);
});

test("[DOC-2] who joins gets the whole document behind join_room, and what comes after it live", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { text } = editor(ada);
  for (const word of ["SELECT", " *", " WHERE"]) {
    text.insert(text.length, word);
    await ada.next("ack");
  }
  await using bob = await openAs(server, "bob", { room: "lab" });
  const { seq } = (await bob.next("join_room")).payload;
  const whole = (await bob.next("document_update")).payload;
  expect(whole).toMatchObject({ whole: true, seq });
  text.insert(text.length, " {}");
  const next = (await bob.next("document_update")).payload;
  expect(next.seq).toBe(seq + 1);
  expect(textOf([whole.update, next.update])).toBe("SELECT * WHERE {}");
});

test("[DOC-2] a room whose document is empty sends none", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  ada.send("room_message", { room_id: "lab", message: 1 });
  await ada.next("ack");
  expect(ada.log.some(({ type }) => type === "document_update")).toBe(false);
});

test("[DOC-3] a hostile update is refused, changes nothing, and the room goes on", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { doc, text } = editor(ada);
  text.insert(0, "good");
  await ada.next("ack");
  await bob.next("document_update");
  const valid = Y.encodeStateAsUpdate(doc);
  const hostile = [
    "no base64!",
    base64(Buffer.alloc(0)),
    base64(Buffer.alloc(64, 0xff)),
    base64(valid.subarray(0, valid.byteLength - 3)),
    base64(Buffer.concat([valid, Buffer.from("more")])),
  ];
  for (const update of hostile) {
    // In a row they would end the connection.
    bob.send("document_update", { room_id: "lab", update: NOTHING });
    await bob.next("ack");
    bob.send("document_update", { room_id: "lab", update }, { message_id: "bad" });
    expect(await bob.next("error_message")).toMatchObject({
      correlation_id: "bad",
      payload: { code: "bad_document_update", room_id: "lab" },
    });
  }
  bob.send("document_update", { room_id: "lab", update: 7 });
  expect((await bob.next("validation_error")).payload.code).toBe("invalid_message");
  text.insert(4, "!");
  await bob.next("document_update");
  const { client: eve } = await openMember(server, "eve", "lab");
  expect(textOf([(await eve.next("document_update")).payload.update])).toBe("good!");
});

test("[DOC-4] after more updates than the log keeps the document is whole, also where it was put away meanwhile", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0, emptyRoomMs: 20 } });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { text } = editor(ada);
  const count = SERVER_LIMITS.documentCompactionCount * 6;
  for (let index = 0; index < count; index++) {
    text.insert(text.length, "x");
    if (index % 50 === 49) for (let seen = 0; seen < 50; seen++) await ada.next("ack");
  }
  const { live } = server.server;
  await expect
    .poll(async () => (await live.broker.logs.state("room:lab")).snapshot?.seq ?? 0)
    .toBeGreaterThan(1_000);
  const first = await openMember(server, "bob", "lab");
  expect(textOf([(await first.client.next("document_update")).payload.update])).toBe("x".repeat(count));
  for (const client of [ada, first.client]) client.send("leave_room", { room_id: "lab" });
  await expect.poll(() => live.rooms.get("lab"), { timeout: 10_000 }).toBeUndefined();
  const second = await openMember(server, "eve", "lab");
  expect(textOf([(await second.client.next("document_update")).payload.update])).toBe("x".repeat(count));
});

test("[DOC-5] a document has its bound, and what would go over it is refused", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  const { client: ada } = await openMember(server, "ada", "lab");
  const { text } = editor(ada);
  const part = "x".repeat(90_000);
  let refusals = 0;
  for (let index = 0; index < 12 && refusals === 0; index++) {
    text.insert(text.length, part);
    const answer = await ada.nextOf("ack", "error_message");
    if (answer.type === "error_message") {
      expect(answer.payload.code).toBe("document_too_large");
      refusals++;
      expect(index).toBe(11);
    }
  }
  expect(refusals).toBe(1);
});

test("[DOC-6] awareness goes to the others and is kept nowhere; a broken one is refused", async () => {
  await using server = await startServer();
  const { client: ada, connectionId } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  // One client (id 1, clock 1) with the state {"a":1} (y-protocols, awareness.js).
  const state = '{"a":1}';
  const update = base64(Buffer.concat([Buffer.from([1, 1, 1, state.length]), Buffer.from(state)]));
  ada.send("awareness_update", { room_id: "lab", update });
  expect((await bob.next("awareness_update")).payload).toMatchObject({ connection_id: connectionId, update });
  ada.send("awareness_update", { room_id: "lab", update: base64(Buffer.from([1, 1, 1, 200])) });
  expect((await ada.next("error_message")).payload.code).toBe("bad_document_update");
  const { joined } = await openMember(server, "eve", "lab");
  expect(joined.seq).toBe(0);
});

test("[DOC-9] the fifth refused update in a row closes with 1008; a good one in between starts anew", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const refuse = async (type: "document_update" | "awareness_update") => {
    ada.send(type, { room_id: "lab", update: base64(Buffer.alloc(64, 0xff)) });
    expect((await ada.next("error_message")).payload.code).toBe("bad_document_update");
  };
  for (let count = 0; count < 4; count++) await refuse("document_update");
  ada.send("document_update", { room_id: "lab", update: NOTHING });
  await ada.next("ack");
  for (let count = 0; count < 4; count++)
    await refuse(count % 2 === 0 ? "awareness_update" : "document_update");
  expect(ada.socket.readyState).toBe(ada.socket.OPEN);
  await refuse("document_update");
  expect(await ada.closed).toEqual({ code: 1008, reason: '{"code":"too_many_bad_messages"}' });
});

test("[DOC-9] an update that needs a missing one is refused however often, until the whole state comes", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "SELECT");
  const before = Y.encodeStateVector(doc);
  doc.getText("query").insert(6, " *");
  const later = base64(Y.encodeStateAsUpdate(doc, before));
  for (let count = 0; count < SERVER_LIMITS.refusedUpdatesInARowCount + 1; count++) {
    ada.send("document_update", { room_id: "lab", update: later });
    expect((await ada.next("error_message")).payload.code).toBe("bad_document_update");
  }
  ada.send("document_update", { room_id: "lab", update: base64(Y.encodeStateAsUpdate(doc)) });
  expect((await ada.next("ack")).payload.seq).toBe(1);
});

test("[DOC-10] an update that brings nothing new is acknowledged in its place, and its bytes are kept nowhere", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "SELECT");
  const update = base64(Y.encodeStateAsUpdate(doc));
  for (const seq of [1, 2]) {
    ada.send("document_update", { room_id: "lab", update }, { message_id: `m${seq}` });
    expect((await ada.next("ack")).payload).toMatchObject({ message_id: `m${seq}`, seq });
  }
  expect((await bob.next("document_update")).payload).toMatchObject({ seq: 1, update });
  expect((await bob.next("document_update")).payload).toMatchObject({ seq: 2, update: NOTHING });
  const { pinned } = await server.server.live.broker.logs.state("room:lab");
  expect(pinned.map(({ data }) => data.includes(update))).toEqual([true, false]);
});

test("[ROOM-8] an update under a message_id that was used changes nothing: the document stays what everybody was told", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  ada.send("room_message", { room_id: "lab", message: "hello" }, { message_id: "m1" });
  expect((await ada.next("ack")).payload.seq).toBe(1);
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "SELECT");
  const update = base64(Y.encodeStateAsUpdate(doc));
  ada.send("document_update", { room_id: "lab", update }, { message_id: "m1" });
  expect((await ada.next("ack")).payload).toMatchObject({ message_id: "m1", seq: 1 });
  bob.send("document_request", { room_id: "lab" });
  expect(textOf([(await bob.next("document_update")).payload.update])).toBe("");
  ada.send("document_update", { room_id: "lab", update }, { message_id: "m2" });
  expect(textOf([(await bob.next("document_update")).payload.update])).toBe("SELECT");
});

test("[ENV-2] [DOC-12] the document whole, sealed or not, and empty too, is the reply to who asked for it", async () => {
  await using server = await startServer();
  const { rooms } = server.server.live;
  for (const id of ["lab", "den"]) await rooms.create({ id, ownerId: "ada", isEncrypted: id === "den" });
  await using ada = await openAs(server, "ada");
  for (const id of ["lab", "den"]) ada.send("join_room", { room_id: id });
  const seal = await openRoomSeal(createRoomSecret(), "den");
  const origin = { kind: "document", userId: "ada", messageId: "u" } as const;
  const sealed = base64(await seal.seal(Uint8Array.of(0, 0), origin));
  for (const isEmpty of [true, false]) {
    if (!isEmpty) {
      ada.send("document_update", { room_id: "den", sealed }, { message_id: "u" });
      await ada.next("ack");
    }
    ada.send("document_request", { room_id: "lab" }, { message_id: "in the clear" });
    expect((await ada.next("document_update")).correlation_id).toBe("in the clear");
    ada.send("document_request", { room_id: "den" }, { message_id: "sealed" });
    expect((await ada.next("document_snapshot")).correlation_id).toBe("sealed");
  }
});

test("[DOC-7] the query that a room's question was turned into is written into its document once, by the server", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const ask = (payload: object, id: string) =>
    ada.send("query_request", { room_id: "lab", ...payload }, { message_id: id });
  ask({ natural_language: "all cities" }, "q1");
  const result = (await bob.run("q1")).find(({ type }) => type === "query_result");
  const query = result?.type === "query_result" ? result.payload.query : "none";
  const updates = () =>
    bob.log.flatMap((message) => (message.type === "document_update" ? [message.payload] : []));
  await expect.poll(updates).toMatchObject([{ user_id: "sparql-live", connection_id: "server" }]);
  expect(textOf(updates().map(({ update }) => update))).toBe(`${query}\n`);
  ask({ sparql: "SELECT ?o { ?s ?p ?o }" }, "q2");
  await bob.run("q2");
  const { client: eve } = await openMember(server, "eve", "lab");
  expect(textOf([(await eve.next("document_update")).payload.update])).toBe(`${query}\n`);
  expect(updates()).toHaveLength(1);
});
