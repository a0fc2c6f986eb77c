import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { manyTriples, startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";

async function refusal(url: string, protocols: string[] = [], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, protocols, { headers });
  const [, response] = await once(socket, "unexpected-response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) };
}

test("[CONN-1] connection_ack is the first frame and names the user, the protocol and the limits", async () => {
  await using server = await startServer();
  await using client = await openClient(`${server.ws}?user_id=ada&user_name=Ada`);
  const ack = await client.next("connection_ack");
  expect(client.log[0]).toBe(ack);
  expect(ack.payload).toMatchObject({
    user_id: "ada",
    protocol: "sparql-live.v1.json",
    heartbeat_interval: 30,
    limits: { max_message_bytes: 131_072, max_rows: 10_000, max_timeout: 120 },
  });
  expect(Date.parse(ack.payload.server_time)).not.toBeNaN();
});

test("[CONN-2] without a user_id each connection is a guest of its own", async () => {
  await using server = await startServer();
  await using one = await openClient(server.ws);
  await using other = await openClient(server.ws);
  const ids = [await one.next("connection_ack"), await other.next("connection_ack")].map(
    ({ payload }) => payload.user_id,
  );
  expect(new Set(ids).size).toBe(2);
});

test("[CONN-3] a subprotocol is echoed where one was asked for, and none where none was", async () => {
  await using server = await startServer();
  await using none = await openClient(server.ws);
  await using asked = await openClient(server.ws, { protocols: ["other.v9", "sparql-live.v1.json"] });
  expect([none.socket.protocol, asked.socket.protocol]).toEqual(["", "sparql-live.v1.json"]);
});

test("[CONN-3] offering only unknown subprotocols is refused with 400", async () => {
  await using server = await startServer();
  expect(await refusal(server.ws, ["other.v9"])).toMatchObject({
    status: 400,
    body: { code: "unknown_subprotocol", status: 400 },
  });
});

test("[CONN-4] an upgrade of an unknown path is refused with 404", async () => {
  await using server = await startServer();
  for (const path of ["/nope", "/api/ws/nope", "/api/ws/query/more"]) {
    expect((await refusal(server.url.replace("http", "ws") + path)).status).toBe(404);
  }
});

test.each(["https://evil.example", "null", "https://127.0.0.1.evil.example", "https://evil127.0.0.1"])(
  "[CONN-5] a page of the origin %s is refused with 403",
  async (origin) => {
    await using server = await startServer();
    expect(await refusal(server.ws, [], { origin })).toMatchObject({
      status: 403,
      body: { code: "origin_forbidden" },
    });
  },
);

test("[CONN-5] pages of the server's own origin and of allowed ones may connect", async () => {
  const settings = { allowedOrigins: ["https://app.example"] };
  await using server = await startServer({ settings });
  for (const origin of [server.url, "https://app.example"]) {
    await using client = await openClient(server.ws, { origin });
    await client.next("connection_ack");
  }
});

test("[CONN-6] when the server closes, running queries are told and connections end with 1012 and a hint", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send(
    "query_request",
    { sparql: "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }" },
    { message_id: "q" },
  );
  await client.next("query_progress", "q");
  const closing = server.server.close();
  expect((await client.next("query_cancelled", "q")).payload.reason).toBe("shutdown");
  const { code, reason } = await client.closed;
  expect(code).toBe(1012);
  expect(JSON.parse(reason)).toEqual({ code: "going_away", retry_after_ms: expect.any(Number) });
  await closing;
});

test('[ENV-1] a bare {"type":"ping"} is answered with an enveloped pong', async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.sendRaw('{"type":"ping"}');
  const pong = await client.next("pong");
  expect(pong.payload.timestamp).toBeCloseTo(Date.now() / 1_000, -2);
  expect(pong).toMatchObject({ message_id: expect.any(String), timestamp: expect.any(Number) });
  expect(pong).not.toHaveProperty("correlation_id");
});

test("[ENV-2] a reply's correlation_id is the request's correlation_id, else its message_id", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("ping", {}, { message_id: "m1", correlation_id: "c1" });
  expect((await client.next("pong")).correlation_id).toBe("c1");
  client.send("ping", {}, { message_id: "m2" });
  expect((await client.next("pong")).correlation_id).toBe("m2");
});

test("[ENV-3] every message of the server has a message_id of its own", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (let index = 0; index < 10; index++) client.send("ping");
  for (let index = 0; index < 10; index++) await client.next("pong");
  expect(new Set(client.log.map(({ message_id }) => message_id)).size).toBe(client.log.length);
});

test("[ENV-4] members that are null count as absent", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.sendRaw(
    JSON.stringify({
      type: "query_request",
      message_id: "q",
      correlation_id: null,
      timestamp: null,
      payload: { natural_language: "all cities", sparql: null, endpoint_id: null, timeout: null, limit: 2 },
    }),
  );
  const { payload } = await client.next("query_result", "q");
  expect(payload.row_count).toBe(2);
});

test("[ENV-5] MessagePack clients get the same messages in binary frames", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws, { protocols: ["sparql-live.v1.msgpack"] });
  expect((await client.next("connection_ack")).payload.protocol).toBe("sparql-live.v1.msgpack");
  client.send("query_request", { natural_language: "all cities", limit: 3 }, { message_id: "q" });
  expect((await client.next("query_result", "q")).payload.results?.bindings).toHaveLength(3);
});

test("[ENV-6] a binary frame on the JSON subprotocol closes with 1003", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.sendRaw(Buffer.from('{"type":"ping"}'));
  expect((await client.closed).code).toBe(1003);
});

test("[ENV-6] a text frame on the MessagePack subprotocol closes with 1003", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws, { protocols: ["sparql-live.v1.msgpack"] });
  client.sendRaw('{"type":"ping"}');
  expect((await client.closed).code).toBe(1003);
});

test.each([
  ["not JSON", "bad_message", "{"],
  ["no object", "bad_message", "[1]"],
  ["no type", "bad_message", "{}"],
  ["nested too deeply", "bad_message", `{"type":"ping","payload":${'{"a":'.repeat(40)}1${"}".repeat(40)}}`],
  ["of an unknown type", "unknown_type", '{"type":"toString","message_id":"m"}'],
  [
    "with a wrong field",
    "invalid_message",
    '{"type":"query_request","message_id":"m","payload":{"limit":"x"}}',
  ],
])(
  "[ERR-1] a frame that is %s is answered with validation_error %s and the connection lives",
  async (_, code, frame) => {
    await using server = await startServer();
    await using client = await openClient(server.ws);
    client.sendRaw(frame);
    const { payload, correlation_id } = await client.next("validation_error");
    expect(payload.code).toBe(code);
    expect(correlation_id).toBe(frame.includes('"m"') ? "m" : undefined);
    expect(payload.query_id).toBe(frame.includes("query_request") ? "m" : undefined);
    client.send("ping");
    await client.next("pong");
  },
);

test("[ERR-1] validation_error tells the places that do not fit", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("query_request", { natural_language: 7, limit: 0 });
  const { errors } = (await client.next("validation_error")).payload;
  expect(errors.map(({ path }) => path)).toEqual(["/payload/natural_language", "/payload/limit"]);
});

test("[ERR-2] the tenth bad message in a row closes with 1008; a good one in between starts anew", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (let index = 0; index < 9; index++) client.sendRaw("{");
  client.send("ping");
  await client.next("pong");
  for (let index = 0; index < 10; index++) client.sendRaw("{");
  const { code, reason } = await client.closed;
  expect([code, JSON.parse(reason)]).toEqual([1008, { code: "too_many_bad_messages" }]);
  expect(client.log.filter(({ type }) => type === "validation_error")).toHaveLength(19);
});

test("[ERR-3] messages of unknown types, as newer clients send them, never close", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (let index = 0; index < 12; index++) client.send("newer_message");
  client.send("ping");
  await client.next("pong");
});

test("[ERR-4] ids such as __proto__ and constructor are ids like others", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (const id of ["__proto__", "constructor"]) {
    client.send("query_request", { natural_language: "all cities" }, { message_id: id });
    expect((await client.next("query_result", id)).payload.row_count).toBe(3);
    client.send("query_cancel", { query_id: `${id}!` });
    expect((await client.next("error_message")).payload.code).toBe("query_not_found");
  }
  client.sendRaw('{"type":"ping","__proto__":{"polluted":true},"payload":{"__proto__":{"polluted":true}}}');
  await client.next("pong");
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test("[LIMIT-1] a message of 128 KiB is read, one byte more closes with 1009", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  const frame = (bytes: number) => `{"type":"ping","payload":{"x":"${"x".repeat(bytes - 34)}"}}`;
  expect(frame(131_072)).toHaveLength(131_072);
  client.sendRaw(frame(131_072));
  await client.next("pong");
  client.sendRaw(frame(131_073));
  expect((await client.closed).code).toBe(1009);
});

test("[LIMIT-1] an oversize frame is refused by its header, before its bytes come", async () => {
  await using server = await startServer();
  await using client = await rawClient(server.url);
  // FIN + text, masked, 64-bit length of 1 GiB: nothing of it follows.
  client.socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]));
  expect(await client.closeCode()).toBe(1009);
});

test("[LIMIT-2] a message of more than 256 fragments closes with 1008", async () => {
  await using server = await startServer();
  await using client = await rawClient(server.url);
  const first = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x20]);
  const more = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20]);
  client.socket.write(Buffer.concat([first, ...Array.from({ length: 256 }, () => more)]));
  expect(await client.closeCode()).toBe(1008);
});

test("[LIMIT-3] a reader that stops reading is closed with 4008 and its query ends", async () => {
  const engine = createMemoryEngine(manyTriples(100, 20_000));
  await using server = await startServer({ engine });
  await using client = await openClient(server.ws);
  client.socket.pause();
  // Answers of 2 MB each: one may enter the empty queue, what comes behind it is above the bound.
  for (let index = 0; index < 20; index++) {
    client.send("endpoint_status", {}, { message_id: `${index}` });
    client.send("query_request", { sparql: "SELECT ?o { ?s ?p ?o }" }, { message_id: `q${index}` });
  }
  // Pongs overtake what waits in order and fill the queue while nothing is read.
  const flood = setInterval(() => {
    for (let index = 0; index < 2_000; index++) client.send("ping", {}, { message_id: "x".repeat(128) });
  }, 5);
  await expect
    .poll(() => server.logged.some((line) => line.includes("slow_consumer")), { timeout: 20_000 })
    .toBe(true);
  clearInterval(flood);
  await expect.poll(() => engine.openCount, { timeout: 10_000 }).toBe(0);
  client.socket.resume();
  // The close frame stands behind what the network held; a peer that never reads would see 1006.
  expect([4008, 1006]).toContain((await client.closed).code);
});

test("[PING-1] the server sends heartbeats, and any frame keeps a connection alive", async () => {
  const settings = { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 400 };
  await using server = await startServer({ settings });
  await using client = await openClient(server.ws, { autoPong: false } as object);
  const started = performance.now();
  while (performance.now() - started < 1_200) {
    const { payload } = await client.next("heartbeat");
    expect(payload.timestamp).toBeGreaterThan(0);
    client.send("pong");
  }
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
});

test("[PING-2] a silent peer is closed with 4408", async () => {
  const settings = { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 300 };
  await using server = await startServer({ settings });
  await using client = await openClient(server.ws, { autoPong: false } as object);
  const { code, reason } = await client.closed;
  expect([code, JSON.parse(reason)]).toEqual([4408, { code: "heartbeat_timeout" }]);
});

test("[PING-3] WebSocket pings lie beneath: a client that only answers those stays", async () => {
  const settings = { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 300 };
  await using server = await startServer({ settings });
  await using client = await openClient(server.ws);
  for (let index = 0; index < 8; index++) await client.next("heartbeat");
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
});

test("[ERR-5] garbage on the socket ends that connection and nothing else", async () => {
  await using server = await startServer();
  await using other = await openClient(server.ws);
  for (const bytes of [
    [0xff, 0xff],
    [0x81, 0x01, 0x41],
    [0x8f, 0x80, 0, 0, 0, 0],
  ]) {
    await using client = await rawClient(server.url);
    client.socket.write(Buffer.from(bytes));
    expect(await client.closeCode()).toBe(1002);
  }
  await using bad = await rawClient(server.url);
  bad.socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]));
  expect(await bad.closeCode()).toBe(1007);
  other.send("ping");
  await other.next("pong");
});

/** Speaks the handshake and then bytes. */
async function rawClient(url: string) {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  let received = Buffer.alloc(0);
  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
  });
  await once(socket, "connect");
  socket.write(
    `GET /api/ws/query HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await expect.poll(() => received.includes("connection_ack")).toBe(true);
  return {
    socket,
    async closeCode() {
      const find = () => received.lastIndexOf(0x88);
      await expect.poll(() => find() >= 0 && received.length >= find() + 4, { timeout: 10_000 }).toBe(true);
      return received.readUInt16BE(find() + 2);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
