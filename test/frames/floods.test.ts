import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../../packages/server/src/limits.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { openRawClient } from "../support/raw-client.js";
import { clientFrame } from "../support/raw-socket.js";

const OPEN = { fin: false } as const;
const BURST = SERVER_LIMITS.controlFrameBurstCount;
const FLOODED = { code: 4429, reason: '{"code":"too_many_control_frames"}' };

test("[LIMIT-2] a message of 256 fragments is taken, empty ones counted; one more closes with 1008", async () => {
  await using server = await startServer();
  await using client = await openRawClient(server.ws);
  const start = clientFrame("text", '{"type":"ping"', OPEN);
  const empty = clientFrame("continuation", "", OPEN);
  const more = (count: number) => Array.from({ length: count }, () => empty);
  client.write(start, ...more(254), clientFrame("continuation", "}"));
  await client.nextMessage("pong");
  client.write(start, ...more(255));
  client.write(clientFrame("ping", "all 256 were borne"));
  await client.next(({ opcode }) => opcode === 0xa);
  client.write(empty);
  expect((await client.closed()).code).toBe(1008);
});

test("[LIMIT-2] a frame that comes in so many packets that more than 1,024 wait closes with 1008", async () => {
  await using server = await startServer();
  await using client = await openRawClient(server.ws);
  const inBytes = (message: string) => Array.from(clientFrame("text", message), (byte) => Buffer.of(byte));
  await client.writeApart(inBytes(`{"type":"ping","payload":{"x":"${"x".repeat(950)}"}}`));
  await client.nextMessage("pong");
  await client.writeApart(inBytes("x".repeat(60_000)));
  expect((await client.closed()).code).toBe(1008);
});

test.each([
  ["pings", "ping"],
  ["unasked pongs", "pong"],
] as const)(
  "[FRAME-5] so many %s as the burst are borne, more at once close with 4429",
  async (_what, kind) => {
    await using server = await startServer();
    await using client = await openRawClient(server.ws);
    await client.nextMessage("connection_ack");
    client.write(...Array.from({ length: BURST }, () => clientFrame(kind, "x")));
    client.write(clientFrame("text", '{"type":"ping"}'));
    await client.nextMessage("pong");
    // Meanwhile some tokens have come; twice the burst is more than any of them.
    client.write(...Array.from({ length: 2 * BURST }, () => clientFrame(kind, "x")));
    expect(await client.closed()).toEqual(FLOODED);
    const answers = client.frames.filter(({ opcode }) => opcode === 0xa);
    expect(answers.length).toBeLessThanOrEqual(kind === "ping" ? 3 * BURST : 0);
  },
);

test("[FRAME-5] the bound holds where messages have none", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  await using client = await openRawClient(server.ws);
  client.write(...Array.from({ length: 10 * BURST }, () => clientFrame("ping")));
  expect(await client.closed()).toEqual(FLOODED);
});

test("[FRAME-5] a flood of pings from who reads no answer ends the connection", async () => {
  await using server = await startServer();
  await using client = await openRawClient(`${server.ws}?user_id=flood`);
  await client.nextMessage("connection_ack");
  client.pause();
  const flood = Buffer.concat(Array.from({ length: 10_000 }, () => clientFrame("ping", "x".repeat(125))));
  for (let index = 0; index < 10; index++) client.write(flood);
  await expect.poll(() => server.server.live.hub.userConnectionsCount("flood"), { timeout: 20_000 }).toBe(0);
  expect(server.server.live.counters.disconnectsByCode.get("too_many_control_frames")).toBe(1);
});

test("[FRAME-6] half a frame and then silence is no sign of life", async () => {
  const settings = { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 300 };
  await using server = await startServer({ settings });
  for (const bytes of [
    clientFrame("text", "{", { length: 1_000n }),
    clientFrame("text", "{", OPEN),
    Buffer.of(0x81),
    Buffer.of(0x81, 0xfe, 0x10),
  ]) {
    await using client = await openRawClient(server.ws);
    client.write(bytes);
    expect(await client.closed()).toEqual({ code: 4408, reason: '{"code":"heartbeat_timeout"}' });
  }
});
