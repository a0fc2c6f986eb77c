import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerMessageType } from "@sparql-live/protocol";
import { describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import * as Y from "yjs";
import { SERVER_LIMITS } from "./limits.js";
import { WebSocketManager } from "./manager.js";
import { createMemoryStorage } from "./memory-storage.js";
import type { Storage } from "./storage.js";
import { startServer, type TestServer } from "./testing/start-server.js";
import { openClient, type TestClient } from "./testing/test-client.js";
import { bearer, tokenOf, WITH_SECRET } from "./testing/tokens.js";

const ADMIN_KEY = "k".repeat(SERVER_LIMITS.minAdminKeyCharacters);

/** `member`: in the room by its invitation, and named nowhere. `banned` was in it. The last four are outside. */
const ACTORS = ["owner", "editor", "viewer", "member", "stranger", "guest", "banned", "admin"] as const;
type Actor = (typeof ACTORS)[number];
const INSIDE: readonly Actor[] = ["owner", "editor", "viewer", "member"];

const ENDLESS = "SELECT * { ?s ?p ?o } # urn:test:endless";
const update = () => {
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "ASK {}");
  return Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64");
};

interface Verb {
  readonly type: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Answers of who may; absent: there is none. */
  readonly answers?: readonly ServerMessageType[];
  /** Whether the owner has a run in progress in the room. */
  readonly onRun?: boolean;
}

/** What is sent, beside the `room_id`. */
const VERBS = {
  join: { type: "join_room", answers: ["join_room"] },
  "read history": { type: "room_history", answers: ["room_history"] },
  post: { type: "room_message", payload: { message: "hi" }, answers: ["ack"] },
  edit: { type: "document_update", payload: { update: update() }, answers: ["ack"] },
  type: { type: "typing_indicator", payload: { is_typing: true } },
  point: { type: "cursor_position", payload: { position: 1 } },
  run: { type: "query_request", payload: { sparql: "ASK { ?s ?p ?o }" }, answers: ["query_result"] },
  cancel: {
    type: "query_cancel",
    payload: { query_id: "theirs" },
    answers: ["query_cancelled"],
    onRun: true,
  },
  attach: {
    type: "query_attach",
    payload: { query_id: "theirs" },
    answers: ["query_progress"],
    onRun: true,
  },
  "change roles": {
    type: "room_member_update",
    payload: { user_id: "zed", action: "role", role: "viewer" },
    answers: ["room_member_update"],
  },
  kick: {
    type: "room_member_update",
    payload: { user_id: "zed", action: "kick" },
    answers: ["room_member_update"],
  },
  ban: {
    type: "room_member_update",
    payload: { user_id: "zed", action: "ban" },
    answers: ["room_member_update"],
  },
  "take a ban back": {
    type: "room_member_update",
    payload: { user_id: "zed", action: "unban" },
    answers: ["room_member_update"],
  },
  invite: { type: "room_invite", payload: { action: "rotate" }, answers: ["room_invite"] },
  delete: { type: "delete_room", answers: ["room_deleted"] },
} as const satisfies Readonly<Record<string, Verb>>;
type VerbName = keyof typeof VERBS;

const all = (outcome: string) => Object.fromEntries(ACTORS.map((actor) => [actor, outcome]));
const inside = (outcome: string, refusal: string) =>
  Object.fromEntries(ACTORS.map((actor) => [actor, INSIDE.includes(actor) ? outcome : refusal]));
const WRITING = { ...inside("ok", "not_in_room"), viewer: "role_forbidden" };
const OWNING = { ...inside("role_forbidden", "not_in_room"), owner: "ok" };

/** What each may do to a private room, and what is answered where not. */
const PRIVATE: Readonly<Record<VerbName, Readonly<Record<string, string>>>> = {
  join: inside("ok", "room_not_found"),
  "read history": inside("ok", "room_not_found"),
  post: WRITING,
  edit: WRITING,
  type: inside("ok", "not_in_room"),
  point: inside("ok", "not_in_room"),
  run: WRITING,
  // Of what others began a viewer only stops watching.
  cancel: { ...inside("ok", "not_in_room"), viewer: "detached" },
  attach: inside("ok", "not_in_room"),
  "change roles": OWNING,
  kick: OWNING,
  ban: OWNING,
  "take a ban back": OWNING,
  invite: WRITING,
  delete: { ...all("room_not_found"), owner: "ok", admin: "ok" },
};

/** A public one differs in who may come in, and wants no invitation. */
const PUBLIC: typeof PRIVATE = {
  ...PRIVATE,
  join: { ...all("ok"), banned: "room_not_found" },
  "read history": { ...all("ok"), banned: "room_not_found" },
  invite: { ...WRITING, owner: "bad_request", editor: "bad_request", member: "bad_request" },
};

/** In the open mode nobody is an admin by what an address says: an application vouches for one. */
async function openVouched(server: TestServer) {
  const manager = WebSocketManager.over(server.server.live);
  const httpServer = createServer();
  const sockets = new WebSocketServer({ server: httpServer, perMessageDeflate: false });
  sockets.on("connection", (socket, request) => {
    manager.connect(socket, request, { userId: "root", role: "admin" });
  });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const client = await openClient(`ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}`);
  return {
    client,
    async close() {
      await client[Symbol.asyncDispose]();
      httpServer.close();
      await once(httpServer, "close");
    },
  };
}

/** Ids of users tell their rooms apart, so that no limit of one user is shared between cells. */
async function openActor(server: TestServer, actor: Actor, roomId: string) {
  if (actor === "admin") return openVouched(server);
  const query = actor === "guest" ? "" : `?user_id=${actor}-${roomId}`;
  const client = await openClient(server.ws + query);
  return { client, close: () => client[Symbol.asyncDispose]() };
}

async function makeRoom(server: TestServer, roomId: string, isPublic: boolean): Promise<string> {
  const { rooms } = server.server.live;
  await rooms.create({ id: roomId, ownerId: `owner-${roomId}`, isPublic });
  const room = await rooms.open(roomId);
  await room.change(() => ({
    roles: { [`editor-${roomId}`]: "editor", [`viewer-${roomId}`]: "viewer" },
    bannedUserIds: [`banned-${roomId}`],
  }));
  return room.record.invite ?? "";
}

async function enter(client: TestClient, roomId: string, invite: string) {
  client.send("join_room", { room_id: roomId, invite });
  await client.next("join_room");
}

/** `ok`, the code of the refusal, or `detached`. */
async function outcomeOf(client: TestClient, verb: Verb, roomId: string): Promise<string> {
  const { type, payload = {}, answers } = verb;
  client.send(type, { room_id: roomId, ...payload }, { message_id: "asked" });
  // Where nothing is answered, the answer to what comes behind says that nothing was refused.
  if (answers === undefined) client.send("endpoint_status", {}, { message_id: "behind" });
  const found = await client.nextOf(
    "error_message",
    "validation_error",
    ...(answers ?? (["endpoint_status"] as const)),
  );
  if (found.type === "error_message" || found.type === "validation_error") return found.payload.code;
  if (found.type === "query_cancelled" && found.payload.reason === "detached") return "detached";
  return "ok";
}

async function cell(server: TestServer, actor: Actor, verb: Verb, roomId: string, isPublic: boolean) {
  const invite = await makeRoom(server, roomId, isPublic);
  const owner = await openActor(server, "owner", roomId);
  if (verb.onRun === true) {
    await enter(owner.client, roomId, invite);
    const request = { sparql: ENDLESS, stream: true, credit: 1, room_id: roomId };
    owner.client.send("query_request", request, { message_id: "theirs" });
    await owner.client.next("query_rows", "theirs");
  }
  const opened = await openActor(server, actor, roomId);
  if (INSIDE.includes(actor)) await enter(opened.client, roomId, invite);
  const outcome = await outcomeOf(opened.client, verb, roomId);
  await opened.close();
  // A farewell ends its run at once.
  owner.client.socket.close(1000);
  await owner.client.closed;
  return outcome;
}

describe.each([
  { kind: "private", expected: PRIVATE },
  { kind: "public", expected: PUBLIC },
])("a $kind room", ({ kind, expected }) => {
  test.each(Object.entries(VERBS))(`[ACCESS-1] of a ${kind} room: who may %s`, async (name, verb) => {
    await using server = await startServer({ settings: { maxConnectionsPerAddress: 1_000 } });
    const outcomes: Record<string, string> = {};
    for (const actor of ACTORS) {
      outcomes[actor] = await cell(server, actor, verb, `${actor}-room`, kind === "public");
    }
    // The entries are those of the table.
    expect(outcomes).toEqual(expected[name as VerbName]);
  });
});

test("[ACCESS-2] the invitation lets anybody into a private room who is not banned", async () => {
  await using server = await startServer();
  const outcomes: Record<string, string> = {};
  for (const actor of ACTORS) {
    const roomId = `${actor}-room`;
    const invite = await makeRoom(server, roomId, false);
    const opened = await openActor(server, actor, roomId);
    const join: Verb = { ...VERBS.join, payload: { invite } };
    outcomes[actor] = await outcomeOf(opened.client, join, roomId);
    await opened.close();
  }
  expect(outcomes).toEqual({ ...all("ok"), banned: "room_not_found" });
});

test("[ACCESS-3] an invitation is made, replaced and taken back; who may invite is told", async () => {
  await using server = await startServer();
  const invite = await makeRoom(server, "lab", false);
  const owner = await openActor(server, "owner", "lab");
  const editor = await openActor(server, "editor", "lab");
  const viewer = await openActor(server, "viewer", "lab");
  for (const { client } of [owner, editor, viewer]) await enter(client, "lab", "");
  const changed = async (action: string) => {
    editor.client.send("room_invite", { room_id: "lab", action }, { message_id: action });
    const told = await editor.client.next("room_invite");
    expect(told.correlation_id).toBe(action);
    expect((await owner.client.next("room_invite")).payload).toEqual(told.payload);
    return told.payload.invite;
  };
  const lets = async (shown: string | null) => {
    const { client, close } = await openActor(server, "stranger", "lab");
    const outcome = await outcomeOf(client, { ...VERBS.join, payload: { invite: shown } }, "lab");
    await close();
    return outcome;
  };
  expect(await changed("make")).toBe(invite);
  const second = await changed("rotate");
  expect(second).not.toBe(invite);
  expect([await lets(invite), await lets(second)]).toEqual(["room_not_found", "ok"]);
  expect(await changed("revoke")).toBeNull();
  expect([await lets(second), await lets(null)]).toEqual(["room_not_found", "room_not_found"]);
  const third = await changed("make");
  expect(third).not.toBe(second);
  expect(await lets(third)).toBe("ok");
  expect(viewer.client.log.map(({ type }) => type)).not.toContain("room_invite");
  await Promise.all([owner, editor, viewer].map(({ close }) => close()));
});

const REST_ACTORS = ["owner", "editor", "viewer", "stranger", "guest", "banned", "admin"] as const;

const rest = (server: TestServer, actor: (typeof REST_ACTORS)[number], path: string, method = "GET") => {
  const isNamed = actor !== "guest" && actor !== "admin";
  const query = isNamed ? `?user_id=${actor}-lab` : "";
  const headers: Record<string, string> = actor === "admin" ? { authorization: `Bearer ${ADMIN_KEY}` } : {};
  return fetch(`${server.url}/api/ws/${path}${query}`, { method, headers });
};

const seen = { owner: 200, editor: 200, viewer: 200, stranger: 404, guest: 404, banned: 404, admin: 200 };
const adminAlone = { ...Object.fromEntries(REST_ACTORS.map((actor) => [actor, 404])), admin: 200 };

test.each([
  { what: "see a private room", path: "rooms/lab", isPublic: false, expected: seen },
  {
    what: "see a public room",
    path: "rooms/lab",
    isPublic: true,
    expected: { ...seen, stranger: 200, guest: 200 },
  },
  {
    what: "delete a private room",
    path: "rooms/lab",
    method: "DELETE",
    isPublic: false,
    expected: { ...adminAlone, owner: 200 },
  },
  {
    what: "delete a public room",
    path: "rooms/lab",
    method: "DELETE",
    isPublic: true,
    expected: { ...adminAlone, owner: 200 },
  },
  { what: "list connections", path: "connections", expected: adminAlone },
  { what: "read analytics", path: "analytics", expected: adminAlone },
])("[ACCESS-4] over HTTP: who may $what", async ({ path, method, isPublic = true, expected }) => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  const statuses: Record<string, number> = {};
  for (const actor of REST_ACTORS) {
    await server.server.live.rooms.delete("lab").catch(() => undefined);
    await makeRoom(server, "lab", isPublic);
    statuses[actor] = (await rest(server, actor, path, method)).status;
  }
  expect(statuses).toEqual(expected);
});

test("[ACCESS-4] a list has public rooms, those in which who asks has a role, and for the admin all", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await makeRoom(server, "lab", false);
  await server.server.live.rooms.create({ id: "hall" });
  await server.server.live.rooms.create({ id: "vault", ownerId: "other", isPublic: false });
  const listed: Record<string, string[]> = {};
  for (const actor of REST_ACTORS) {
    const body = (await (await rest(server, actor, "rooms")).json()) as { rooms: { room_id: string }[] };
    listed[actor] = body.rooms.map(({ room_id: id }) => id);
  }
  const some = ["lab", "hall"];
  expect(listed).toEqual({
    owner: some,
    editor: some,
    viewer: some,
    stranger: ["hall"],
    guest: ["hall"],
    banned: ["hall"],
    admin: ["lab", "hall", "vault"],
  });
});

test.each(Object.entries(VERBS).filter(([, verb]) => !("onRun" in verb)))(
  "[ACCESS-5] to who is outside an absent room and a forbidden one answer %s alike",
  async (_name, verb: Verb) => {
    await using server = await startServer();
    await makeRoom(server, "hidden", false);
    for (const actor of ["stranger", "guest", "banned"] as const) {
      const { client, close } = await openActor(server, actor, "hidden");
      const answers: unknown[] = [];
      for (const roomId of ["hidden", "absent"]) {
        client.send(verb.type, { room_id: roomId, ...verb.payload }, { message_id: "asked" });
        const { message_id: _, timestamp: __, ...answer } = await client.next("error_message");
        answers.push(JSON.parse(JSON.stringify(answer).replaceAll(roomId, "room")));
      }
      expect(answers[0]).toEqual(answers[1]);
      await close();
    }
  },
);

test.each(["query_cancel", "query_attach"])(
  "[ACCESS-5] a query of somebody else answers %s like one that is not there",
  async (type) => {
    await using server = await startServer();
    await using ada = await openClient(`${server.ws}?user_id=ada`);
    ada.send("query_request", { sparql: ENDLESS, stream: true, credit: 1 }, { message_id: "theirs" });
    await ada.next("query_rows", "theirs");
    for (const query of ["?user_id=bob", ""]) {
      await using other = await openClient(server.ws + query);
      const answers: unknown[] = [];
      for (const queryId of ["theirs", "absent"]) {
        other.send(type, { query_id: queryId }, { message_id: "asked" });
        const { message_id: _, timestamp: __, ...answer } = await other.next("error_message");
        answers.push(JSON.parse(JSON.stringify(answer).replaceAll(queryId, "query")));
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ payload: { code: "query_not_found" } });
    }
    ada.socket.close(1000);
  },
);

/** Counts what is read of rooms and of their logs. */
function countingStorage(): Storage & { readonly readsCount: () => number } {
  const storage = createMemoryStorage();
  const { broker, store } = storage;
  let reads = 0;
  const counting = <A extends unknown[], R>(read: (...args: A) => R) => {
    return (...args: A) => {
      reads++;
      return read(...args);
    };
  };
  return {
    ...storage,
    broker: {
      ...broker,
      logs: { ...broker.logs, head: counting(broker.logs.head), read: counting(broker.logs.read) },
      presence: { ...broker.presence, members: counting(broker.presence.members) },
    },
    store: { ...store, rooms: { ...store.rooms, get: counting(store.rooms.get) } },
    readsCount: () => reads,
  };
}

test("[ACCESS-6] what is forbidden costs the store as much as what is absent", async () => {
  const storage = countingStorage();
  await using server = await startServer({ storage });
  await makeRoom(server, "loaded", false);
  await server.server.live.rooms.create({ id: "stored", ownerId: "ada", isPublic: false });
  await using client = await openClient(`${server.ws}?user_id=eve`);
  const readsOf = async (ask: (roomId: string) => Promise<unknown>) => {
    const counts: number[] = [];
    for (const roomId of ["absent", "stored", "loaded"]) {
      const before = storage.readsCount();
      await ask(roomId);
      counts.push(storage.readsCount() - before);
    }
    return counts;
  };
  for (const type of ["join_room", "room_history", "delete_room", "room_message"]) {
    const counts = await readsOf(async (roomId) => {
      client.send(type, { room_id: roomId, message: "hi" });
      await client.next("error_message");
    });
    expect([type, new Set(counts).size]).toEqual([type, 1]);
  }
  for (const method of ["GET", "DELETE"]) {
    const counts = await readsOf((roomId) =>
      fetch(`${server.url}/api/ws/rooms/${roomId}?user_id=eve`, { method }),
    );
    expect([method, counts]).toEqual([method, [1, 1, 1]]);
  }
});

test("[ACCESS-7] guests, users and admins have limits of their own where the setting says so", async () => {
  const roleLimits = {
    guest: { ratePerMinute: 2, maxRows: 1 },
    user: { ratePerMinute: 4, maxRows: 2 },
    admin: { ratePerMinute: 0 },
  };
  await using server = await startServer({ settings: { roleLimits } });
  const guest = await openActor(server, "guest", "lab");
  const user = await openActor(server, "stranger", "lab");
  const admin = await openActor(server, "admin", "lab");
  const found: unknown[] = [];
  for (const { client } of [guest, user, admin]) {
    const { limits } = (await client.next("connection_ack")).payload;
    client.send("query_request", { sparql: "SELECT * { ?s a ?class }", limit: 100 }, { message_id: "q" });
    const { payload } = await client.next("query_result", "q");
    for (let count = 0; count < 5; count++) client.send("endpoint_status", {}, { message_id: `${count}` });
    let answeredCount = 0;
    for (let count = 0; count < 5; count++) {
      if ((await client.nextOf("endpoint_status", "error_message")).type === "endpoint_status")
        answeredCount++;
    }
    found.push([limits.max_rows, limits.rate_per_minute, payload.row_count, answeredCount]);
  }
  const { maxRows } = server.server.live.limits;
  expect(found).toEqual([
    [1, 2, 1, 1],
    [2, 4, 2, 3],
    [maxRows, 0, 3, 5],
  ]);
  await Promise.all([guest, user, admin].map(({ close }) => close()));
});

test("[ACCESS-7] the queries that run at a time are those of the role", async () => {
  await using server = await startServer({ settings: { roleLimits: { guest: { parallelQueries: 1 } } } });
  await using guest = await openClient(server.ws);
  const run = (id: string) =>
    guest.send("query_request", { sparql: ENDLESS, stream: true, credit: 1 }, { message_id: id });
  run("first");
  await guest.next("query_rows", "first");
  run("second");
  const { payload } = await guest.next("query_progress", "second");
  expect(payload.details).toEqual({ queue_position: 1 });
  guest.socket.close(1000);
});

test("[ACCESS-7] they hold over HTTP too: rows by the token's role, and one user's queries by either way count together", async () => {
  await using server = await startServer({
    settings: { ...WITH_SECRET, roleLimits: { user: { parallelQueries: 1, maxRows: 2 } } },
  });
  const token = await tokenOf("ada");
  const address = `${server.url}/sparql?query=${encodeURIComponent("SELECT ?s ?class { ?s a ?class }")}`;
  const ask = () => fetch(address, { headers: { ...bearer(token).headers, accept: "text/csv" } });
  const first = await ask();
  expect(first.status).toBe(200);
  expect((await first.text()).trim().split("\r\n")).toHaveLength(1 + 2);
  await using ada = await openClient(server.ws, bearer(token));
  ada.send("query_request", { sparql: ENDLESS, stream: true, credit: 1 }, { message_id: "q" });
  await ada.next("query_rows", "q");
  let isAnswered = false;
  const waiting = ask().then((response) => {
    isAnswered = true;
    return response.status;
  });
  // Its run has begun, and so it has asked for its turn.
  await expect.poll(() => server.server.live.runs.activeCount).toBe(2);
  expect(isAnswered).toBe(false);
  ada.send("query_cancel", { query_id: "q" });
  expect(await waiting).toBe(200);
});
