import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { openRawClient } from "../support/raw-client.js";
import { clientFrame, closeFrame, type FrameShape } from "../support/raw-socket.js";

const PING = '{"type":"ping"}';
const OPEN = { fin: false } as const;
const continuation = (shape: FrameShape = {}) => clientFrame("continuation", "", shape);

let server: TestServer;
beforeAll(async () => {
  // Each case is a connection, and some send no message that would count.
  server = await startServer({ settings: { maxConnectionsPerAddress: 1_000 } });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each<readonly [string, readonly Buffer[]]>([
  ["without a mask", [clientFrame("text", PING, { masked: false })]],
  ["with RSV1, where no compression was negotiated", [clientFrame("text", PING, { reserved: 4 })]],
  ["with RSV2", [clientFrame("text", PING, { reserved: 2 })]],
  ["with RSV3", [clientFrame("text", PING, { reserved: 1 })]],
  ["with all reserved bits", [clientFrame("binary", PING, { reserved: 7 })]],
  ["a ping with RSV1", [clientFrame("ping", "", { reserved: 4 })]],
  ["a close with RSV3", [clientFrame("close", "", { reserved: 1 })]],
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map(
    (opcode) => [`of the reserved opcode ${opcode}`, [clientFrame("text", PING, { opcode })]] as const,
  ),
  ["a ping of 126 bytes", [clientFrame("ping", "x".repeat(126))]],
  ["a pong of 126 bytes", [clientFrame("pong", "x".repeat(126))]],
  ["a close of 126 bytes", [closeFrame(1000, "x".repeat(124))]],
  ["a ping in fragments", [clientFrame("ping", "x", OPEN), continuation()]],
  ["a pong in fragments", [clientFrame("pong", "x", OPEN), continuation()]],
  ["a close in fragments", [clientFrame("close", "", OPEN)]],
  ["a continuation of nothing", [continuation()]],
  ["an open continuation of nothing", [continuation(OPEN)]],
  ["a continuation behind a whole message", [clientFrame("text", PING), continuation()]],
  ["a text inside a text", [clientFrame("text", "{", OPEN), clientFrame("text", PING)]],
  ["binary inside a text", [clientFrame("text", "{", OPEN), clientFrame("binary", PING)]],
  ["a text behind a continuation", [clientFrame("text", "{", OPEN), continuation(OPEN), clientFrame("text")]],
])("[FRAME-1] a frame %s closes with 1002", async (_what, frames) => {
  await using client = await openRawClient(server.ws);
  client.write(...frames);
  expect((await client.closed()).code).toBe(1002);
  await client.ended();
});

test("[FRAME-1] a control frame of 125 bytes passes between fragments, and is answered before the message is whole", async () => {
  await using client = await openRawClient(server.ws);
  const told = "x".repeat(125);
  client.write(clientFrame("text", '{"type":', OPEN), clientFrame("ping", told));
  const pong = await client.next(({ opcode }) => opcode === 0xa);
  expect([pong.data.toString(), pong.fin]).toEqual([told, true]);
  client.write(clientFrame("continuation", '"ping"', OPEN), clientFrame("pong", "unasked"));
  client.write(clientFrame("continuation", "}"));
  await client.nextMessage("pong");
});

test("[FRAME-1] a message comes byte by byte, in empty fragments too, and is whole", async () => {
  await using client = await openRawClient(server.ws);
  const frames = Buffer.concat([
    clientFrame("text", "", OPEN),
    clientFrame("continuation", PING, OPEN),
    continuation(OPEN),
    continuation(),
  ]);
  await client.writeApart(Array.from(frames, (byte) => Buffer.of(byte)));
  await client.nextMessage("pong");
});

test.each<readonly [string, Buffer, number]>([
  ["of 2^63 bytes", clientFrame("text", "", { length: 2n ** 63n }), 1009],
  ["of 2^64 - 1 bytes", clientFrame("text", "", { length: 2n ** 64n - 1n }), 1009],
  ["of 2^53 bytes", clientFrame("text", "", { length: 2n ** 53n }), 1009],
  ["of 4 GiB", clientFrame("text", "", { length: 2n ** 32n }), 1009],
  ["of 128 KiB and a byte", clientFrame("text", "", { length: 131_073n }), 1009],
  ["of 128 KiB and a byte, binary", clientFrame("binary", "", { length: 131_073n }), 1009],
])("[LIMIT-1] a frame %s is refused by its header alone", async (_what, header, code) => {
  await using client = await openRawClient(server.ws);
  client.write(header);
  expect((await client.closed()).code).toBe(code);
  await client.ended();
});

test("[LIMIT-1] fragments of 128 KiB together are a message, a byte more closes with 1009 by the header of the last", async () => {
  await using client = await openRawClient(server.ws);
  const half = "x".repeat(65_536);
  const start = '{"type":"ping","payload":{"x":"';
  const whole = [
    clientFrame("text", start + half.slice(start.length), OPEN),
    clientFrame("continuation", half.slice(3), OPEN),
  ];
  client.write(...whole, clientFrame("continuation", '"}}'));
  await client.nextMessage("pong");
  client.write(...whole, clientFrame("continuation", "", { length: 4n }));
  expect((await client.closed()).code).toBe(1009);
});
