import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { WebSocketManager } from "../manager.js";
import { openAs, openMember, resume } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import { STORAGE_KINDS, type StorageKind } from "../testing/storages.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { bearer, tokenOf, WITH_SECRET } from "../testing/tokens.js";

const CANARY = "canary-3ad0-of-ada";
const ADMIN_KEY = "k".repeat(32);
const ADMIN = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };

type Running = Awaited<ReturnType<typeof startServer>>;

/** What ada leaves behind: in a room of bob's, in rooms of her own, and outside rooms. */
async function leaveTraces({ server, url }: Running) {
  const { rooms, controls, privateEndpoints } = server.live;
  await rooms.create({ id: "bobs", ownerId: "bob" });
  await rooms.create({ id: "heirs", ownerId: "ada" });
  await rooms.create({ id: "hers", ownerId: "ada", metadata: { note: CANARY } });
  const { client: bob } = await openMember({ url }, "bob", "bobs");
  const { client: ada, joined } = await openMember({ url }, "ada", "bobs");
  for (const [client, message] of [
    [bob, "first"],
    [ada, `${CANARY} one`],
    [bob, "third"],
    [ada, { text: `${CANARY} two` }],
  ] as const) {
    client.send("room_message", { room_id: "bobs", message });
    await client.next("ack");
  }
  for (const [id, editor] of [
    ["bobs", "ada"],
    ["heirs", "carl"],
  ] as const) {
    await (await rooms.open(id)).change(() => ({ roles: { [editor]: "editor" } }));
  }
  ada.send(
    "query_request",
    { natural_language: "all city", room_id: "bobs" },
    { message_id: `${CANARY}-run` },
  );
  await ada.run(`${CANARY}-run`);
  ada.send("query_request", { sparql: `ASK { ?s ?p "${CANARY}" }` }, { message_id: "alone" });
  await ada.run("alone");
  await controls.sendToUser("ada", "notification", { message: CANARY });
  await privateEndpoints.register("ada", {
    title: CANARY,
    url: "https://example.org/sparql",
    roomId: null,
    headers: { "x-api-key": CANARY },
  });
  // What is kept of runs, and that the message was written, comes behind.
  await server.live.queries?.settled();
  await expect.poll(() => server.live.broker.queues.totalCount()).toBe(0);
  return { ada, bob, epoch: joined.epoch };
}

async function exported(url: string, init: RequestInit = {}): Promise<Record<string, unknown>[]> {
  const response = await fetch(url, init);
  expect(response.status).toBe(200);
  const lines = (await response.text()).trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("[DATA-5] what is stored of a user comes as lines of JSON, to the user and to the admin alone", async () => {
  await using running = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await leaveTraces(running);
  const address = `${running.url}/api/users/ada/data`;
  const data = await exported(address, ADMIN);
  const kinds = data.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "room")).toHaveLength(3);
  expect(data).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "room", room_id: "hers", role: "owner" }),
      expect.objectContaining({ kind: "room", room_id: "bobs", role: "editor" }),
      expect.objectContaining({ kind: "message", room_id: "bobs", seq: 2, message: `${CANARY} one` }),
      expect.objectContaining({ kind: "message", seq: 4, message: { text: `${CANARY} two` } }),
      expect.objectContaining({ kind: "run", room_id: "bobs", query_id: `${CANARY}-run` }),
      expect.objectContaining({ kind: "run", room_id: null, query_id: "alone" }),
      expect.objectContaining({ kind: "endpoint", title: CANARY, has_credentials: true }),
    ]),
  );
  expect(JSON.stringify(data)).not.toContain("x-api-key");
  expect(await exported(`${running.url}/api/users/nobody/data`, ADMIN)).toEqual([]);
  for (const query of ["", "?user_id=ada", `?api_key=${ADMIN_KEY}`]) {
    for (const method of ["GET", "DELETE"]) {
      expect((await fetch(`${address}${query}`, { method })).status).toBe(404);
    }
  }
});

test("[DATA-5] with authentication a user has the data of its own token, and of no other", async () => {
  await using running = await startServer({ settings: WITH_SECRET });
  const { rooms } = running.server.live;
  await rooms.create({ id: "hers", ownerId: "ada" });
  await rooms.create({ id: "his", ownerId: "bob" });
  const [ada, bob] = [bearer(await tokenOf("ada")), bearer(await tokenOf("bob"))];
  const address = `${running.url}/api/users/ada/data`;
  expect(await exported(address, ada)).toEqual([expect.objectContaining({ kind: "room", room_id: "hers" })]);
  for (const method of ["GET", "DELETE"]) {
    expect((await fetch(`${address}?user_id=ada`, { method, ...bob })).status).toBe(404);
    expect((await fetch(address, { method })).status).toBe(401);
  }
  const erased = await fetch(address, { method: "DELETE", ...ada });
  expect(await erased.json()).toEqual({ messages: 0, rooms_deleted: 1, rooms_handed_over: 0 });
  expect(await rooms.find("his")).toMatchObject({ ownerId: "bob" });
});

test("[DATA-5] what waits for a user who is away is in it; a program exports and erases it by the manager", async () => {
  await using running = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await running.server.live.controls.sendToUser("ada", "notification", { message: "waits" });
  const data = await exported(`${running.url}/api/users/ada/data`, ADMIN);
  expect(data).toMatchObject([{ kind: "notification", data: { payload: { message: "waits" } } }]);
  const manager = WebSocketManager.over(running.server.live);
  const kinds: string[] = [];
  for await (const { kind } of manager.exportUserData("ada")) kinds.push(kind);
  expect(kinds).toEqual(["notification"]);
  expect(await manager.eraseUserData("ada")).toMatchObject({ messages: 0, rooms_deleted: 0 });
  expect(await exported(`${running.url}/api/users/ada/data`, ADMIN)).toEqual([]);
});

const traces = ({ open }: StorageKind) => {
  test("[DATA-6] erased messages keep their places, by nobody; rooms are handed over or deleted; the user is out", async () => {
    await using storage = await open();
    await using running = await startServer({ storage, settings: { adminKey: ADMIN_KEY } });
    const { ada, bob, epoch } = await leaveTraces(running);
    const address = `${running.url}/api/users/ada/data`;
    const erased = await fetch(address, { method: "DELETE", ...ADMIN });
    expect(await erased.json()).toEqual({ messages: 2, rooms_deleted: 1, rooms_handed_over: 1 });
    expect((await ada.closed).code).toBe(4403);
    expect(await exported(address, ADMIN)).toEqual([]);
    const { rooms } = running.server.live;
    expect(await rooms.find("hers")).toBeNull();
    expect(await rooms.find("heirs")).toMatchObject({ ownerId: "carl", roles: {} });
    expect((await rooms.find("bobs"))?.roles).toEqual({});

    await using carl = await openAs(running, "carl", { room: "bobs" });
    expect((await carl.next("join_room")).payload).toMatchObject({ epoch, runs: [] });
    carl.send("room_history", { room_id: "bobs", epoch });
    expect((await carl.next("room_history")).payload).toMatchObject({ recovered: true });
    const told = [];
    for (let seq = 1; seq <= 4; seq++) told.push((await carl.next("room_message")).payload);
    expect(told).toMatchObject([
      { seq: 1, user_id: "bob", message: "first" },
      { seq: 2, user_id: "", user_name: "", message: null, erased: true },
      { seq: 3, user_id: "bob", message: "third" },
      { seq: 4, user_id: "", message: null, erased: true },
    ]);
    bob.send("room_message", { room_id: "bobs", message: "goes on" }, { message_id: "later" });
    await expect
      .poll(() => bob.log.some((each) => each.type === "ack" && each.correlation_id === "later"))
      .toBe(true);
  });
};

for (const kind of STORAGE_KINDS) traces(kind);

test("[DATA-6] after it no file of the store has any of it, while the server runs and after its end", async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  const bytesOfFiles = async () => {
    const names = await readdir(folder.path("."));
    const all = await Promise.all(names.map((name) => readFile(folder.path(name), "latin1")));
    return all.join("\n");
  };
  {
    await using running = await startServer({ storage, settings: { adminKey: ADMIN_KEY } });
    const { ada } = await leaveTraces(running);
    ada.socket.close();
    await ada.closed;
    await running.server.live.controls.sendToUser("ada", "notification", { message: CANARY });
    expect(await bytesOfFiles()).toContain(CANARY);
    await running.server.live.userData.erase("ada");
    expect(await bytesOfFiles()).not.toContain(CANARY);
  }
  await storage.close();
  expect(await bytesOfFiles()).not.toContain(CANARY);
  expect(await bytesOfFiles()).toContain("third");
});

test.each([
  "u".repeat(128),
  "a/b",
  "a/data",
  " ".repeat(128),
  "\u{1f600}".repeat(64),
  "__proto__",
  "constructor",
  "%2F",
])("[DATA-5] %j is the id of a user like others", async (id) => {
  await using running = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await running.server.live.rooms.create({ id: "lab", ownerId: id });
  const url = `${running.url}/api/users/${encodeURIComponent(id)}/data`;
  expect(await exported(url, ADMIN)).toEqual([{ kind: "room", room_id: "lab", name: "lab", role: "owner" }]);
  const erased = await fetch(url, { method: "DELETE", ...ADMIN });
  expect([erased.status, await erased.json()]).toMatchObject([200, { rooms_deleted: 1 }]);
  expect(await running.server.live.rooms.find("lab")).toBeNull();
});

test("[DATA-5] no other path below it, and no longer id, leads to anything", async () => {
  await using running = await startServer({ settings: { adminKey: ADMIN_KEY } });
  for (const path of ["", "/data", "ada", "ada/", "ada/data/x", "ada/date", `${"u".repeat(129)}/data`]) {
    expect([path, (await fetch(`${running.url}/api/users/${path}`, ADMIN)).status]).toEqual([path, 404]);
  }
});

test("[DATA-6] a connection that was lost cannot come back after it, and nobody sees it leave later", async () => {
  await using running = await startServer();
  const { live } = running.server;
  const { client, token } = await openMember(running, "ada", "lab");
  await using bob = (await openMember(running, "bob", "lab")).client;
  client.socket.terminate();
  await expect.poll(() => [...live.sessions.lost()]).toHaveLength(1);
  await live.userData.erase("ada");
  await bob.next("user_left");
  expect([...live.sessions.lost()]).toEqual([]);
  const back = await resume(running, { token });
  expect(back.resumed.session).toBe(false);
  await back.client[Symbol.asyncDispose]();
});
