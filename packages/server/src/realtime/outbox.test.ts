import { expect, test } from "vitest";
import { createMemoryTransport, type MemoryPeer } from "./memory-transport.js";
import { createOutbox, type Outbox } from "./outbox.js";

const text = (value: string) => Buffer.from(value);
const turn = () => new Promise((resolve) => setImmediate(resolve));

function open(maxBytes?: number): { outbox: Outbox; peer: MemoryPeer; overflowed: () => boolean } {
  const { transport, peer } = createMemoryTransport();
  let overflow = false;
  const outbox = createOutbox({
    transport,
    binary: false,
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
  expect(peer.messages).toEqual(["control", "one", "two", "ephemeral"]);
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
  expect(peer.messages).toEqual(["98", "99"]);
  expect(encodedCount).toBe(2);
});

test("an ordered message takes the ephemeral one that it supersedes off the queue", async () => {
  const { outbox, peer } = open();
  outbox.sendEphemeral("progress", () => text("half"));
  outbox.send(text("done"), "progress");
  await turn();
  expect(peer.messages).toEqual(["done"]);
});

test("one write is under way at a time, and the next takes all that came meanwhile", async () => {
  const { outbox, peer } = open();
  peer.pause();
  outbox.send(text("a"));
  await turn();
  outbox.send(text("b"));
  outbox.send(text("c"));
  await turn();
  expect([peer.messages, outbox.isWriting()]).toEqual([["a"], true]);
  peer.resume();
  await turn();
  await turn();
  expect(peer.messages).toEqual(["a", "b", "c"]);
  expect(peer.writes).toEqual([1, 2]);
});

test("[LIMIT-3] exactly the bound may wait, one byte more overflows", async () => {
  for (const [bytes, overflows] of [
    [1_000, false],
    [1_001, true],
  ] as const) {
    const { outbox, peer, overflowed } = open(1_000);
    peer.pause();
    outbox.send(Buffer.alloc(600));
    outbox.send(Buffer.alloc(bytes - 600));
    expect(overflowed()).toBe(overflows);
  }
});

test("[LIMIT-3] a single larger message may enter an empty queue and does not count against the bound", async () => {
  const { outbox, peer, overflowed } = open(1_000);
  peer.pause();
  outbox.send(Buffer.alloc(200_000));
  outbox.send(Buffer.alloc(1_000));
  expect(overflowed()).toBe(false);
  outbox.send(Buffer.alloc(1));
  expect(overflowed()).toBe(true);

  const other = open(1_000);
  other.outbox.send(Buffer.alloc(1));
  other.outbox.send(Buffer.alloc(1_001));
  expect(other.overflowed()).toBe(true);
});

test("a large message goes in writes of 64 KiB, each after the one before, and arrives whole", async () => {
  const { outbox, peer } = open();
  const large = "x".repeat(150_000);
  outbox.send(text(large));
  outbox.sendControl(text("control"));
  await outbox.drained(0);
  expect(peer.messages).toEqual(["control", large]);
  expect(peer.writes).toEqual([65_536, 65_536, 18_935]);
});

test("drained settles when little enough waits, and when the outbox is closed", async () => {
  const { outbox, peer } = open();
  peer.pause();
  outbox.send(Buffer.alloc(100));
  outbox.send(Buffer.alloc(100));
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
  outbox.send(Buffer.alloc(100));
  const lost = outbox.drained(0);
  outbox.close();
  await lost;
  outbox.send(text("late"));
  await turn();
  expect(peer.messages).not.toContain("late");
});
