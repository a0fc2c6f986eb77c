import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";

const ADMIN_KEY = "an-administrator-of-these-tests-0";

/** A list, a room or a problem; the assertions say which. */
interface Body {
  readonly rooms?: readonly { readonly room_id: string }[];
  readonly more?: boolean;
  readonly name?: string;
  readonly owner_id?: string | null;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: unknown;
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Body;
}

const idsOf = ({ rooms = [] }: Body) => rooms.map((room) => room.room_id);

async function ask(server: TestServer, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/api/ws/rooms${path}`, init);
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: (await response.json()) as Body,
  };
}

const make = (server: TestServer, parameters: Record<string, string>) =>
  ask(server, `?${new URLSearchParams(parameters)}`, { method: "POST" });

const makeByBody = (server: TestServer, body: unknown, query = "") =>
  ask(server, query, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const remove = (server: TestServer, path: string, headers: Record<string, string> = {}) =>
  ask(server, path, { method: "DELETE", headers });

function open(server: TestServer, user: string, room: string) {
  return openClient(`${server.url.replace("http", "ws")}/api/ws/room/${room}?user_id=${user}`);
}

test("[HTTP-14] public rooms are listed, oldest first, with the members that they have", async () => {
  await using server = await startServer();
  expect((await ask(server, "")).body).toEqual({ rooms: [], more: false });
  await make(server, { room_id: "first", name: "The first" });
  await make(server, { room_id: "hidden", is_public: "false" });
  await using ada = await open(server, "ada", "second");
  await ada.next("join_room");
  const { status, body } = await ask(server, "");
  expect(status).toBe(200);
  expect(body).toEqual({
    rooms: [
      {
        room_id: "first",
        name: "The first",
        owner_id: null,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        member_count: 0,
        max_members: 50,
        is_public: true,
        is_encrypted: false,
        metadata: {},
      },
      expect.objectContaining({ room_id: "second", owner_id: "ada", member_count: 1 }),
    ],
    more: false,
  });
});

test("[HTTP-14] limit and offset count public rooms, and `more` says that there are others", async () => {
  await using server = await startServer();
  for (let index = 0; index < 6; index++) {
    await make(server, { room_id: `r${index}`, is_public: String(index % 2 === 0) });
  }
  const listed = async (query: string) => {
    const { body } = await ask(server, query);
    return [idsOf(body), body.more];
  };
  expect(await listed("?limit=2")).toEqual([["r0", "r2"], true]);
  expect(await listed("?limit=2&offset=2")).toEqual([["r4"], false]);
  expect(await listed("?limit=3")).toEqual([["r0", "r2", "r4"], false]);
  expect(await listed("?offset=3")).toEqual([[], false]);
});

test.each([
  "?limit=0",
  `?limit=${SERVER_LIMITS.maxListedRoomsCount + 1}`,
  "?limit=many",
  "?offset=-1",
  "?limit=1&limit=2",
])("[HTTP-14] a list with %s is refused as a problem", async (query) => {
  await using server = await startServer();
  const { status, type, body } = await ask(server, query);
  expect([status, type, body.code]).toEqual([400, "application/problem+json", "bad_request"]);
  expect((await ask(server, `?limit=${SERVER_LIMITS.maxListedRoomsCount}`)).status).toBe(200);
});

test("[HTTP-14] public rooms are found behind however many private ones", async () => {
  await using server = await startServer({ settings: { maxRooms: 2_000 } });
  const { rooms } = server.server.live;
  const count = 1_002;
  for (let index = 0; index < count; index++) {
    await rooms.create({ id: `r${index}`, isPublic: index >= count - 3 });
  }
  const { body } = await ask(server, "");
  expect(idsOf(body)).toEqual([`r${count - 3}`, `r${count - 2}`, `r${count - 1}`]);
});

test("[HTTP-15] a room is made from the address, and again is refused with 400", async () => {
  await using server = await startServer();
  const parameters = { room_id: "lab", name: "Lab", max_members: "7", is_public: "true", user_id: "ada" };
  const made = await make(server, parameters);
  expect([made.status, made.type]).toEqual([200, "application/json; charset=utf-8"]);
  expect(made.body).toMatchObject({
    room_id: "lab",
    name: "Lab",
    owner_id: "ada",
    max_members: 7,
    is_public: true,
    is_encrypted: false,
    metadata: {},
  });
  const again = await make(server, parameters);
  expect([again.status, again.type, again.body.code]).toEqual([
    400,
    "application/problem+json",
    "room_exists",
  ]);
});

test("[HTTP-15] a room is made from a JSON body, where members that are null count as absent", async () => {
  await using server = await startServer();
  const metadata = { topic: "proteins", tags: ["a", null] };
  const made = await makeByBody(server, {
    room_id: "lab",
    name: null,
    is_public: null,
    metadata,
    owner_id: "ada",
    default_role: "viewer",
  });
  expect(made.body).toMatchObject({
    room_id: "lab",
    name: "lab",
    owner_id: "ada",
    is_public: true,
    is_encrypted: false,
    metadata,
  });
  await using bob = await open(server, "bob", "lab");
  expect((await bob.next("join_room")).payload).toMatchObject({ role: "viewer", metadata });
});

test("[HTTP-15] address and body may share the work, but not say the same thing twice", async () => {
  await using server = await startServer();
  const shared = await makeByBody(server, { metadata: { a: 1 } }, "?room_id=one&user_id=ada");
  expect(shared.body).toMatchObject({ room_id: "one", owner_id: "ada", metadata: { a: 1 } });
  const twice = await makeByBody(server, { room_id: "two" }, "?room_id=two");
  expect([twice.status, twice.body.code]).toEqual([400, "bad_request"]);
  expect(twice.body.detail).toContain("room_id");
  const owners = await makeByBody(server, { room_id: "two", owner_id: "bob" }, "?user_id=ada");
  expect([owners.status, owners.body.code]).toEqual([400, "bad_request"]);
});

test("[HTTP-15] a client that announces JSON and sends none is served by its address", async () => {
  await using server = await startServer();
  const made = await makeByBody(server, "", "?room_id=lab&name=Lab");
  expect([made.status, made.body.name]).toEqual([200, "Lab"]);
});

test("[HTTP-15] of many who make the same room at once one succeeds", async () => {
  await using server = await startServer();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => make(server, { room_id: "lab", user_id: `u${index}` })),
  );
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 400)]);
  const owner = answers.find(({ status }) => status === 200)?.body.owner_id;
  expect((await ask(server, "/lab")).body.owner_id).toBe(owner);
});

test.each([
  ["no room_id", "", "bad_request"],
  ["an empty room_id", "?room_id=", "bad_request"],
  ["a room_id of other letters", "?room_id=caf%C3%A9", "bad_request"],
  ["a room_id given twice", "?room_id=a&room_id=b", "bad_request"],
  ["a name that is too long", `?room_id=a&name=${"n".repeat(129)}`, "bad_request"],
  ["no members", "?room_id=a&max_members=0", "bad_request"],
  ["too many members", "?room_id=a&max_members=10001", "bad_request"],
  ["half a member", "?room_id=a&max_members=1.5", "bad_request"],
  ["a truth value that is none", "?room_id=a&is_public=perhaps", "bad_request"],
  ["a user_id that is too long", `?room_id=a&user_id=${"u".repeat(129)}`, "bad_request"],
])("[HTTP-16] a room with %s is refused as a problem", async (_, query, code) => {
  await using server = await startServer();
  const { status, type, body } = await ask(server, query, { method: "POST" });
  expect([status, type, body.code]).toEqual([400, "application/problem+json", code]);
  expect((await ask(server, "")).body.rooms).toEqual([]);
});

test.each([
  ["no object", [1], 400, "bad_request"],
  ["a text", '"lab"', 400, "bad_request"],
  ["no JSON", "{", 400, "bad_request"],
  ["a prototype", '{"room_id": "a", "__proto__": {"admin": true}}', 400, "bad_request"],
  ["a number for a name", { room_id: "a", name: 1 }, 400, "bad_request"],
  ["a role that cannot be given", { room_id: "a", default_role: "owner" }, 400, "bad_request"],
  ["metadata that are no object", { room_id: "a", metadata: ["x"] }, 400, "bad_request"],
])("[HTTP-16] a body with %s is refused as a problem", async (_, sent, status, code) => {
  await using server = await startServer();
  const answer = await makeByBody(server, sent);
  expect([answer.status, answer.type, answer.body.code]).toEqual([status, "application/problem+json", code]);
});

test("[HTTP-16] a problem of the body names the place", async () => {
  await using server = await startServer();
  const { body } = await makeByBody(server, { room_id: "a", max_members: "seven" });
  expect(body.errors).toEqual([{ path: "/max_members", message: expect.any(String) }]);
});

test("[HTTP-16] ids, names, members and metadata may be as large as the limit, and no larger", async () => {
  await using server = await startServer();
  const metadataOf = (bytes: number) => ({ text: "x".repeat(bytes - '{"text":""}'.length) });
  const most = SERVER_LIMITS.maxRoomMetadataBytes;
  const id = "r".repeat(128);
  const made = await makeByBody(server, {
    room_id: id,
    name: "n".repeat(SERVER_LIMITS.maxRoomNameCharacters),
    max_members: SERVER_LIMITS.maxMembersPerRoomCount,
    metadata: metadataOf(most),
  });
  expect(made.status).toBe(200);
  expect((await ask(server, `/${id}`)).body).toEqual(made.body);
  const longer = await make(server, { room_id: `${id}r` });
  expect([longer.status, longer.body.code]).toEqual([400, "bad_request"]);
  const larger = await makeByBody(server, { room_id: "a", metadata: metadataOf(most + 1) });
  expect([larger.status, larger.body.code]).toEqual([400, "bad_request"]);
  expect(larger.body.detail).toContain(String(most));
  const whole = await makeByBody(server, { room_id: "a", metadata: metadataOf(SERVER_LIMITS.maxBodyBytes) });
  expect([whole.status, whole.type]).toEqual([413, "application/problem+json"]);
});

test("[HTTP-16] metadata may be as deep as a message to those who join can be, and no deeper", async () => {
  await using server = await startServer();
  const nested = (levels: number): unknown =>
    JSON.parse(`${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`);
  expect((await makeByBody(server, { room_id: "deep", metadata: nested(30) })).status).toBe(200);
  await using ada = await open(server, "ada", "deep");
  expect((await ada.next("join_room")).payload.metadata).toEqual(nested(30));
  const deeper = await makeByBody(server, { room_id: "deeper", metadata: nested(31) });
  expect([deeper.status, deeper.type]).toEqual([400, "application/problem+json"]);
  const abyss = await makeByBody(
    server,
    `{"room_id":"abyss","metadata":${"[".repeat(9_000)}${"]".repeat(9_000)}}`,
  );
  expect(abyss.status).toBe(400);
});

test("[HTTP-16] above the number of rooms that there may be a room is refused with 429", async () => {
  await using server = await startServer({ settings: { maxRooms: 2 } });
  const answers = await Promise.all(["a", "b", "c"].map((id) => make(server, { room_id: id })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429]);
  const refused = answers.find(({ status }) => status === 429);
  expect([refused?.type, refused?.body.code]).toEqual(["application/problem+json", "too_many_rooms"]);
});

test("[HTTP-16] a body of another media type is refused with 415", async () => {
  await using server = await startServer();
  const answer = await ask(server, "?room_id=a", {
    method: "POST",
    body: new URLSearchParams({ name: "A" }),
  });
  expect([answer.status, answer.type]).toEqual([415, "application/problem+json"]);
});

test("[HTTP-17] a private room is there for its owner and for who has a role; to others it is as if absent", async () => {
  await using server = await startServer();
  await make(server, { room_id: "secret", is_public: "false", user_id: "ada" });
  const room = await server.server.live.rooms.open("secret");
  await room.change(() => ({ roles: { bob: "viewer", eve: "editor" }, bannedUserIds: ["eve"] }));
  const statusFor = async (query: string) => (await ask(server, `/secret${query}`)).status;
  expect(await statusFor("?user_id=ada")).toBe(200);
  expect(await statusFor("?user_id=bob")).toBe(200);
  expect(await statusFor("?user_id=eve")).toBe(404);
  const hidden = await ask(server, "/secret?user_id=carol");
  const absent = await ask(server, "/absent?user_id=carol");
  expect(hidden.status).toBe(404);
  expect(JSON.stringify(hidden).replaceAll("secret", "absent")).toBe(JSON.stringify(absent));
  expect(await statusFor("")).toBe(404);
});

test.each(["/nope", "/__proto__", "/constructor", "/a%2Fb", "/a/b", `/${"r".repeat(3_000)}`])(
  "[HTTP-17] %s is no room",
  async (path) => {
    await using server = await startServer();
    const { status, type, body } = await ask(server, path);
    expect([status, type, body.code]).toEqual([404, "application/problem+json", "room_not_found"]);
  },
);

test("[HTTP-18] its owner deletes a room, and whoever is in it is put out", async () => {
  await using server = await startServer();
  await using ada = await open(server, "ada", "lab");
  await ada.next("join_room");
  await using bob = await open(server, "bob", "lab");
  await bob.next("join_room");
  for (const path of ["/lab", "/lab?user_id=bob", "/absent?user_id=bob"]) {
    const { status, body } = await remove(server, path);
    expect([status, body.code]).toEqual([404, "room_not_found"]);
  }
  const deleted = await remove(server, "/lab?user_id=ada");
  expect([deleted.status, deleted.body]).toEqual([200, { success: true }]);
  expect((await bob.next("leave_room")).payload).toEqual({ room_id: "lab", reason: "deleted" });
  expect((await ask(server, "/lab")).status).toBe(404);
  expect((await remove(server, "/lab?user_id=ada")).status).toBe(404);
});

test("[HTTP-18] a room without an owner is deleted by anybody who can see it", async () => {
  await using server = await startServer();
  await make(server, { room_id: "open" });
  await make(server, { room_id: "hidden", is_public: "false" });
  expect((await remove(server, "/open")).body).toEqual({ success: true });
  expect((await remove(server, "/hidden")).status).toBe(404);
});

test("[HTTP-18] the admin deletes any room", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await make(server, { room_id: "lab", user_id: "ada", is_public: "false" });
  expect((await remove(server, "/lab", { authorization: `Bearer ${ADMIN_KEY}x` })).status).toBe(404);
  expect((await remove(server, "/lab", { authorization: `Bearer ${ADMIN_KEY}` })).status).toBe(200);
});

test("[HTTP-19] pages of another origin make and delete no rooms", async () => {
  await using server = await startServer({ settings: { allowedOrigins: ["https://friend.example"] } });
  const from = (origin: string) => ({ headers: { origin } });
  for (const origin of ["https://evil.example", "null", `${server.url}.evil.example`]) {
    for (const [path, method] of [
      ["?room_id=lab", "POST"],
      ["/lab", "DELETE"],
    ]) {
      const { status, type, body } = await ask(server, path ?? "", { method: method ?? "", ...from(origin) });
      expect([status, type, body.code]).toEqual([403, "application/problem+json", "origin_forbidden"]);
    }
  }
  expect((await ask(server, "")).body.rooms).toEqual([]);
  for (const origin of [server.url, "https://friend.example"]) {
    expect((await ask(server, "?room_id=lab", { method: "POST", ...from(origin) })).status).toBe(200);
    expect((await ask(server, "/lab", { method: "DELETE", ...from(origin) })).status).toBe(200);
  }
});

test("[ROOM-17] a server without rooms answers so over HTTP too", async () => {
  await using server = await startServer({ settings: { enableRooms: false } });
  for (const [path, method] of [
    ["", "GET"],
    ["?room_id=lab", "POST"],
    ["/lab", "GET"],
    ["/lab", "DELETE"],
  ]) {
    const { status, body } = await ask(server, path ?? "", { method: method ?? "" });
    expect([status, body.code]).toEqual([501, "feature_unavailable"]);
  }
});
