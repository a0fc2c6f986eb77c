import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { openMemoryLive } from "../testing/memory-live.js";
import type { FanOut } from "./fan-out.js";
import type { MemoryPeer } from "./memory-transport.js";
import { shareAny } from "./shared-message.js";

const MANY_COUNT = SERVER_LIMITS.gatherFromMembersCount;
/** After which all that was told of who joined is written. */
const QUIET_TURNS_COUNT = 5;
const MAX_TURNS_COUNT = 100_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const send = (fanOut: FanOut, type: string) => fanOut.send(shareAny(type, {}, { messageId: type }));
const newTypes = (peer: MemoryPeer, from: number) =>
  peer.messages.slice(from).map((message) => JSON.parse(String(message)).type);

/** A room of so many, in which it has become quiet. */
async function openRoom(membersCount: number) {
  const limits = { maxMembersPerRoom: MANY_COUNT, maxConnectionsPerAddress: MANY_COUNT };
  const { live, connect } = await openMemoryLive(null, limits);
  await live.rooms.create({ id: "r", maxMembersCount: MANY_COUNT });
  const peers = Array.from({ length: membersCount }, (_, index) => {
    const { peer, send: ask } = connect(`user-${index}`);
    ask("join_room", { room_id: "r" });
    return peer;
  });
  const { fanOut } = await live.rooms.open("r");
  await expect.poll(() => fanOut.members.size).toBe(membersCount);
  const [first] = peers;
  await expect.poll(() => peers.every((peer) => newTypes(peer, 0).includes("join_room"))).toBe(true);
  for (let index = 0; index < QUIET_TURNS_COUNT; index++) await turn();
  if (first === undefined) throw new Error("The room is empty");
  return { live, fanOut, peers, first };
}

test("what is sent to a small room is written at the end of the turn", async () => {
  const { live, fanOut, first } = await openRoom(MANY_COUNT - 1);
  const [messagesCount, writesCount] = [first.messages.length, first.writes.length];
  send(fanOut, "one");
  await turn();
  expect(newTypes(first, messagesCount)).toEqual(["one"]);
  send(fanOut, "two");
  await turn();
  expect(newTypes(first, messagesCount)).toEqual(["one", "two"]);
  expect(first.writes.length - writesCount).toBe(2);
  await live.close();
});

test("in a large room what comes in turns that follow each other is one write for each member", async () => {
  const { live, fanOut, peers } = await openRoom(MANY_COUNT);
  const before = peers.map(({ messages, writes }) => [messages.length, writes.length] as const);
  send(fanOut, "one");
  await turn();
  send(fanOut, "two");
  await expect.poll(() => peers.at(-1)?.messages.length).toBe((before.at(-1)?.[0] ?? 0) + 2);
  expect(peers.map((peer, index) => newTypes(peer, before[index]?.[0] ?? 0))).toEqual(
    peers.map(() => ["one", "two"]),
  );
  expect(peers.map(({ writes }, index) => writes.length - (before[index]?.[1] ?? 0))).toEqual(
    peers.map(() => 1),
  );
  await live.close();
});

test("a large room that is never quiet is written to all the same", async () => {
  const { live, fanOut, first } = await openRoom(MANY_COUNT);
  const writesCount = first.writes.length;
  let turnsCount = 0;
  for (; first.writes.length === writesCount && turnsCount < MAX_TURNS_COUNT; turnsCount++) {
    send(fanOut, "more");
    await turn();
  }
  expect(turnsCount).toBeLessThan(MAX_TURNS_COUNT);
  await live.close();
});
