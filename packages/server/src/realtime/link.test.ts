import { jsonCodec } from "@sparql-live/protocol";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openLive } from "../live.js";
import { createMemoryStorage } from "../memory-storage.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { createMemoryTransport } from "./memory-transport.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function connect() {
  const live = await openLive({
    engine: createMemoryEngine(""),
    storage: createMemoryStorage(),
    log: pino({ level: "silent" }),
  });
  const { transport, peer } = createMemoryTransport();
  const connection = live.connect(transport, jsonCodec, { userId: "ada" });
  return { live, peer, connection };
}

test("[LIMIT-3] without a completed write for 10 s a peer is closed with 4008, however often it says that it lives", async () => {
  const { peer, connection } = await connect();
  await turn();
  peer.pause();
  peer.send('{"type":"ping"}');
  await turn();
  for (let second = 0; second < 8; second++) {
    vi.advanceTimersByTime(1_000);
    peer.pong();
  }
  expect(peer.closed).toBeNull();
  for (let second = 0; second < 6; second++) {
    vi.advanceTimersByTime(1_000);
    peer.pong();
  }
  expect(peer.closed).toEqual({ code: 4008, reason: '{"code":"slow_consumer"}' });
  expect(connection?.life).toBe("lost");
});

test("a peer that reads within the 10 s stays", async () => {
  const { peer } = await connect();
  for (let round = 0; round < 4; round++) {
    peer.pause();
    peer.send('{"type":"ping"}');
    await turn();
    for (let second = 0; second < 6; second++) vi.advanceTimersByTime(1_000);
    peer.resume();
    await turn();
  }
  expect(peer.closed).toBeNull();
  expect(peer.messages.filter((message) => String(message).includes('"pong"'))).toHaveLength(4);
});

test("[PING-2] silence is measured to the second: 59 s are borne, 61 s are not", async () => {
  const { peer } = await connect();
  for (let second = 0; second < 59; second++) vi.advanceTimersByTime(1_000);
  expect(peer.closed).toBeNull();
  for (let second = 0; second < 2; second++) vi.advanceTimersByTime(1_000);
  expect(peer.closed).toEqual({ code: 4408, reason: '{"code":"heartbeat_timeout"}' });
});

test("a server that is closing takes no further connection", async () => {
  vi.useRealTimers();
  const { live, peer } = await connect();
  await live.close();
  expect(peer.closed?.code).toBe(1012);
  const late = createMemoryTransport();
  expect(live.connect(late.transport, jsonCodec)).toBeNull();
  expect(late.peer.closed?.code).toBe(1012);
});
