import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  ADMIN_CLIENT_LIMITS,
  type AdminClient,
  type AdminClientOptions,
  createAdminClient,
  type MetricsSnapshot,
  type SparqlLiveError,
} from "@sparql-live/client/admin";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { inSeconds, tokenOf, WITH_SECRET } from "../../packages/server/src/testing/tokens.js";
import { startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { openLibraryClient } from "./support.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KEY = "k".repeat(32);
const WRONG_KEY = "w".repeat(32);
const ENDLESS = "SELECT * { ?s ?p ?o } # urn:test:endless";
const SETTINGS = { adminKey: KEY };
const QUICK = { reconnectInterval: 20, reconnectDecay: 1 } as const;

const addressOf = ({ ws }: Pick<TestServer, "ws">) => ws.replace("/query", "/admin");

function openAdmin(options: AdminClientOptions): AdminClient & Disposable {
  const admin = createAdminClient({ ...QUICK, ...options });
  return { ...admin, [Symbol.dispose]: admin.close };
}

const ofServer = (server: Pick<TestServer, "ws">, key = KEY) => openAdmin({ url: addressOf(server), key });

/** Lets admins in and says nothing, but for what a test does with the sockets. */
async function startSilentServer() {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: ([first]) => first ?? false,
  });
  const sockets: WebSocket[] = [];
  const said: string[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => said.push((JSON.parse(String(data)) as { action: string }).action));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (typeof address === "string" || address === null) throw new Error("it listens on a port");
  return {
    ws: `ws://127.0.0.1:${address.port}/api/ws/query`,
    sockets,
    said,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("[CLIENT-ADMIN-1] the first action connects, with a key of any signs, or what a function gets", async () => {
  const strange = `${"k".repeat(32)}/=`;
  for (const key of [KEY, strange]) {
    await using server = await startServer({ settings: { adminKey: key } });
    using admin = openAdmin({ url: server.url.concat("/api/ws/admin"), key: async () => key });
    expect(admin.state.getSnapshot()).toEqual({ kind: "idle" });
    expect(await admin.listQueries()).toEqual({ queries: [] });
    expect(admin.state.getSnapshot()).toMatchObject({ kind: "open" });
  }
});

test("[CLIENT-ADMIN-1] a key that cannot be sent ends the client, one that cannot be had is asked for again", async () => {
  await using server = await startServer({ settings: SETTINGS });
  using unsendable = ofServer(server, "ключ");
  await expect(unsendable.getMetrics()).rejects.toMatchObject({
    code: "connection_closed",
    details: { detail: "bad_token" },
  });
  let askedCount = 0;
  using late = openAdmin({
    url: addressOf(server),
    async key() {
      if (++askedCount === 1) throw new Error("the vault is away");
      return KEY;
    },
  });
  expect((await late.getMetrics()).active_connections).toBe(0);
  expect(askedCount).toBe(2);
});

test("[CLIENT-ADMIN-1] a key that is refused when the next try is under way already does not end that one", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const asked: { give(key: string): void; refuse(error: Error): void }[] = [];
  using admin = openAdmin({
    url: addressOf(server),
    connectTimeout: 500,
    key: () => new Promise((give, refuse) => void asked.push({ give, refuse })),
  });
  const metrics = admin.getMetrics();
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBe(2);
  asked[0]?.refuse(new Error("the vault is away"));
  asked[1]?.give(KEY);
  expect((await metrics).active_connections).toBe(0);
  expect(asked.length).toBe(2);
});

test("[CLIENT-ADMIN-1] after the token of an admin has expired a fresh one opens the next socket", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  let askedCount = 0;
  using admin = openAdmin({
    url: addressOf(server),
    token: () => tokenOf("root", { role: "admin", exp: inSeconds(++askedCount === 1 ? 3 : 3_600) }),
  });
  expect((await admin.listRooms()).rooms).toEqual([]);
  await expect.poll(() => askedCount, { timeout: 20_000 }).toBe(2);
  expect((await admin.listRooms()).rooms).toEqual([]);
});

test("[CLIENT-ADMIN-2] every action is a promise of its answer", async () => {
  await using server = await startServer({ settings: SETTINGS });
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob", reconnect: false });
  await bob.connect();
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada" });
  await ada.joinRoom("lab");
  const told = new Promise((resolve) => ada.on("system_message", resolve));
  const endless = ada.sendQuery({ sparql: ENDLESS }, { onRows: () => new Promise(() => undefined) });
  const cancelled = expect(endless).rejects.toMatchObject({ code: "query_cancelled" });
  using admin = ofServer(server);

  expect((await admin.getMetrics()).active_connections).toBe(2);
  const connections = await admin.listConnections({ limit: 1 });
  expect(connections).toMatchObject({ connections: [{ state: "authenticated" }], more: true });
  expect((await admin.listConnections()).connections).toHaveLength(2);
  expect(await admin.listRooms()).toMatchObject({ rooms: [{ room_id: "lab" }], more: false });
  await expect.poll(async () => (await admin.listQueries()).queries.length).toBe(1);
  const [query] = (await admin.listQueries()).queries;
  expect(query).toMatchObject({ user_id: "ada" });
  expect(await admin.cancelQuery({ query_id: query?.query_id ?? "" })).toEqual({ cancelled_count: 1 });
  await cancelled;
  expect(await admin.broadcast({ message: "Soon", level: "warning" })).toEqual({ sent_count: 2 });
  expect(await told).toMatchObject({ message: "Soon", level: "warning" });
  expect(await admin.disconnect({ user_id: "bob" })).toEqual({ disconnected_count: 1 });
  expect(await admin.deleteRoom({ room_id: "lab" })).toEqual({ room_id: "lab" });
  expect((await admin.endpoints()).endpoints).toMatchObject([{ endpoint_id: "local" }]);
  expect(await admin.experiments()).toEqual({ experiments: [] });
  expect((await admin.analytics({ from: "2020-01-01", to: "2020-01-02" })).days).toEqual([]);
  expect(await admin.drain()).toEqual({ draining: true });
});

test("[CLIENT-ADMIN-2] what does not fit, and what is not there, is rejected with the code of the server", async () => {
  await using server = await startServer({ settings: SETTINGS });
  using admin = ofServer(server);
  await expect(admin.listRooms({ limit: 0 })).rejects.toMatchObject({ code: "invalid_message" });
  await expect(admin.disconnect({})).rejects.toMatchObject({ code: "bad_request" });
  await expect(admin.cancelQuery({ query_id: "x" })).rejects.toMatchObject({ code: "query_not_found" });
  await expect(admin.deleteRoom({ room_id: "x" })).rejects.toMatchObject({ code: "room_not_found" });
  expect((await admin.listRooms({ limit: 1 })).rooms).toEqual([]);
});

test("[CLIENT-ADMIN-3] an action is given up by its signal and by its time, and 100 wait at most", async () => {
  await using server = await startSilentServer();
  using admin = ofServer(server);
  await expect(admin.getMetrics({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  expect(admin.state.getSnapshot()).toEqual({ kind: "idle" });
  const controller = new AbortController();
  const aborted = expect(admin.getMetrics({ signal: controller.signal })).rejects.toMatchObject({
    code: "aborted",
  });
  await expect.poll(() => server.said).toEqual(["get_metrics"]);
  controller.abort();
  await aborted;
  await expect(admin.listRooms({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
  const { pendingActionsCount } = ADMIN_CLIENT_LIMITS;
  const waiting = Array.from({ length: pendingActionsCount }, () => admin.getMetrics());
  const settled = Promise.allSettled(waiting);
  await expect(admin.getMetrics()).rejects.toMatchObject({ code: "outbox_full" });
  admin.close();
  expect((await settled).map(({ status }) => status)).toEqual(waiting.map(() => "rejected"));
});

test("[CLIENT-ADMIN-4] a wrong key, and an endpoint that is off, end the client after three tries", async () => {
  await using on = await startServer({ settings: SETTINGS });
  await using off = await startServer();
  for (const [server, key] of [
    [on, WRONG_KEY],
    [on, "short"],
    [off, KEY],
  ] as const) {
    await using proxy = await startTcpProxy(Number(new URL(server.url).port));
    let askedCount = 0;
    using admin = openAdmin({
      url: `ws://127.0.0.1:${proxy.port}/api/ws/admin`,
      key() {
        askedCount++;
        return key;
      },
    });
    const refused = { code: "connection_closed", retry: false, details: { detail: "refused" } };
    await expect(admin.getMetrics()).rejects.toMatchObject(refused);
    const cause = expect.objectContaining({ message: expect.stringMatching(/404|401/) });
    expect(admin.state.getSnapshot()).toEqual({ kind: "closed", code: 1006, reason: "", cause });
    await expect(admin.getMetrics()).rejects.toMatchObject(refused);
    expect(() => admin.watchMetrics(() => undefined)).toThrow(expect.objectContaining(refused));
    expect(askedCount).toBe(1 + ADMIN_CLIENT_LIMITS.retriesOfRefusedCount);
  }
});

test("[CLIENT-ADMIN-4] after 4401 a credential that is refused ends the client too", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  let askedCount = 0;
  using admin = openAdmin({
    url: addressOf(server),
    token: () =>
      ++askedCount === 1 ? tokenOf("root", { role: "admin", exp: inSeconds(3) }) : tokenOf("ada"),
  });
  const ended = new Promise<SparqlLiveError>((resolve) =>
    admin.watchMetrics(() => undefined, { onError: resolve }),
  );
  expect(await ended).toMatchObject({ code: "connection_closed", details: { detail: "refused" } });
  expect(askedCount).toBeLessThanOrEqual(2 + ADMIN_CLIENT_LIMITS.retriesOfRefusedCount);
});

test("[CLIENT-ADMIN-5] when the connection is lost, what changes nothing is asked again and the rest is rejected", async () => {
  await using server = await startSilentServer();
  using admin = ofServer(server);
  const reading = admin.listQueries();
  const changing = expect(admin.broadcast({ message: "Once" })).rejects.toMatchObject({
    code: "connection_closed",
    details: { detail: "unanswered" },
  });
  await expect.poll(() => server.said).toEqual(["list_queries", "broadcast"]);
  server.sockets[0]?.terminate();
  await changing;
  await expect.poll(() => server.said).toEqual(["list_queries", "broadcast", "list_queries"]);
  admin.close();
  await expect(reading).rejects.toMatchObject({ code: "connection_closed" });
});

test("[CLIENT-ADMIN-6] metrics come, and go on when the server was killed and started again", async () => {
  await using server = await startServerProcess({ secrets: { SPARQL_LIVE_ADMIN_KEY: KEY } });
  using admin = openAdmin({ url: server.webSocketUrl.replace("/query", "/admin"), key: KEY });
  const seen: MetricsSnapshot[] = [];
  const kinds: string[] = [];
  admin.state.subscribe(() => kinds.push(admin.state.getSnapshot().kind));
  const stop = admin.watchMetrics((metrics) => seen.push(metrics), { intervalMs: 250 });
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(1);
  await server.kill();
  await expect.poll(() => kinds).toContain("reconnecting");
  const seenCount = seen.length;
  await server.start();
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(seenCount + 1);
  expect(seen.at(-1)?.uptime_seconds).toBeGreaterThan(0);
  stop();
  expect((await admin.getMetrics()).active_connections).toBe(0);
}, 120_000);

test("[CLIENT-ADMIN-6] an interval that is none is refused at once, and takes no feed from anybody", async () => {
  await using server = await startSilentServer();
  using admin = ofServer(server);
  for (const intervalMs of [Number.NaN, 0, 249, 60_001, 1_000.5, Number.POSITIVE_INFINITY]) {
    expect(() => admin.watchMetrics(() => undefined, { intervalMs })).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  }
  const waiting = Array.from({ length: ADMIN_CLIENT_LIMITS.pendingActionsCount }, () => admin.getMetrics());
  const settled = Promise.allSettled(waiting);
  for (const intervalMs of [60_000, 250]) admin.watchMetrics(() => undefined, { intervalMs });
  await expect
    .poll(() => server.said.filter((action) => action === "subscribe_metrics").length)
    .toBeGreaterThan(0);
  admin.close();
  await settled;
});

test("[CLIENT-ADMIN-6] who watches shares one feed, at the shortest of their intervals", async () => {
  await using server = await startServer({ settings: SETTINGS });
  using admin = ofServer(server);
  const seen: MetricsSnapshot[][] = [[], []];
  const stops = seen.map((ofOne, index) =>
    admin.watchMetrics((metrics) => ofOne.push(metrics), { intervalMs: [60_000, 250][index] }),
  );
  await expect.poll(() => seen.every(({ length }) => length > 1), { timeout: 20_000 }).toBe(true);
  const before = seen[0]?.length ?? 0;
  await expect.poll(() => seen[0]?.length, { timeout: 20_000 }).toBeGreaterThan(before + 1);
  for (const stop of stops) stop();
  const actions = () =>
    server.logged.flatMap((line) => (JSON.parse(line) as { audit?: { action: string } }).audit?.action ?? []);
  await expect.poll(() => actions().at(-1)).toBe("unsubscribe_metrics");
});

test("[CLIENT-ADMIN-6] an interval that the server refuses ends the watches that wanted it, and theirs alone", async () => {
  await using server = await startSilentServer();
  using admin = ofServer(server);
  const told: string[] = [];
  const watch = (intervalMs: number) =>
    admin.watchMetrics(() => told.push(`metrics of ${intervalMs}`), {
      intervalMs,
      onError: ({ code }) => told.push(`${code} of ${intervalMs}`),
    });
  watch(60_000);
  await expect.poll(() => server.said).toEqual(["subscribe_metrics"]);
  const [socket] = server.sockets;
  socket?.once("message", (data) => {
    const { message_id: correlation_id } = JSON.parse(String(data));
    socket.send(
      JSON.stringify({
        type: "error_message",
        correlation_id,
        payload: { code: "forbidden", message: "No." },
      }),
    );
  });
  watch(250);
  await expect.poll(() => told).toEqual(["forbidden of 250"]);
  await expect
    .poll(() => server.said)
    .toEqual(["subscribe_metrics", "subscribe_metrics", "subscribe_metrics"]);
  socket?.send(JSON.stringify({ type: "metrics", payload: {} }));
  await expect.poll(() => told.at(-1)).toBe("metrics of 60000");
});

test("[CLIENT-ADMIN-7] close settles what waits, and ends what watches", async () => {
  await using server = await startSilentServer();
  const admin = ofServer(server);
  const errors: SparqlLiveError[] = [];
  admin.watchMetrics(() => undefined, { onError: (error) => errors.push(error) });
  const waiting = [admin.getMetrics(), admin.drain(), admin.deleteRoom({ room_id: "lab" })];
  await expect.poll(() => server.said).toHaveLength(4);
  const closed = new Promise((resolve) => server.sockets[0]?.once("close", resolve));
  admin.close();
  for (const each of waiting) await expect(each).rejects.toMatchObject({ code: "connection_closed" });
  expect(await closed).toBe(1000);
  expect(admin.state.getSnapshot()).toEqual({ kind: "closed", code: 1000, reason: "disconnect" });
  await expect(admin.getMetrics()).rejects.toMatchObject({ code: "connection_closed" });
  expect(errors).toEqual([]);
});

test("[CLIENT-ADMIN-2] the recipe of the guide runs", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const guide = await readFile(`${ROOT}/docs/guides/client.md`, "utf8");
  const [, recipe = ""] = /## Administer a server\n\n```js\n(.*?)```/s.exec(guide) ?? [];
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", recipe], {
    cwd: ROOT,
    env: { ...process.env, ADMIN_URL: addressOf(server), ADMIN_KEY: KEY },
  });
  expect(stdout).toBe("0 queries cancelled, 0 told\n0 connected\n");
}, 60_000);
