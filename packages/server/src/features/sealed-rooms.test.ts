import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createRoomSecret, linkWithSecret, secretOfLink } from "@sparql-live/protocol/sealing";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { openFileStorage } from "../file-storage.js";
import { SERVER_LIMITS } from "../limits.js";
import { openAs } from "../testing/room-clients.js";
import { openSealing } from "../testing/sealing-clients.js";
import { startServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const CANARY = "canary-7c1f-the-unpublished-gene";
const LAB = { id: "lab", ownerId: "ada", isEncrypted: true } as const;

test("[SEAL-4] two clients with the link read each other, and nothing that the server keeps, logs or tells has the text or the key", async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  const told: string[] = [];
  let link = "";
  {
    await using server = await startServer({ storage });
    const made = await fetch(`${server.url}/api/ws/rooms?room_id=lab&is_encrypted=true&user_id=ada`, {
      method: "POST",
    });
    expect(await made.json()).toMatchObject({ room_id: "lab", is_encrypted: true });
    link = linkWithSecret(`${server.url}/rooms/lab`, createRoomSecret());
    const secret = secretOfLink(link) ?? "";
    const ada = await openSealing(server, "ada", { room: "lab", secret });
    const bob = await openSealing(server, "bob", {
      room: "lab",
      secret,
      protocols: ["sparql-live.v1.msgpack"],
    });
    expect(ada.joined).toMatchObject({ is_encrypted: true, are_runs_encrypted: false });

    await ada.send("room_message", "message", CANARY);
    expect(String(await bob.open("message", await bob.client.next("room_message")))).toBe(CANARY);
    await bob.send("room_message", "message", `${CANARY} too`);
    expect(String(await ada.open("message", await ada.client.next("room_message")))).toBe(`${CANARY} too`);
    await bob.send("cursor_position", "cursor", CANARY);
    expect(String(await ada.open("cursor", await ada.client.next("cursor_position")))).toBe(CANARY);
    await ada.send("awareness_update", "awareness", CANARY);
    expect(String(await bob.open("awareness", await bob.client.next("awareness_update")))).toBe(CANARY);
    const doc = new Y.Doc();
    doc.getText("query").insert(0, CANARY);
    await ada.send("document_update", "document", Y.encodeStateAsUpdate(doc));
    const read = new Y.Doc();
    Y.applyUpdate(read, await bob.open("document", await bob.client.next("document_update")));
    expect(String(read.getText("query"))).toBe(CANARY);
    const { seq, epoch } = (await ada.client.next("ack")).payload;
    await ada.send("document_snapshot", "snapshot", CANARY, { epoch, seq });
    await ada.client.next("snapshot_stored");

    for (const path of ["/metrics", "/api/ws/metrics", "/api/ws/rooms", "/api/ws/rooms/lab"]) {
      told.push(await (await fetch(`${server.url}${path}`)).text());
    }
    told.push(...server.logged);
    await ada.client[Symbol.asyncDispose]();
    await bob.client[Symbol.asyncDispose]();
  }
  await storage.close();
  const secret = secretOfLink(link) ?? "";
  const kept = dirname(folder.path("store.db"));
  for (const name of await readdir(kept)) told.push((await readFile(`${kept}/${name}`)).toString("latin1"));
  expect(told.join("\n")).toContain("lab");
  for (const hidden of [CANARY, Buffer.from(CANARY).toString("base64").slice(0, 30), secret]) {
    expect(told.join("\n")).not.toContain(hidden);
  }
});

test("[SEAL-5] an encrypted room refuses what is clear, and a clear room what is sealed", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const secret = createRoomSecret();
  const ada = await openSealing(server, "ada", { room: "lab", secret });
  const clear = [
    ["room_message", { message: "clear" }],
    ["cursor_position", { position: 1 }],
    ["cursor_position", { sealed: await ada.sealed("cursor", "x", "c1"), position: 1 }],
    ["document_update", { update: "AAA=" }],
    ["awareness_update", { update: "AAA=" }],
  ] as const;
  for (const [type, payload] of clear) {
    ada.client.send(type, { room_id: "lab", ...payload }, { message_id: "c1" });
    expect((await ada.client.next("error_message")).payload, type).toMatchObject({
      code: "seal_required",
      room_id: "lab",
    });
  }
  await expect(
    server.server.live.controls.sendToRoom("lab", "room_message", { message: "clear" }),
  ).rejects.toMatchObject({ code: "seal_required" });

  await using bob = await openAs(server, "bob", { room: "open" });
  expect((await bob.next("join_room")).payload).toMatchObject({ is_encrypted: false });
  const sealed = await ada.sealed("message", "x", "s1");
  for (const type of ["room_message", "cursor_position", "document_update", "awareness_update"]) {
    bob.send(type, { room_id: "open", sealed }, { message_id: "s1" });
    expect((await bob.next("error_message")).payload.code, type).toBe("seal_unexpected");
  }
  bob.send("document_snapshot", { room_id: "open", epoch: "e", seq: 1, sealed }, { message_id: "s1" });
  expect((await bob.next("error_message")).payload.code).toBe("seal_unexpected");
  bob.send("room_message", { room_id: "open", message: 1, sealed }, { message_id: "s1" });
  expect((await bob.next("validation_error")).payload.code).toBe("invalid_message");
});

test("[SEAL-6] what has not the form of a sealed thing, or names another message, is refused", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const ada = await openSealing(server, "ada", { room: "lab", secret: createRoomSecret() });
  const sealed = await ada.sealed("message", "x", "m1");
  const wrong = [
    ["not base64!", "m1"],
    ["", "m1"],
    [Buffer.from("plain text that is long enough to be something").toString("base64"), "m1"],
    [sealed, "m2"],
    [sealed, undefined],
  ] as const;
  for (const [form, messageId] of wrong) {
    ada.client.send("room_message", { room_id: "lab", sealed: form }, { message_id: messageId });
    expect((await ada.client.next("error_message")).payload.code).toBe("bad_seal");
  }
  ada.client.send("room_message", { room_id: "lab", sealed }, { message_id: "m1" });
  expect((await ada.client.next("ack")).payload.seq).toBe(1);
});

test("[SEAL-7] who joins gets the snapshot and the updates after it; a snapshot frees the updates that it covers", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const secret = createRoomSecret();
  const doc = new Y.Doc();
  const text = doc.getText("query");
  {
    const storage = await openFileStorage(path);
    await using server = await startServer({ storage });
    await server.server.live.rooms.create(LAB);
    const ada = await openSealing(server, "ada", { room: "lab", secret });
    expect(ada.client.log.some(({ type }) => type === "document_snapshot")).toBe(false);
    let before = Y.encodeStateVector(doc);
    for (const word of ["SELECT", " *", " WHERE"]) {
      text.insert(text.length, word);
      await ada.send("document_update", "document", Y.encodeStateAsUpdate(doc, before));
      before = Y.encodeStateVector(doc);
      await ada.client.next("ack");
    }
    const whole = Y.encodeStateAsUpdate(doc);
    await ada.send("document_snapshot", "snapshot", whole, { epoch: ada.joined.epoch, seq: 3 });
    expect((await ada.client.next("snapshot_stored")).payload).toMatchObject({ room_id: "lab", seq: 3 });
    expect(await storage.broker.logs.state("room:lab")).toMatchObject({ snapshot: { seq: 3 }, pinned: [] });
    text.insert(text.length, " {}");
    await ada.send("document_update", "document", Y.encodeStateAsUpdate(doc, before));
    await ada.client.next("ack");
    await ada.client[Symbol.asyncDispose]();
    await server.server.close();
    await storage.close();
  }
  const storage = await openFileStorage(path);
  await using server = await startServer({ storage });
  for (const protocols of [[], ["sparql-live.v1.msgpack"]]) {
    const bob = await openSealing(server, "bob", { room: "lab", secret, protocols });
    const { payload } = await bob.client.next("document_snapshot");
    expect(payload).toMatchObject({ seq: 4, snapshot: { seq: 3, user_id: "ada" }, updates: [{ seq: 4 }] });
    const read = new Y.Doc();
    const opened = [
      ...(await bob.openEach("snapshot", [payload.snapshot ?? {}])),
      ...(await bob.openEach("document", payload.updates)),
    ];
    for (const update of opened) Y.applyUpdate(read, update);
    expect(String(read.getText("query"))).toBe("SELECT * WHERE {}");
    await bob.client[Symbol.asyncDispose]();
  }
  await server.server.close();
  await storage.close();
});

test("[SEAL-8] a client is asked for a snapshot when many updates wait, and beyond the bound updates are refused until there is one", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const ada = await openSealing(server, "ada", { room: "lab", secret: createRoomSecret() });
  const large = new Uint8Array(60 * 1024);
  // Five of them are more than 256 KiB.
  for (let count = 1; count <= 4; count++) {
    await ada.send("document_update", "document", large);
    await ada.client.next("ack");
  }
  expect((await ada.client.next("snapshot_wanted")).payload).toMatchObject({
    room_id: "lab",
    update_count: 4,
  });
  const asked = ada.client.log.flatMap((message) =>
    message.type === "snapshot_wanted" ? [message.payload.update_count] : [],
  );
  expect(asked).toEqual([3, 4]);
  await ada.send("document_update", "document", large);
  expect((await ada.client.next("error_message")).payload.code).toBe("snapshot_required");
  const { epoch } = ada.joined;
  await ada.send("document_snapshot", "snapshot", "all", { epoch, seq: 4 });
  await ada.client.next("snapshot_stored");
  await ada.send("document_update", "document", large);
  expect((await ada.client.next("ack")).payload.seq).toBe(5);
});

test("[SEAL-8] so many updates as the bound may wait, and not one more", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const { live } = server.server;
  const ada = await openSealing(server, "ada", { room: "lab", secret: createRoomSecret() });
  const room = await live.rooms.open("lab");
  const author = { userId: "ada", userName: "ADA", connectionId: "c" };
  for (let count = 1; count < SERVER_LIMITS.sealedUpdatesCount; count++) {
    const sent = { messageId: `u${count}`, correlationId: undefined };
    await room.log.append(null, sent, { kind: "sealed-update", author, sealed: "AAAA" });
  }
  await ada.send("document_update", "document", "x");
  expect((await ada.client.next("ack")).payload.seq).toBe(SERVER_LIMITS.sealedUpdatesCount);
  await ada.send("document_update", "document", "x");
  expect((await ada.client.next("error_message")).payload.code).toBe("snapshot_required");
});

test("[SEAL-9] a large snapshot comes in parts, in order; one of another place, too large, or by a viewer is refused", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create({ ...LAB, defaultRole: "viewer" });
  const secret = createRoomSecret();
  const ada = await openSealing(server, "ada", { room: "lab", secret });
  const { epoch } = ada.joined;
  await ada.send("document_update", "document", "first");
  const { seq } = (await ada.client.next("ack")).payload;
  const plaintext = Buffer.alloc(200_000, "a");
  const whole = Buffer.from(String(await ada.sealed("snapshot", plaintext, "p0")), "base64");
  const send = (part: number, more: object = {}) =>
    ada.client.send(
      "document_snapshot",
      {
        room_id: "lab",
        epoch,
        seq,
        part,
        part_count: 3,
        sealed: whole.subarray(part * 70_000, (part + 1) * 70_000).toString("base64"),
        ...more,
      },
      { message_id: `p${part}` },
    );
  const refused = async () => (await ada.client.next("error_message")).payload.code;
  send(1);
  expect(await refused()).toBe("bad_request");
  send(0);
  send(2);
  expect(await refused()).toBe("bad_request");
  send(0, { epoch: "another" });
  expect(await refused()).toBe("bad_request");
  send(0, { seq: seq + 1 });
  expect(await refused()).toBe("bad_request");
  for (const part of [0, 1, 2]) send(part);
  expect((await ada.client.next("snapshot_stored")).payload.seq).toBe(seq);

  const bob = await openSealing(server, "bob", { room: "lab", secret });
  const told = (await bob.client.next("document_snapshot")).payload;
  const [opened] = await bob.openEach("snapshot", [told.snapshot ?? {}]);
  expect(opened?.equals(plaintext)).toBe(true);
  await bob.send("document_snapshot", "snapshot", "x", { epoch, seq });
  expect((await bob.client.next("error_message")).payload.code).toBe("role_forbidden");

  const part = Buffer.alloc(90_000, 1).toString("base64");
  for (let index = 0; index < 5; index++) send(index, { part_count: 5, sealed: part });
  expect(await refused()).toBe("document_too_large");
});

test("[SEAL-10] what was missed comes sealed as it was, in its order, and one's own as ack", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const secret = createRoomSecret();
  const ada = await openSealing(server, "ada", { room: "lab", secret });
  for (const text of ["one", "two", "three"]) {
    await ada.send("room_message", "message", text);
    await ada.client.next("ack");
  }
  const bob = await openSealing(server, "bob", { room: "lab", secret });
  bob.client.send("room_history", { room_id: "lab" });
  for (const text of ["one", "two", "three"]) {
    expect(String(await bob.open("message", await bob.client.next("room_message")))).toBe(text);
  }
});

test("[SEAL-11] a question in an encrypted room is not encrypted, and its query is not written into the document", async () => {
  await using server = await startServer();
  await server.server.live.rooms.create(LAB);
  const ada = await openSealing(server, "ada", { room: "lab", secret: createRoomSecret() });
  ada.client.send("query_request", { natural_language: "all city", room_id: "lab" }, { message_id: "q1" });
  await ada.client.run("q1");
  await ada.send("room_message", "message", "after");
  expect((await ada.client.next("ack")).payload.seq).toBe(1);
  expect(ada.client.log.some(({ type }) => type === "document_update")).toBe(false);
});
