import { jsonCodec } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { type Framed, frameMessage } from "./frames.js";
import { createMemoryTransport, type MemoryPeer } from "./memory-transport.js";
import { Outbox } from "./outbox.js";
import { createTicker } from "./ticker.js";

/** A message whose text says which it is. */
const text = (type: string): Framed => frameMessage(jsonCodec, { type, payload: {} });
const bytes = (count: number): Framed => ({ chunks: [ping(count)], byteLength: count });
/** One frame of so many bytes: a text of blanks. */
function ping(count: number): Uint8Array {
  const header = count < 128 ? [0x81, count - 2] : [0x81, 126, (count - 4) >> 8, (count - 4) & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(count - header.length, 0x20)]);
}
const typesOf = (peer: MemoryPeer) => peer.messages.map((message) => JSON.parse(String(message)).type);
const turn = () => new Promise((resolve) => setImmediate(resolve));

function open(maxBytes?: number): { outbox: Outbox; peer: MemoryPeer; overflowed: () => boolean } {
  const { transport, peer } = createMemoryTransport();
  let overflow = false;
  const outbox = new Outbox({
    transport,
    ticker: createTicker(),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    onOverflow: () => {
      overflow = true;
    },
  });
  return { outbox, peer, overflowed: () => overflow };
}

test("what is sent within one tick is one write, control first, then in order, then ephemeral", async () => {
  const { outbox, peer } = open();
  outbox.sendEphemeral("k", () => text("ephemeral"));
  outbox.send(text("one"));
  outbox.send(text("two"));
  outbox.sendControl(text("control"));
  await turn();
  expect(typesOf(peer)).toEqual(["control", "one", "two", "ephemeral"]);
  expect(peer.writes).toHaveLength(1);
});

test("of ephemeral messages only the latest of a key is encoded and sent", async () => {
  const { outbox, peer } = open();
  let encodedCount = 0;
  for (let index = 0; index < 100; index++) {
    outbox.sendEphemeral(`key${index % 2}`, () => {
      encodedCount++;
      return text(`${index}`);
    });
  }
  await turn();
  expect(typesOf(peer)).toEqual(["98", "99"]);
  expect(encodedCount).toBe(2);
});

test("an ordered message takes the ephemeral one that it supersedes off the queue", async () => {
  const { outbox, peer } = open();
  outbox.sendEphemeral("progress", () => text("half"));
  outbox.send(text("done"), "progress");
  await turn();
  expect(typesOf(peer)).toEqual(["done"]);
});

test("one write is under way at a time, and the next takes all that came meanwhile", async () => {
  const { outbox, peer } = open();
  peer.pause();
  outbox.send(text("a"));
  await turn();
  outbox.send(text("b"));
  outbox.send(text("c"));
  await turn();
  expect([typesOf(peer), outbox.isWriting]).toEqual([["a"], true]);
  peer.resume();
  await turn();
  await turn();
  expect(typesOf(peer)).toEqual(["a", "b", "c"]);
  expect(peer.writes).toEqual([text("a").byteLength, 2 * text("b").byteLength]);
});

test("[LIMIT-3] exactly the bound may wait, one byte more overflows", async () => {
  for (const [total, overflows] of [
    [1_000, false],
    [1_001, true],
  ] as const) {
    const { outbox, peer, overflowed } = open(1_000);
    peer.pause();
    outbox.send(bytes(600));
    outbox.send(bytes(total - 600));
    expect(overflowed()).toBe(overflows);
  }
});

test("[LIMIT-3] a single larger message may enter an empty queue and does not count against the bound", async () => {
  const { outbox, peer, overflowed } = open(1_000);
  peer.pause();
  outbox.send(frameMessage(jsonCodec, { type: "large", payload: "x".repeat(200_000) }));
  outbox.send(bytes(1_000));
  expect(overflowed()).toBe(false);
  outbox.send(bytes(2));
  expect(overflowed()).toBe(true);

  const other = open(1_000);
  other.outbox.send(bytes(2));
  other.outbox.send(bytes(1_001));
  expect(other.overflowed()).toBe(true);
});

test("a large message goes in fragments of 64 KiB, each after the one before, and arrives whole", async () => {
  const { outbox, peer } = open();
  const payload = "x".repeat(150_000);
  outbox.send(frameMessage(jsonCodec, { type: "large", payload }));
  await turn();
  outbox.sendControl(text("control"));
  await outbox.drained(0);
  expect(peer.messages.map((message) => JSON.parse(String(message)).payload)).toEqual([payload, {}]);
  expect(peer.writes).toHaveLength(3);
  expect(Math.max(...peer.writes)).toBeLessThanOrEqual(65_536 + 10);
});

test("drained settles when little enough waits, and when the outbox is closed", async () => {
  const { outbox, peer } = open();
  peer.pause();
  outbox.send(bytes(100));
  outbox.send(bytes(100));
  await outbox.drained(200);
  let settled = false;
  const waiting = outbox.drained(0).then(() => {
    settled = true;
  });
  await turn();
  expect(settled).toBe(false);
  peer.resume();
  await waiting;
  expect(outbox.queuedBytes).toBe(0);

  peer.pause();
  outbox.send(bytes(100));
  const lost = outbox.drained(0);
  outbox.close();
  await lost;
  const before = peer.messages.length;
  outbox.send(text("late"));
  await turn();
  expect(peer.messages).toHaveLength(before);
});
