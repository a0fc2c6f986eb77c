import type { ServerPayloads } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { readAwarenessUpdate } from "../documents/awareness-reader.js";
import { DOCUMENT_LIMITS } from "../documents/limits.js";
import { entry, states } from "../documents/testing/raw-awareness.js";
import { openMember } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import type { TestClient } from "../testing/test-client.js";

const STATE = '{"cursor":1}';

function bytesOf({ update }: ServerPayloads["awareness_update"]): Uint8Array {
  return typeof update === "string" ? Buffer.from(update, "base64") : (update ?? Buffer.alloc(0));
}

function point(client: TestClient, update: Uint8Array): void {
  client.send("awareness_update", { room_id: "lab", update: Buffer.from(update).toString("base64") });
}

/** The next awareness update that the client gets: each client of Yjs, its clock, and whether it is there. */
async function told(client: TestClient): Promise<(number | boolean)[][]> {
  const { payload } = await client.next("awareness_update");
  return readAwarenessUpdate(bytesOf(payload)).map(({ client: id, clock, isPresent }) => [
    id,
    clock,
    isPresent,
  ]);
}

test("[DOC-11] nobody speaks for a client of another user: what he says of it is passed over, the rest is told", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: eve } = await openMember(server, "eve", "lab");
  point(ada, states(entry(1, 1, STATE)));
  for (const other of [bob, eve]) expect(await told(other)).toEqual([[1, 1, true]]);
  point(bob, states(entry(1, 2, STATE), entry(2, 1, STATE)));
  for (const other of [ada, eve]) expect(await told(other)).toEqual([[2, 1, true]]);
  // Of these nothing is left.
  point(bob, states(entry(1, 9, "null")));
  point(bob, states(entry(3, 1, "null")));
  bob.send("ping");
  await bob.next("pong");
  point(ada, states(entry(1, 2, STATE)));
  expect(await told(eve)).toEqual([[1, 2, true]]);
  expect(eve.log.filter(({ type }) => type === "awareness_update")).toHaveLength(3);
});

test("[DOC-11] when a connection leaves, its clients leave the awareness of the others, and come back with it", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const [mine, theirs] = [new Awareness(new Y.Doc()), new Awareness(new Y.Doc())];
  const show = async (name: string) => {
    mine.setLocalState({ name });
    point(ada, encodeAwarenessUpdate(mine, [mine.clientID]));
    applyAwarenessUpdate(theirs, bytesOf((await bob.next("awareness_update")).payload), null);
  };
  await show("Ada");
  expect(theirs.getStates().get(mine.clientID)).toEqual({ name: "Ada" });
  ada.send("leave_room", { room_id: "lab" });
  applyAwarenessUpdate(theirs, bytesOf((await bob.next("awareness_update")).payload), null);
  expect(theirs.getStates().has(mine.clientID)).toBe(false);
  ada.send("join_room", { room_id: "lab" });
  await ada.next("join_room");
  await show("Ada is back");
  expect(theirs.getStates().get(mine.clientID)).toEqual({ name: "Ada is back" });
  for (const awareness of [mine, theirs]) awareness.destroy();
});

test("[DOC-11] of a connection that is lost the clients go with its grace, and are free then", async () => {
  await using server = await startServer({ settings: { presenceGraceMs: 30 } });
  const { client: ada, connectionId } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: eve } = await openMember(server, "eve", "lab");
  const far = Number.MAX_SAFE_INTEGER;
  point(ada, states(entry(far, 300, STATE), entry(2, 1, STATE)));
  expect(await told(bob)).toEqual([
    [far, 300, true],
    [2, 1, true],
  ]);
  ada.socket.terminate();
  const { payload } = await bob.next("awareness_update");
  expect(payload).toMatchObject({ user_id: "ada", connection_id: connectionId });
  expect(bytesOf(payload)).toEqual(Buffer.from(states(entry(far, 300, "null"), entry(2, 1, "null"))));
  point(bob, states(entry(2, 2, STATE)));
  await expect
    .poll(() => eve.log.filter(({ type }) => type === "awareness_update").at(-1)?.payload, {
      timeout: 20_000,
    })
    .toMatchObject({ user_id: "bob" });
});

test("[DOC-11] another connection of the same user takes a client over: it stays when the first one leaves", async () => {
  await using server = await startServer();
  const { client: first } = await openMember(server, "ada", "lab");
  const { client: second } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  point(first, states(entry(1, 1, STATE)));
  expect(await told(bob)).toEqual([[1, 1, true]]);
  point(second, states(entry(1, 2, STATE)));
  expect(await told(bob)).toEqual([[1, 2, true]]);
  first.socket.close(1000);
  await bob.next("user_left");
  second.socket.close(1000);
  expect(await told(bob)).toEqual([[1, 2, false]]);
});

test("[DOC-11] a connection speaks for 100 clients at most; who has gone does not count", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const all = Array.from({ length: DOCUMENT_LIMITS.maxAwarenessStates }, (_, id) => entry(id, 1, "{}"));
  point(ada, states(...all));
  expect(await told(bob)).toHaveLength(100);
  point(ada, states(entry(100, 1, "{}")));
  expect((await ada.next("error_message")).payload.code).toBe("bad_document_update");
  point(ada, states(entry(7, 2, "null")));
  expect(await told(bob)).toEqual([[7, 2, false]]);
  point(ada, states(entry(100, 1, "{}")));
  expect(await told(bob)).toEqual([[100, 1, true]]);
});
