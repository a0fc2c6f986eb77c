import { request } from "node:http";
import Fastify from "fastify";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { createHookAuthenticator } from "../auth/hook.js";
import { sparqlLive } from "../http/plugin.js";
import { SERVER_LIMITS } from "../limits.js";
import { openMember } from "../testing/room-clients.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient, refusedStatus, type TestClient } from "../testing/test-client.js";

const ADMIN_KEY = "k".repeat(SERVER_LIMITS.minAdminKeyCharacters);
const WRONG_KEY = "w".repeat(SERVER_LIMITS.minAdminKeyCharacters);
const JSON_PROTOCOL = "sparql-live.v1.json";
const ENDLESS = "SELECT * { ?s ?p ?o } # urn:test:endless";
const SETTINGS = { adminKey: ADMIN_KEY };

const addressOf = (server: Pick<TestServer, "url">) => `${server.url.replace("http", "ws")}/api/ws/admin`;

function openAdmin(server: Pick<TestServer, "url">, key = ADMIN_KEY): Promise<TestClient> {
  return openClient(addressOf(server), { headers: { authorization: `Bearer ${key}` } });
}

interface Answer {
  readonly type: string;
  readonly correlation_id?: string;
  // The assertions say what is in it.
  readonly payload: Readonly<Record<string, unknown>>;
}

let askedCount = 0;

async function ask(client: TestClient, action: string, members: object = {}): Promise<Answer> {
  const id = `asked-${++askedCount}`;
  client.sendRaw(JSON.stringify({ action, message_id: id, ...members }));
  const find = () => (client.raw as Answer[]).find((message) => message.correlation_id === id);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() ?? { type: "", payload: {} };
}

const auditsOf = ({ logged }: TestServer): Record<string, unknown>[] =>
  logged
    .map((line) => JSON.parse(line) as { audit?: Record<string, unknown> })
    .flatMap(({ audit }) => (audit === undefined ? [] : [audit]));

test("[ADMIN-1] the key comes in the header or as a further subprotocol, of which only ours is echoed", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using byHeader = await openAdmin(server);
  expect((await ask(byHeader, "get_metrics")).type).toBe("metrics");
  await using bySubprotocol = await openClient(addressOf(server), { protocols: [JSON_PROTOCOL, ADMIN_KEY] });
  expect(bySubprotocol.socket.protocol).toBe(JSON_PROTOCOL);
  expect((await ask(bySubprotocol, "get_metrics")).type).toBe("metrics");
});

test("[ADMIN-1] in the address the key counts only where the setting allows it", async () => {
  await using strict = await startServer({ settings: SETTINGS });
  await using loose = await startServer({ settings: { ...SETTINGS, adminKeyInAddress: true } });
  const query = `?api_key=${ADMIN_KEY}`;
  expect(await refusedStatus(addressOf(strict) + query)).toBe(404);
  await using client = await openClient(addressOf(loose) + query);
  expect((await ask(client, "get_metrics")).type).toBe("metrics");
  expect(loose.logged.join("")).not.toContain(ADMIN_KEY);
});

test("[ADMIN-1] without a key set, and without the right one shown, the path is as any that is not there", async () => {
  await using off = await startServer();
  await using on = await startServer({ settings: SETTINGS });
  for (const server of [off, on]) {
    const absent = await upgradeAnswer(server, "/api/ws/nothing");
    expect(absent).toMatchObject({ status: 404 });
    expect(await upgradeAnswer(server, "/api/ws/admin")).toEqual(absent);
    expect(await upgradeAnswer(server, "/api/ws/admin", WRONG_KEY)).toEqual(absent);
  }
});

test("[ADMIN-1] a page of a foreign origin is refused even with the key", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const answer = await upgradeAnswer(server, "/api/ws/admin", ADMIN_KEY, "https://evil.example");
  expect(answer.status).toBe(403);
});

test("[ADMIN-2] after ten wrong keys from an address nothing it shows is looked at; the log has no key", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const statuses: number[] = [];
  for (let count = 0; count < SERVER_LIMITS.adminFailuresCount; count++) {
    const isSocket = count % 2 === 0;
    statuses.push(
      isSocket
        ? (await upgradeAnswer(server, "/api/ws/admin", WRONG_KEY)).status
        : (await rest(server, WRONG_KEY)).status,
    );
  }
  expect(new Set(statuses)).toEqual(new Set([404]));
  const blocked = await rest(server, ADMIN_KEY);
  expect([blocked.status, Number(blocked.headers.get("retry-after"))]).toEqual([429, expect.any(Number)]);
  expect((await upgradeAnswer(server, "/api/ws/admin", ADMIN_KEY)).status).toBe(429);
  const warnings = server.logged.filter((line) => line.includes("wrong admin key"));
  expect(warnings).toHaveLength(SERVER_LIMITS.adminFailuresCount);
  expect(warnings[0]).toContain("127.0.0.1");
  expect(server.logged.join("")).not.toContain(WRONG_KEY);
  // Who shows nothing is no attempt.
  expect((await fetch(`${server.url}/api/ws/metrics`)).status).toBe(200);
});

test("[ADMIN-3] a token of a user who is an admin lets in; one of another user is no wrong key", async () => {
  const app = Fastify();
  await app.register(sparqlLive, {
    log: pino({ level: "silent" }),
    authenticator: createHookAuthenticator((token) => {
      if (token === "of-root") return { userId: "root", role: "admin" };
      return token === "of-ada" ? { userId: "ada" } : null;
    }),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const server = { url: app.listeningOrigin };
  const client = await openAdmin(server, "of-root");
  expect((await ask(client, "list_rooms")).payload).toEqual({ rooms: [], more: false });
  for (let count = 0; count <= SERVER_LIMITS.adminFailuresCount; count++) {
    expect((await rest(server, "of-ada")).status).toBe(404);
  }
  expect((await rest(server, "of-root")).status).toBe(200);
  await client[Symbol.asyncDispose]();
  await app.close();
});

test("[ADMIN-4] connections, rooms and queries are listed, private rooms too, queries without their texts", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await server.server.live.rooms.create({ id: "vault", ownerId: "ada", isPublic: false });
  const ada = await openMember(server, "ada", "lab");
  const request = { sparql: ENDLESS, stream: true, credit: 1 };
  ada.client.send("query_request", { ...request, room_id: "lab" }, { message_id: "q" });
  await ada.client.next("query_rows", "q");
  await using admin = await openAdmin(server);
  const { payload: listed } = await ask(admin, "list_connections");
  expect(listed).toMatchObject({ connections: [{ user_id: "ada", rooms: ["lab"] }], more: false });
  expect((await ask(admin, "list_rooms")).payload).toMatchObject({
    rooms: [{ room_id: "vault", is_public: false }, { room_id: "lab" }],
  });
  expect((await ask(admin, "list_rooms", { limit: 1, offset: 1 })).payload).toMatchObject({
    rooms: [{ room_id: "lab" }],
    more: false,
  });
  expect((await ask(admin, "list_rooms", { limit: 1 })).payload).toMatchObject({ more: true });
  const { payload: queries } = await ask(admin, "list_queries");
  expect(queries).toEqual({
    queries: [{ query_id: "q", user_id: "ada", room_id: "lab", started_at: expect.stringMatching(/Z$/) }],
  });
  expect((await ask(admin, "endpoints")).payload).toMatchObject({ endpoints: [{ endpoint_id: "local" }] });
  expect((await ask(admin, "get_metrics")).payload).toMatchObject({ active_connections: 1 });
  ada.client.socket.close(1000);
});

test("[ADMIN-5] an admin cancels a query, wherever it runs", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using admin = await openAdmin(server);
  const clients = await Promise.all(["ada", "bob"].map((user) => openClient(`${server.ws}?user_id=${user}`)));
  for (const client of clients) {
    client.send("query_request", { sparql: ENDLESS, stream: true, credit: 1 }, { message_id: "q" });
    await client.next("query_rows", "q");
  }
  const cancelled = await ask(admin, "cancel_query", { query_id: "q", user_id: "bob" });
  expect(cancelled).toMatchObject({ type: "cancel_query_result", payload: { cancelled_count: 1 } });
  expect((await clients[1]?.next("query_cancelled", "q"))?.payload.reason).toBe("requested");
  await expect.poll(() => server.server.live.runs.activeCount).toBe(1);
  expect((await ask(admin, "cancel_query", { query_id: "q" })).payload).toEqual({ cancelled_count: 1 });
  await clients[0]?.next("query_cancelled", "q");
  await expect.poll(() => server.server.live.runs.activeCount).toBe(0);
  const again = await ask(admin, "cancel_query", { query_id: "q" });
  expect([again.type, again.payload.code]).toEqual(["error_message", "query_not_found"]);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("[ADMIN-5] an admin broadcasts, disconnects and deletes rooms", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using admin = await openAdmin(server);
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob, connectionId } = await openMember(server, "bob", "lab");
  const sent = await ask(admin, "broadcast", { message: "Maintenance at noon", level: "warning" });
  expect(sent).toMatchObject({ type: "broadcast_result", payload: { sent_count: 2 } });
  for (const client of [ada, bob]) {
    const { payload } = await client.next("system_message");
    expect(payload).toMatchObject({ message: "Maintenance at noon", level: "warning" });
  }
  expect((await ask(admin, "delete_room", { room_id: "lab" })).payload).toEqual({ room_id: "lab" });
  expect((await ada.next("leave_room")).payload.reason).toBe("deleted");
  expect((await ask(admin, "delete_room", { room_id: "lab" })).payload.code).toBe("room_not_found");
  const byUser = await ask(admin, "disconnect", { user_id: "ada" });
  expect(byUser).toMatchObject({ type: "disconnect_result", payload: { disconnected_count: 1 } });
  const byConnection = await ask(admin, "disconnect", { connection_id: connectionId });
  expect(byConnection.payload).toEqual({ disconnected_count: 1 });
  expect([(await ada.closed).code, (await bob.closed).code]).toEqual([4403, 4403]);
  expect((await ask(admin, "disconnect", {})).payload.code).toBe("bad_request");
  expect((await ask(admin, "disconnect", { user_id: "ada" })).payload).toEqual({ disconnected_count: 0 });
});

test.each([
  [{ action: "explode" }, "unknown_type", 'Unknown action "explode"; there are get_metrics,'],
  [{ action: "broadcast" }, "invalid_message", "message"],
  [{ action: "broadcast", message: 7 }, "invalid_message", "/message"],
  [{ action: "subscribe_metrics", interval_ms: 249 }, "invalid_message", "/interval_ms"],
  [{ action: "subscribe_metrics", interval_ms: 60_001 }, "invalid_message", "/interval_ms"],
  [{ action: "analytics", from: "yesterday" }, "invalid_message", "/from"],
  [{ action: "__proto__" }, "unknown_type", "Unknown action"],
])("[ADMIN-6] %j is answered with an error_message", async ({ action, ...members }, code, words) => {
  await using server = await startServer({ settings: SETTINGS });
  await using admin = await openAdmin(server);
  const { type, payload } = await ask(admin, action, members);
  expect([type, payload.code]).toEqual(["error_message", code]);
  expect(payload.error).toContain(words);
  expect((await ask(admin, "get_metrics", { limit: null })).type).toBe("metrics");
});

test("[ADMIN-6] what names no action is answered with validation_error; signs of life are known", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using admin = await openAdmin(server);
  for (const frame of ["7", "[]", "{}", '{"type":"get_metrics"}', "{"]) {
    admin.sendRaw(frame);
    expect((await admin.next("validation_error")).payload.code).toBe("bad_message");
  }
  admin.sendRaw('{"type":"pong"}');
  admin.sendRaw('{"type":"ping","message_id":"p"}');
  expect((await admin.next("pong")).correlation_id).toBe("p");
});

test("[ADMIN-7] each action is one line of the log: who, from where, what, about what, and its outcome", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using admin = await openAdmin(server);
  await ask(admin, "broadcast", { message: "for your eyes only" });
  await ask(admin, "delete_room", { room_id: "nowhere" });
  await ask(admin, "explode", { user_id: "u".repeat(1_000) });
  const by = { who: "key", address: "127.0.0.1" };
  expect(auditsOf(server)).toEqual([
    { ...by, action: "connect", outcome: "done" },
    { ...by, action: "broadcast", outcome: "done" },
    { ...by, action: "delete_room", room_id: "nowhere", outcome: "room_not_found" },
    { ...by, action: "explode", outcome: "unknown_type" },
  ]);
  expect(server.logged.join("")).not.toContain("for your eyes only");
});

/** How many timers of these intervals were set and not cleared from now on. */
function watchTimers(intervalsMs: readonly number[]): () => number {
  const set = vi.spyOn(globalThis, "setInterval");
  const cleared = vi.spyOn(globalThis, "clearInterval");
  return () => {
    const gone = new Set(cleared.mock.calls.map(([timer]) => timer));
    return set.mock.calls.filter(
      ([, intervalMs], index) =>
        intervalsMs.includes(intervalMs ?? 0) && !gone.has(set.mock.results[index]?.value as NodeJS.Timeout),
    ).length;
  };
}

test("[ADMIN-8] metrics are pushed at the interval until it is taken back, and no timer outlives the socket", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const admin = await openAdmin(server);
  const pushed = () => (admin.raw as Answer[]).filter((message) => message.type === "metrics");
  await ask(admin, "list_rooms");
  const timersCount = watchTimers([60_000, 250]);
  expect((await ask(admin, "subscribe_metrics", { interval_ms: 60_000 })).payload).toEqual({
    interval_ms: 60_000,
  });
  expect((await ask(admin, "subscribe_metrics", { interval_ms: 250 })).payload).toEqual({ interval_ms: 250 });
  expect(timersCount()).toBe(1);
  await expect.poll(() => pushed().length, { timeout: 10_000 }).toBeGreaterThan(1);
  expect(pushed()[0]?.payload).toMatchObject({ active_connections: 0 });
  expect((await ask(admin, "unsubscribe_metrics")).payload).toEqual({ subscribed: false });
  expect(timersCount()).toBe(0);
  await ask(admin, "subscribe_metrics", { interval_ms: 60_000 });
  expect(timersCount()).toBe(1);
  await admin[Symbol.asyncDispose]();
  await expect.poll(timersCount, { timeout: 10_000 }).toBe(0);
  vi.restoreAllMocks();
});

test("[ADMIN-9] drain cancels what runs, closes the connections, and lets nobody else in", async () => {
  await using server = await startServer({ settings: { ...SETTINGS, drainQueriesMs: 0 } });
  await using admin = await openAdmin(server);
  await using ada = await openClient(`${server.ws}?user_id=ada`);
  ada.send("query_request", { sparql: ENDLESS, stream: true, credit: 1 }, { message_id: "q" });
  await ada.next("query_rows", "q");
  expect(await ask(admin, "drain")).toMatchObject({ type: "drain_result", payload: { draining: true } });
  expect((await ada.next("query_cancelled", "q")).payload.reason).toBe("shutdown");
  expect((await ada.closed).code).toBe(1012);
  expect(await refusedStatus(server.ws)).toBe(503);
  expect((await upgradeAnswer(server, "/api/ws/admin", ADMIN_KEY)).status).toBe(503);
});

test("[ADMIN-10] 20 sockets of admins are open at a time, and they end with the server", async () => {
  const server = await startServer({ settings: SETTINGS });
  const admins: TestClient[] = [];
  for (let count = 0; count < SERVER_LIMITS.adminConnectionsCount; count++)
    admins.push(await openAdmin(server));
  expect((await upgradeAnswer(server, "/api/ws/admin", ADMIN_KEY)).status).toBe(429);
  await admins.pop()?.[Symbol.asyncDispose]();
  await expect.poll(async () => (await upgradeAnswer(server, "/api/ws/admin", ADMIN_KEY)).status).toBe(101);
  await server[Symbol.asyncDispose]();
  for (const { closed } of admins) expect((await closed).code).toBe(1012);
});

test("[EXPERIMENT-1] connections are assigned to variants: told to them, to handlers, in metrics, to the admin", async () => {
  const experiments = { ranking: { old: 1, new: 1 }, colour: { red: 1 } };
  await using server = await startServer({ settings: { ...SETTINGS, experiments } });
  const { live } = server.server;
  const handled: unknown[] = [];
  live.dispatcher.on("ping", (_message, connection) => void handled.push(connection.variants));
  await using ada = await openClient(`${server.ws}?user_id=ada`);
  await using again = await openClient(`${server.ws}?user_id=ada`);
  await using guest = await openClient(server.ws);
  const told: unknown[] = [];
  for (const client of [ada, again, guest]) {
    told.push((await client.next("connection_ack")).payload.variants);
    client.send("ping");
    await client.next("pong");
  }
  expect(told[0]).toEqual({ ranking: expect.stringMatching(/^(old|new)$/), colour: "red" });
  expect(told[1]).toEqual(told[0]);
  expect(handled).toEqual(told);
  const counts = { old: 0, new: 0 };
  for (const { ranking } of told as { ranking: keyof typeof counts }[]) counts[ranking]++;
  await using admin = await openAdmin(server);
  expect((await ask(admin, "get_metrics")).payload.connections_by_variant).toEqual({
    ranking: counts,
    colour: { red: 3 },
  });
  expect((await ask(admin, "experiments")).payload).toEqual({
    experiments: [
      {
        name: "ranking",
        variants: [
          { name: "old", share: 1, connections: counts.old },
          { name: "new", share: 1, connections: counts.new },
        ],
      },
      { name: "colour", variants: [{ name: "red", share: 1, connections: 3 }] },
    ],
  });
  const scraped = await (await fetch(`${server.url}/metrics`)).text();
  expect(scraped).toContain('sparql_live_variant_connections{variant="colour/red"} 3');
});

test("[EXPERIMENT-1] without experiments nobody is told of variants", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  expect((await client.next("connection_ack")).payload).not.toHaveProperty("variants");
});

interface Days {
  readonly days: readonly Readonly<Record<string, unknown>>[];
}

async function runSome(server: TestServer): Promise<void> {
  await using client = await openClient(`${server.ws}?user_id=ada`);
  const requests = [
    { natural_language: "all cities" },
    { sparql: "ASK { ?s ?p ?o }" },
    { sparql: "broken" },
    { sparql: "ASK {}", endpoint_id: "invented" },
    { sparql: "ASK {}", endpoint_url: "http://example.org/sparql" },
  ];
  for (const [index, request] of requests.entries()) {
    client.send("query_request", request, { message_id: `${index}` });
    await client.run(`${index}`);
  }
}

test("[ANALYTICS-1] runs are counted by day and endpoint, with how they ended and how long they took", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await runSome(server);
  await using admin = await openAdmin(server);
  const { type, payload } = await ask(admin, "analytics");
  expect(type).toBe("analytics");
  const { days } = payload as unknown as Days;
  expect(days.map(({ endpoint_id: id }) => id)).toEqual(["(by address)", "(unknown)", "local"]);
  expect(days[2]).toMatchObject({
    day: new Date().toISOString().slice(0, 10),
    questions: 1,
    queries: 2,
    completed: 2,
    failed: 1,
    cancelled: 0,
    rows: 3,
    latency_ms: { count: 2, buckets: expect.any(Array) },
    texts: [],
  });
  const overHttp = (await (await rest(server, ADMIN_KEY, "analytics")).json()) as Days;
  expect(overHttp.days).toEqual(days);
  const earlier = (await (await rest(server, ADMIN_KEY, "analytics?to=2020-01-01")).json()) as Days;
  expect(earlier.days).toEqual([]);
});

test("[ANALYTICS-1] what comes over /sparql counts too", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const query = (text: string) => fetch(`${server.url}/sparql?query=${encodeURIComponent(text)}`);
  await (await query("SELECT * { ?s a ?class }")).text();
  await (await query("broken")).text();
  const counted = async () => {
    const { days } = (await (await rest(server, ADMIN_KEY, "analytics")).json()) as Days;
    return days;
  };
  await expect
    .poll(counted, { timeout: 10_000 })
    .toMatchObject([{ endpoint_id: "local", queries: 2, completed: 1, failed: 1, rows: 3 }]);
});

test("[ANALYTICS-2] texts are kept only where the setting says so; with 0 days nothing is counted", async () => {
  await using telling = await startServer({ settings: { ...SETTINGS, analyticsTexts: true } });
  await using silent = await startServer({ settings: { ...SETTINGS, analyticsDays: 0 } });
  await runSome(telling);
  await runSome(silent);
  const told = (await (await rest(telling, ADMIN_KEY, "analytics")).json()) as Days;
  expect(told.days[2]?.texts).toEqual(["all cities", "ASK { ?s ?p ?o }", "broken"]);
  expect(await (await rest(silent, ADMIN_KEY, "analytics")).json()).toEqual({ days: [] });
});

function rest(server: Pick<TestServer, "url">, key: string, path = "connections"): Promise<Response> {
  return fetch(`${server.url}/api/ws/${path}`, { headers: { authorization: `Bearer ${key}` } });
}

/** The answer to an upgrade: 101, or that of a refusal with its body. */
function upgradeAnswer(
  server: Pick<TestServer, "url">,
  path: string,
  key?: string,
  origin?: string,
): Promise<{ status: number; body: string }> {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(origin === undefined ? {} : { origin }),
  };
  return new Promise((resolve, reject) => {
    const asking = request(server.url + path, { headers });
    asking.on("error", reject);
    asking.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, body: "" });
    });
    asking.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asking.end();
  });
}

test("[ADMIN-2] an admin asks for exactly so many actions a minute; of more it is told when to go on", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using client = await openAdmin(server);
  const answersOf = (type: string) =>
    client.raw.filter((message) => (message as Answer).type === type).length;
  const begunMs = performance.now();
  for (let count = 0; count < SERVER_LIMITS.adminActionsPerMinuteCount; count++) {
    client.sendRaw(JSON.stringify({ action: "get_metrics", message_id: `m${count}` }));
  }
  await expect
    .poll(() => answersOf("metrics"), { timeout: 20_000 })
    .toBe(SERVER_LIMITS.adminActionsPerMinuteCount);
  // Meanwhile some came back: ten in a second.
  const regained = Math.ceil(
    ((performance.now() - begunMs) * SERVER_LIMITS.adminActionsPerMinuteCount) / 60_000,
  );
  for (let count = 0; count <= regained * 2 + 100; count++) {
    client.sendRaw(JSON.stringify({ action: "get_metrics", message_id: `n${count}` }));
  }
  await expect.poll(() => answersOf("error_message"), { timeout: 20_000 }).toBeGreaterThan(0);
  const refused = (client.raw as Answer[]).find(({ type }) => type === "error_message");
  expect(refused?.payload).toMatchObject({ code: "rate_limited", retry_after: expect.any(Number) });
});
