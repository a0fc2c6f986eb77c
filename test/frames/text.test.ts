import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { openRawClient } from "../support/raw-client.js";
import { clientFrame } from "../support/raw-socket.js";

const OPEN = { fin: false } as const;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ settings: { maxConnectionsPerAddress: 1_000 } });
});
afterAll(() => server[Symbol.asyncDispose]());

const MALFORMED: readonly (readonly [string, readonly number[]])[] = [
  ["a byte that never occurs", [0xff]],
  ["a continuation byte alone", [0x80]],
  ["an overlong slash of two bytes", [0xc0, 0xaf]],
  ["an overlong slash of three bytes", [0xe0, 0x80, 0xaf]],
  ["an overlong slash of four bytes", [0xf0, 0x80, 0x80, 0xaf]],
  ["an overlong NUL", [0xc0, 0x80]],
  ["a high surrogate", [0xed, 0xa0, 0x80]],
  ["a low surrogate", [0xed, 0xbf, 0xbf]],
  ["a pair of surrogates", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["a character above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a sequence of five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ["a sequence of six bytes", [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
  ["a character of two bytes that breaks off", [0xc3]],
  ["a character of three bytes that breaks off", [0xe2, 0x82]],
  ["a character of four bytes that breaks off", [0xf0, 0x9f, 0x98]],
  ["a character that ASCII interrupts", [0xe2, 0x41, 0xac]],
];

test.each(MALFORMED)(
  "[FRAME-4] a text with %s closes with 1007, whole and in fragments",
  async (_what, bytes) => {
    await using whole = await openRawClient(server.ws);
    whole.write(clientFrame("text", Buffer.concat([Buffer.from("{"), Buffer.from(bytes)])));
    expect((await whole.closed()).code).toBe(1007);
    await using apart = await openRawClient(server.ws);
    apart.write(clientFrame("text", "{", OPEN));
    for (const byte of bytes) apart.write(clientFrame("continuation", Buffer.of(byte), OPEN));
    apart.write(clientFrame("continuation"));
    expect((await apart.closed()).code).toBe(1007);
  },
);

test("[FRAME-4] a character may be cut between fragments", async () => {
  await using client = await openRawClient(server.ws);
  const message = Buffer.from('{"type":"ping","payload":{"x":"aß€😀\\u0000"}}');
  const frames = Array.from(message, (byte, index) =>
    clientFrame(index === 0 ? "text" : "continuation", Buffer.of(byte), {
      fin: index === message.length - 1,
    }),
  );
  client.write(...frames);
  await client.nextMessage("pong");
});

test.each([
  ["a binary frame where messages are JSON", "sparql-live.v1.json", "binary"],
  ["a binary frame where no subprotocol was asked for", undefined, "binary"],
  ["a text frame where messages are MessagePack", "sparql-live.v1.msgpack", "text"],
] as const)("[ENV-6] %s closes with 1003, in fragments too, empty too", async (_what, protocol, kind) => {
  const headers = protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol };
  for (const frames of [
    [clientFrame(kind, '{"type":"ping"}')],
    [clientFrame(kind)],
    [clientFrame(kind, "{", OPEN), clientFrame("continuation", "}")],
  ]) {
    await using client = await openRawClient(server.ws, headers);
    client.write(...frames);
    expect(await client.closed()).toEqual({ code: 1003, reason: '{"code":"wrong_frame_kind"}' });
  }
});
