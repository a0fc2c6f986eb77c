import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { openRawClient } from "../support/raw-client.js";
import { clientFrame, closeFrame } from "../support/raw-socket.js";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ settings: { maxConnectionsPerAddress: 1_000 } });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each<readonly [string, Buffer, number]>([
  ["of one byte", clientFrame("close", "\x03"), 1002],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code) => [`with the code ${code}`, closeFrame(code), 1002] as const,
  ),
  ["whose reason breaks off within a character", closeFrame(1000, Buffer.of(0xe2, 0x82)), 1007],
  ["whose reason is an overlong slash", closeFrame(1000, Buffer.of(0xc0, 0xaf)), 1007],
  ["whose reason is a surrogate", closeFrame(1000, Buffer.of(0xed, 0xa0, 0x80)), 1007],
])("[FRAME-2] a close frame %s is no close frame", async (_what, frame, code) => {
  await using client = await openRawClient(server.ws);
  client.write(frame);
  expect((await client.closed()).code).toBe(code);
  await client.ended();
});

test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
  "[FRAME-3] a close with %i is answered with the same code, and the server hangs up",
  async (code) => {
    await using client = await openRawClient(server.ws);
    client.write(closeFrame(code, "x".repeat(123)));
    expect((await client.closed()).code).toBe(code);
    await client.ended();
  },
);

test("[FRAME-3] a close without a code is answered without one", async () => {
  await using client = await openRawClient(server.ws);
  client.write(clientFrame("close"));
  expect((await client.closed()).code).toBe(1005);
  await client.ended();
});

test("[FRAME-3] what comes behind a close frame is not read", async () => {
  await using client = await openRawClient(`${server.ws}?user_id=ada`);
  await client.nextMessage("connection_ack");
  client.write(
    closeFrame(1000),
    clientFrame("text", '{"type":"ping"}'),
    clientFrame("text", "{", { opcode: 3 }),
  );
  expect((await client.closed()).code).toBe(1000);
  await client.ended();
  expect(client.frames.map(({ opcode }) => opcode)).toEqual([1, 8]);
  expect(server.server.live.counters.closesByCode.get(1000)).toBeGreaterThan(0);
});

test("[FRAME-3] of a peer that does not answer the server's close messages are not taken, and it is cut off", async () => {
  await using client = await openRawClient(server.ws);
  await client.nextMessage("connection_ack");
  client.write(clientFrame("binary", "x"));
  expect((await client.closed()).code).toBe(1003);
  const { messagesReceived } = server.server.live.counters;
  client.write(clientFrame("text", '{"type":"ping"}'));
  await client.ended();
  expect(server.server.live.counters.messagesReceived).toBe(messagesReceived);
  expect(client.frames.filter(({ opcode }) => opcode === 1)).toHaveLength(1);
});

test("[FRAME-3] a connection that ends within a frame, or within the upgrade, leaves nothing behind", async () => {
  await using half = await openRawClient(`${server.ws}?user_id=half`);
  await half.nextMessage("connection_ack");
  half.write(clientFrame("text", "{", { length: 1_000n }));
  await half[Symbol.asyncDispose]();
  await expect.poll(() => server.server.live.hub.userConnectionsCount("half")).toBe(0);
});
