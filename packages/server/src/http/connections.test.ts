import { ADMIN_LIMITS, type ConnectionInfo } from "@sparql-live/protocol/admin";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { SettingsError } from "../settings/settings-error.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";

const ADMIN_KEY = "k".repeat(SERVER_LIMITS.minAdminKeyCharacters);
const AUTHORIZED = { authorization: `Bearer ${ADMIN_KEY}` };

const connections = (server: TestServer, query = "", headers: Record<string, string> = AUTHORIZED) =>
  fetch(`${server.url}/api/ws/connections${query}`, { headers });

async function list(server: TestServer, query = "") {
  const response = await connections(server, query);
  return (await response.json()) as { connections: ConnectionInfo[]; more: boolean };
}

function open(server: TestServer, user: string, path = "/api/ws/query") {
  return openClient(`${server.url.replace("http", "ws")}${path}?user_id=${user}&user_name=${user}`);
}

test("[HTTP-22] the admin sees every connection: who, since when, in which rooms", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await using ada = await open(server, "ada", "/api/ws/room/lab");
  await ada.next("join_room");
  await using guest = await openClient(server.ws);
  const { connection_id: guestId } = (await guest.next("connection_ack")).payload;
  guest.send("ping");
  await guest.next("pong");
  const { connections: found, more } = await list(server);
  expect(more).toBe(false);
  expect(found).toEqual([
    {
      connection_id: expect.any(String),
      user_id: "ada",
      user_name: "ada",
      authenticated: true,
      connected_at: expect.stringMatching(/Z$/),
      last_heartbeat: expect.stringMatching(/Z$/),
      state: "authenticated",
      message_count: 0,
      rooms: ["lab"],
      ip_address: "127.0.0.1",
    },
    expect.objectContaining({
      connection_id: guestId,
      authenticated: false,
      state: "connected",
      message_count: 1,
      rooms: [],
    }),
  ]);
});

test("[HTTP-22] a connection that was lost and may come back is listed as disconnected", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  const ada = await open(server, "ada");
  await ada.next("connection_ack");
  await ada[Symbol.asyncDispose]();
  await expect
    .poll(async () => (await list(server)).connections)
    .toMatchObject([{ user_id: "ada", state: "disconnected", last_heartbeat: null }]);
});

test("[HTTP-22] the list is bounded and goes on with an offset", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  await using first = await open(server, "ada");
  await first.next("connection_ack");
  await using second = await open(server, "bob");
  await second.next("connection_ack");
  const namesOf = async (query: string) => {
    const { connections: found, more } = await list(server, query);
    return [found.map(({ user_id: name }) => name), more];
  };
  expect(await namesOf("?limit=1")).toEqual([["ada"], true]);
  expect(await namesOf("?limit=1&offset=1")).toEqual([["bob"], false]);
  expect(await namesOf(`?limit=${ADMIN_LIMITS.maxListedConnectionsCount}`)).toEqual([["ada", "bob"], false]);
  const above = await connections(server, `?limit=${ADMIN_LIMITS.maxListedConnectionsCount + 1}`);
  expect([above.status, ((await above.json()) as { code: string }).code]).toEqual([400, "bad_request"]);
});

test("[HTTP-23] without the admin's key, and where none is set, the path is as if absent", async () => {
  await using open = await startServer();
  await using closed = await startServer({ settings: { adminKey: ADMIN_KEY } });
  const answers: Response[] = [await connections(open), await connections(open, "", {})];
  for (const headers of [
    {},
    { authorization: `Bearer ${ADMIN_KEY.slice(1)}` },
    { authorization: `Bearer ${ADMIN_KEY}k` },
    { authorization: `Basic ${ADMIN_KEY}` },
    { authorization: ADMIN_KEY },
    { authorization: "Bearer" },
  ]) {
    answers.push(await connections(closed, "", headers));
  }
  answers.push(await connections(closed, "?limit=0", {}), await connections(closed, "?api_key=x", {}));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  expect(new Set(bodies).size).toBe(1);
  const absent = await fetch(`${closed.url}/api/ws/nothing`);
  expect((await absent.text()).replace("ws/nothing", "ws/connections")).toBe(bodies[0]);
  expect((await connections(closed)).status).toBe(200);
});

test("[HTTP-23] a key that is too short is refused at the start, in words that do not tell it", async () => {
  const short = "s".repeat(SERVER_LIMITS.minAdminKeyCharacters - 1);
  const started = startServer({ settings: { adminKey: short } });
  await expect(started).rejects.toThrow(SettingsError);
  await expect(started).rejects.toThrow(
    `adminKey has ${short.length} characters; it must have ${SERVER_LIMITS.minAdminKeyCharacters} or more.`,
  );
});

test("[HTTP-23] the key is in no log, whatever is asked with it", async () => {
  await using server = await startServer({ settings: { adminKey: ADMIN_KEY } });
  for (const path of ["/api/ws/connections", "/api/ws/rooms/x", "/nope", "/sparql?query=broken"]) {
    await fetch(server.url + path, { headers: AUTHORIZED });
  }
  expect(server.logged.length).toBeGreaterThan(0);
  expect(server.logged.join("")).not.toContain(ADMIN_KEY);
});
