import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../../packages/server/src/limits.js";
import { createMemoryEngine } from "../../packages/server/src/testing/memory-engine.js";
import { manyTriples, startServer } from "../../packages/server/src/testing/start-server.js";
import { openClient, type TestClient } from "../../packages/server/src/testing/test-client.js";
import { printFigures } from "../support/figures.js";
import { openRawClient, type RawClient, type ServerFrame } from "../support/raw-client.js";
import { clientFrame } from "../support/raw-socket.js";

const MIB = 1024 * 1024;
const RSV1 = 4;
const COMPRESSING = { settings: { compression: true } } as const;
const OFFER = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };

function deflated(message: string | Uint8Array): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function inflated({ data }: ServerFrame): unknown {
  const tail = Buffer.of(0, 0, 0xff, 0xff);
  const whole = inflateRawSync(Buffer.concat([data, tail]), {
    windowBits: 12,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return JSON.parse(whole.toString());
}

function extensionsIn({ answer }: RawClient): string | undefined {
  return /^sec-websocket-extensions: (.*)$/im.exec(answer)?.[1];
}

test("[FRAME-7] compression is negotiated where it is switched on and offered with a window that is wide enough", async () => {
  await using off = await startServer();
  await using on = await startServer(COMPRESSING);
  const negotiated = async (url: string, offer: string) => {
    await using client = await openRawClient(url, { "Sec-WebSocket-Extensions": offer });
    await client.nextMessage("connection_ack");
    return extensionsIn(client);
  };
  const agreed =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12";
  expect(await negotiated(off.ws, "permessage-deflate")).toBeUndefined();
  expect(await negotiated(on.ws, "permessage-deflate")).toBe(agreed);
  expect(await negotiated(on.ws, "x-other, permessage-deflate; client_max_window_bits")).toBe(agreed);
  const asked = await negotiated(on.ws, "permessage-deflate; server_max_window_bits=12");
  expect(asked).toContain("server_max_window_bits=12");
  expect(await negotiated(on.ws, "permessage-deflate; server_max_window_bits=11")).toBeUndefined();
  await using none = await openRawClient(on.ws);
  await none.nextMessage("connection_ack");
  expect(extensionsIn(none)).toBeUndefined();
});

test("[FRAME-7] a message from 1 KiB on is sent compressed, a smaller one as it is, and both are read", async () => {
  await using server = await startServer(COMPRESSING);
  await using client = await openRawClient(`${server.ws}?user_id=ada`, OFFER);
  await client.nextMessage("connection_ack");
  const sendTo = (text: string) =>
    server.server.live.controls.sendToUser("ada", "notification", { message: text });
  await sendTo("x".repeat(100));
  await sendTo("x".repeat(SERVER_LIMITS.minDeflatedBytes));
  const small = await client.next(({ data }) => data.includes("notification"));
  expect(small.reserved).toBe(0);
  const large = await client.next(({ opcode }) => opcode === 1);
  expect(large.reserved).toBe(RSV1);
  expect(inflated(large)).toMatchObject({ payload: { message: "x".repeat(SERVER_LIMITS.minDeflatedBytes) } });
});

test("[FRAME-7] what cannot become smaller, or is above 1 MiB, is sent as it is", async () => {
  await using server = await startServer(COMPRESSING);
  await using client = await openRawClient(`${server.ws}?user_id=ada`, OFFER);
  await client.nextMessage("connection_ack");
  for (const text of ["x".repeat(2 * MIB), "x".repeat(2_000)]) {
    await server.server.live.controls.sendToUser("ada", "notification", { message: text });
  }
  const huge = await client.next(({ data }) => data.includes("notification"));
  expect(huge.reserved).toBe(0);
  const next = await client.next(({ opcode, reserved }) => opcode === 1 && reserved === RSV1);
  expect(inflated(next)).toMatchObject({ type: "notification" });
});

test("[FRAME-7] compressed messages of a client are read, fragments and pings between them too, and go to members of all kinds", async () => {
  await using server = await startServer(COMPRESSING);
  await using ada = await openRawClient(`${server.ws}?user_id=ada`, OFFER);
  const others: TestClient[] = [];
  for (const [perMessageDeflate, protocol] of [
    [true, "sparql-live.v1.json"],
    [true, "sparql-live.v1.msgpack"],
    [false, "sparql-live.v1.json"],
    [false, "sparql-live.v1.msgpack"],
  ] as const) {
    const options = { protocols: [protocol], perMessageDeflate };
    const client = await openClient(`${server.url.replace("http", "ws")}/api/ws/room/lab`, options);
    await client.next("join_room");
    others.push(client);
  }
  const send = (message: unknown) =>
    ada.write(clientFrame("text", deflated(JSON.stringify(message)), { reserved: RSV1 }));
  send({ type: "join_room", payload: { room_id: "lab" } });
  const text = "Wörter und 😀 ".repeat(2_000);
  const message = deflated(
    JSON.stringify({ type: "room_message", payload: { room_id: "lab", message: text } }),
  );
  ada.write(
    clientFrame("text", message.subarray(0, 50), { reserved: RSV1, fin: false }),
    clientFrame("ping", "between"),
    clientFrame("continuation", message.subarray(50)),
  );
  await ada.next(({ opcode }) => opcode === 0xa);
  for (const other of others) {
    expect((await other.next("room_message")).payload.message).toBe(text);
  }
  for (const other of others) await other[Symbol.asyncDispose]();
});

test("[FRAME-7] rows that were compressed for one are read back for who comes later", async () => {
  await using server = await startServer({ ...COMPRESSING, engine: createMemoryEngine(manyTriples(3_000)) });
  const ask = { sparql: "SELECT ?s ?o { ?s ?p ?o }", limit: 3_000, stream: true, credit: 10_000 };
  await using first = await openClient(`${server.ws}?user_id=ada`, { perMessageDeflate: true });
  first.send("query_request", ask, { message_id: "q" });
  await first.run("q");
  await using later = await openClient(`${server.ws}?user_id=ada`);
  later.send("query_attach", { query_id: "q", stream: false, credit: 10_000 });
  expect((await later.next("query_result", "q")).payload.row_count).toBe(3_000);
});

test.each<readonly [string, readonly Buffer[], number]>([
  ["a control frame with RSV1", [clientFrame("ping", deflated("x"), { reserved: RSV1 })], 1002],
  [
    "a continuation with RSV1",
    [
      clientFrame("text", deflated("{"), { reserved: RSV1, fin: false }),
      clientFrame("continuation", "", { reserved: RSV1 }),
    ],
    1002,
  ],
  ["RSV2 beside it", [clientFrame("text", deflated("{}"), { reserved: RSV1 | 2 })], 1002],
  ["what is not compressed", [clientFrame("text", "\xff\xff\xff\xff", { reserved: RSV1 })], 1007],
  [
    "compressed text that is no UTF-8",
    [clientFrame("text", deflated(Buffer.of(0xc0)), { reserved: RSV1 })],
    1007,
  ],
])("[FRAME-7] %s ends the connection", async (_what, frames, code) => {
  await using server = await startServer(COMPRESSING);
  await using client = await openRawClient(server.ws, OFFER);
  client.write(...frames);
  expect((await client.closed()).code).toBe(code);
});

test("[FRAME-8] a compressed message may decode to 128 KiB, and not to a byte more", async () => {
  await using server = await startServer(COMPRESSING);
  await using client = await openRawClient(server.ws, OFFER);
  const message = (bytes: number) => `{"type":"ping","payload":{"x":"${"x".repeat(bytes - 34)}"}}`;
  client.write(clientFrame("text", deflated(message(131_072)), { reserved: RSV1 }));
  await client.nextMessage("pong");
  client.write(clientFrame("text", deflated(message(131_073)), { reserved: RSV1 }));
  expect((await client.closed()).code).toBe(1009);
});

test("[FRAME-8] bombs of 128 MiB in small frames close with 1009 and cost no memory", async () => {
  await using server = await startServer(COMPRESSING);
  const bomb = deflated(Buffer.alloc(128 * MIB, "x"));
  // The highest level may leave a little more than fits in a message: then the bomb is a little smaller.
  const frame = clientFrame("text", bomb.subarray(0, 131_072), { reserved: RSV1 });
  const before = process.memoryUsage.rss();
  for (let index = 0; index < 10; index++) {
    await using client = await openRawClient(server.ws, OFFER);
    client.write(frame);
    expect((await client.closed()).code).toBe(1009);
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(128 * MIB);
});

test("[FRAME-7] rows cost a fraction of the bytes", async () => {
  const engine = createMemoryEngine(manyTriples(2_000));
  await using server = await startServer({ ...COMPRESSING, engine });
  const received = async (headers: Record<string, string>) => {
    await using client = await openRawClient(server.ws, headers);
    const ask = { sparql: "SELECT ?s ?p ?o { ?s ?p ?o }", limit: 2_000, stream: true, credit: 10_000 };
    client.write(clientFrame("text", JSON.stringify({ type: "query_request", payload: ask })));
    await client.next(({ data }) => data.includes('"completed"'));
    return client.bytesReceived;
  };
  const plain = await received({});
  const compressed = await received(OFFER);
  printFigures("2,000 rows", { "bytes plain": plain, "bytes compressed": compressed });
  expect(compressed).toBeLessThan(plain / 3);
});
