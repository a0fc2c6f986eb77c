import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import Type from "typebox";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Connection, correlationOf, createMemoryTransport, defineMessage } from "./index.js";
import { WebSocketManager } from "./manager.js";
import { createMemoryEngine } from "./testing/memory-engine.js";
import { openAs } from "./testing/room-clients.js";
import { startManager, Tally, Vote } from "./testing/start-manager.js";
import { CITIES } from "./testing/start-server.js";
import { openClient, refusedStatus } from "./testing/test-client.js";

test("before it is started everything but the adding of handlers says so", async () => {
  await using manager = new WebSocketManager({ log: pino({ level: "silent" }) });
  expect(() => manager.getMetrics()).toThrow("await start() first");
  await expect(manager.sendToUser("ada", "notification", { message: "" })).rejects.toThrow("start() first");
  const stop = manager.registerHandler("ping", () => undefined);
  stop();
  await Promise.all([manager.start(), manager.start()]);
  expect(manager.getMetrics().total_connections).toBe(0);
  await manager.shutdown();
  await expect(manager.start()).rejects.toThrow("make another");
});

test("a manager that was never started can be shut down", async () => {
  await new WebSocketManager().shutdown();
});

test("beside the application's own requests it answers upgrades, under its prefix alone", async () => {
  await using server = await startManager({ prefix: "/live", refuseForeignUpgrades: true });
  expect(await (await fetch(server.url)).text()).toBe("own");
  await using client = await openClient(`${server.ws}/live/api/ws/query`);
  expect((await client.next("connection_ack")).payload).toMatchObject({ heartbeat_interval: 30 });
  expect(await refusedStatus(`${server.ws}/api/ws/query`)).toBe(404);
});

test("the heartbeat is given in seconds", async () => {
  await using server = await startManager({ heartbeatInterval: 0.1, heartbeatTimeout: 0.4 });
  await using client = await openClient(`${server.ws}/api/ws/query`, {
    autoPong: false,
  } as object);
  expect((await client.next("connection_ack")).payload.heartbeat_interval).toBe(0.1);
  await client.next("heartbeat");
  expect((await client.closed).code).toBe(4408);
});

test("with an engine it answers queries, without one it says that it cannot", async () => {
  await using able = await startManager({ engine: createMemoryEngine(CITIES) });
  await using unable = await startManager();
  for (const [server, type] of [
    [able, "query_result"],
    [unable, "error_message"],
  ] as const) {
    await using client = await openAs(server, "ada");
    client.send("query_request", { natural_language: "all cities" }, { message_id: "q" });
    const { payload } = await client.next(type);
    expect(payload).toMatchObject(
      type === "query_result" ? { row_count: 3 } : { code: "feature_unavailable" },
    );
  }
});

test("a handler of an added type gets what fits its schema, and nothing else", async () => {
  await using server = await startManager();
  const { manager } = server;
  const votes: unknown[] = [];
  manager.registerHandler(Vote, (message, connection) => {
    votes.push([message.payload, connection.user.id]);
    connection.send(
      Tally,
      { counts: { [message.payload.option]: 1 } },
      { correlationId: correlationOf(message) },
    );
  });
  await using ada = await openAs(server, "ada");
  ada.send(Vote.type, { option: "yes", weight: "heavy" }, { message_id: "bad" });
  expect(await ada.next("validation_error")).toMatchObject({
    correlation_id: "bad",
    payload: { code: "invalid_message", errors: [{ path: "/payload/weight" }] },
  });
  ada.send(Vote.type, { option: "yes", weight: 1 }, { message_id: "good" });
  expect(await ada.nextCustom(Tally)).toMatchObject({
    correlation_id: "good",
    payload: { counts: { yes: 1 } },
  });
  expect(votes).toEqual([[{ option: "yes", weight: 1 }, "ada"]]);
});

test("several handlers of a type all get each message; one that fails is counted, logged and answered", async () => {
  await using server = await startManager();
  const { manager, logged } = server;
  const seen: string[] = [];
  manager.registerHandler(Vote, () => {
    throw new TypeError("the words of a fault");
  });
  manager.registerHandler(Vote, async () => {
    await Promise.reject(new TypeError("a later fault"));
  });
  manager.registerHandler(Vote, ({ payload }) => void seen.push(`first ${payload.option}`));
  const stop = manager.registerHandler(
    Vote,
    async ({ payload }) => void seen.push(`second ${payload.option}`),
  );
  await using ada = await openAs(server, "ada");
  ada.send(Vote.type, { option: "yes", weight: 1 }, { message_id: "v" });
  for (let index = 0; index < 2; index++) {
    const { payload, correlation_id } = await ada.next("error_message");
    expect([payload.code, correlation_id]).toEqual(["internal_error", "v"]);
    expect(payload.error).not.toContain("fault");
  }
  expect(seen).toEqual(["first yes", "second yes"]);
  expect(manager.getMetrics().errors).toBe(2);
  expect(logged.filter((line) => line.includes("a handler failed"))).toHaveLength(2);
  stop();
  ada.send(Vote.type, { option: "no", weight: 1 });
  await ada.next("error_message");
  expect(seen).toEqual(["first yes", "second yes", "first no"]);
});

test("handlers that were added before the start are there from the first message on", async () => {
  const manager = new WebSocketManager({ log: pino({ level: "silent" }) });
  const seen: string[] = [];
  manager.registerHandler(Vote, ({ payload }) => void seen.push(payload.option));
  const stop = manager.registerHandler("ping", () => void seen.push("taken off"));
  stop();
  await manager.start();
  const { transport, peer } = createMemoryTransport();
  manager.connect(transport);
  peer.send(JSON.stringify({ type: Vote.type, payload: { option: "yes", weight: 1 } }));
  peer.send(JSON.stringify({ type: "ping" }));
  expect(seen).toEqual(["yes"]);
  await manager.shutdown();
});

test("two definitions of one type are refused", async () => {
  await using server = await startManager();
  const { manager } = server;
  manager.registerHandler(Vote, () => undefined);
  const other = defineMessage("poll.vote", Type.Object({}));
  expect(() => manager.registerHandler(other, () => undefined)).toThrow(TypeError);
  const early = new WebSocketManager({ log: pino({ level: "silent" }) });
  early.registerHandler(Vote, () => undefined);
  early.registerHandler(other, () => undefined);
  await expect(early.start()).rejects.toThrow(TypeError);
  await early.shutdown();
});

test("a type of the protocol cannot be defined anew", () => {
  expect(() => defineMessage("ping", Type.Object({}))).toThrow('for example "acme.ping"');
});

test("an application's own WebSocketServer hands its sockets over, and says who comes", async () => {
  await using manager = new WebSocketManager({ log: pino({ level: "silent" }), maxConnectionsPerUser: 1 });
  await manager.start();
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const connected: (Connection | null)[] = [];
  sockets.on("connection", (webSocket, request) => {
    const isNamed = request.url === "/named";
    connected.push(
      isNamed
        ? manager.connect(webSocket, request, { userId: "eve", userName: "Eve" })
        : manager.connect(webSocket, request),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;

  await using ada = await openClient(`${url}/anywhere?user_id=ada`);
  expect((await ada.next("connection_ack")).payload.user_id).toBe("ada");
  await using eve = await openClient(`${url}/named`, { protocols: ["sparql-live.v1.msgpack"] });
  expect((await eve.next("connection_ack")).payload).toMatchObject({
    user_id: "eve",
    protocol: "sparql-live.v1.msgpack",
  });
  eve.send("ping");
  await eve.next("pong");

  await using second = await openClient(`${url}/anywhere?user_id=ada`);
  expect((await second.closed).code).toBe(4429);
  await using long = await openClient(`${url}/anywhere?user_id=${"x".repeat(129)}`);
  expect((await long.closed).code).toBe(1008);
  expect(connected.map((connection) => connection?.user.id)).toEqual(["ada", "eve", undefined, undefined]);
  await manager.shutdown();
  expect((await ada.closed).code).toBe(1012);
  sockets.close();
  server.close();
});

test("[LIMIT-1] a WebSocket that another server made with bounds of its own keeps ours", async () => {
  await using manager = new WebSocketManager({ log: pino({ level: "silent" }) });
  await manager.start();
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(sockets, "listening");
  sockets.on("connection", (webSocket, request) => manager.connect(webSocket, request));
  await using ada = await openClient(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
  const message = (bytes: number) => `{"type":"ping","payload":{"x":"${"x".repeat(bytes - 34)}"}}`;
  ada.sendRaw(message(131_072));
  await ada.next("pong");
  ada.sendRaw(message(131_073));
  expect(await ada.closed).toEqual({ code: 1009, reason: '{"code":"message_too_large"}' });
  sockets.close();
});

test("a WebSocket that compresses is refused with what to do", async () => {
  await using manager = new WebSocketManager({ log: pino({ level: "silent" }) });
  await manager.start();
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
  await once(sockets, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
  const [[webSocket, request]] = await Promise.all([once(sockets, "connection"), once(client, "open")]);
  expect(() => manager.connect(webSocket, request)).toThrow("perMessageDeflate: false");
  client.terminate();
  sockets.close();
});

test("shutting down closes what is connected and takes in nothing more", async () => {
  await using server = await startManager();
  await using ada = await openAs(server, "ada");
  await ada.next("connection_ack");
  const { manager } = server;
  await Promise.all([manager.shutdown(), manager.shutdown()]);
  expect((await ada.closed).code).toBe(1012);
  const { transport, peer } = createMemoryTransport();
  expect(manager.connect(transport)).toBeNull();
  expect(peer.closed?.code).toBe(1012);
});

test("who comes while the manager shuts down is told to come later", async () => {
  await using server = await startManager();
  await using ada = await openAs(server, "ada");
  await ada.next("connection_ack");
  // It does not answer the close until it reads on.
  ada.socket.pause();
  const ending = server.manager.shutdown();
  expect(await refusedStatus(`${server.ws}/api/ws/query`)).toBe(503);
  ada.socket.resume();
  await ending;
});

test("the metrics tell what was counted and what there is now", async () => {
  await using server = await startManager();
  await server.manager.sendToUser("bob", "notification", { message: "later" });
  await using ada = await openAs(server, "ada", { room: "lab" });
  await ada.next("join_room");
  expect(server.manager.getMetrics()).toMatchObject({
    total_connections: 1,
    active_connections: 1,
    total_rooms_created: 1,
    active_rooms: 1,
    queued_messages: 1,
    connections_by_state: { authenticated: 1, disconnected: 0 },
  });
});
