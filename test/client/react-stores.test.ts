import { createRoomSecret } from "@sparql-live/protocol/sealing";
import { expect, test, vi } from "vitest";
import * as Y from "yjs";
import { SPARQLWebSocketClient } from "../../packages/client/src/client.js";
import { CLIENT_LIMITS } from "../../packages/client/src/limits.js";
import { healthOf } from "../../packages/client/src/react/health-store.js";
import { membershipOf, NO_ROOM } from "../../packages/client/src/react/room-store.js";
import { createSearchStore } from "../../packages/client/src/react/search-store.js";
import { sharedOf } from "../../packages/client/src/react/shared-client.js";
import { sharedRunOf } from "../../packages/client/src/react/shared-run.js";
import { roomDocumentOf } from "../../packages/client/src/react-yjs/room-document.js";
import type { ReadableStore } from "../../packages/client/src/store.js";
import { createRoomProvider } from "../../packages/client/src/yjs/index.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";

const DEADLINE = { timeout: 20_000 };

/** Tells how many listen. */
class ObservedClient extends SPARQLWebSocketClient implements Disposable {
  listenersCount = 0;
  override on: SPARQLWebSocketClient["on"] = (name, listener) => {
    this.listenersCount++;
    const stop = super.on(name, listener);
    return () => {
      this.listenersCount--;
      stop();
    };
  };
  [Symbol.dispose]() {
    this.disconnect();
  }
}

async function startRoom() {
  const server = await startServer();
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada" });
  return server;
}

const watch = ({ subscribe }: Pick<ReadableStore<unknown>, "subscribe">) => subscribe(() => undefined);

test("[CLIENT-REACT-4] who watches no more leaves no listeners and no membership, however often", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  await client.joinRoom("lab");
  const { query_id: queryId } = await client.sendQuery({ sparql: "ASK {}" }, { room_id: "lab" });
  await client.leaveRoom("lab");
  const before = client.listenersCount;
  const membership = membershipOf(client, "lab");
  const run = sharedRunOf(client, "lab", queryId, {});
  for (let round = 0; round < 3; round++) {
    const stops = [
      membership.retain({}),
      membership.retain({}),
      watch(membership),
      watch(run),
      watch(run),
      watch(healthOf(client)),
    ];
    await expect.poll(() => run.getSnapshot().result?.query_id, DEADLINE).toBe(queryId);
    expect(client.listenersCount).toBeGreaterThan(before);
    for (const stop of stops) stop();
    await expect.poll(() => client.room("lab"), DEADLINE).toBeUndefined();
    await expect.poll(() => client.listenersCount, DEADLINE).toBe(before);
  }
});

test("[CLIENT-REACT-4] a store gives the same until something has changed", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  const membership = membershipOf(client, "lab");
  const leave = membership.retain({});
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  const stores = [membership, healthOf(client), sharedRunOf(client, "lab", "q", {})];
  for (const store of stores) expect(store.getSnapshot()).toBe(store.getSnapshot());
  leave();
});

test("[CLIENT-REACT-9] what was not seen whole is shown anew when a client that was closed connects", async () => {
  await using server = await startRoom();
  using bob = new ObservedClient(server.ws, { userId: "bob" });
  await bob.joinRoom("lab");
  const asked = bob.query({ sparql: "SELECT * { ?s ?p ?o } # urn:test:endless" }, { room_id: "lab" });
  await asked.next();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  const whole = await bob.sendQuery({ sparql: "ASK {}" }, { room_id: "lab" });
  const seen = [asked.queryId, whole.query_id].map((id) => sharedRunOf(client, "lab", id, {}));
  const [running, over] = seen;
  if (running === undefined || over === undefined) throw new Error("there are two");
  const stops = seen.map(watch);
  const count = () => running.getSnapshot().rows.length;
  await expect.poll(count, DEADLINE).toBeGreaterThan(0);
  await expect.poll(() => over.getSnapshot().result, DEADLINE).not.toBeNull();
  client.disconnect();
  await expect.poll(() => running.getSnapshot().error?.code, DEADLINE).toBe("connection_closed");
  expect(over.getSnapshot().result).not.toBeNull();
  await client.connect();
  await expect.poll(() => running.getSnapshot().error, DEADLINE).toBeNull();
  await expect.poll(count, DEADLINE).toBeGreaterThan(0);
  for (const stop of stops) stop();
});

test("[CLIENT-REACT-4] a room is entered again when a client that was closed connects", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  const membership = membershipOf(client, "lab");
  const leave = membership.retain({});
  const kind = () => membership.getSnapshot().status.kind;
  await expect.poll(kind, DEADLINE).toBe("joined");
  client.disconnect();
  await expect.poll(kind, DEADLINE).toBe("left");
  expect(membership.getSnapshot().error?.code).toBe("connection_closed");
  await client.connect();
  await expect.poll(kind, DEADLINE).toBe("joined");
  expect(membership.getSnapshot().error).toBeNull();
  leave();
});

test("[CLIENT-REACT-7] where a client is closed, whoever asks for the endpoints is told so, and told them when it connects", async () => {
  await using server = await startServer();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  await client.connect();
  client.disconnect();
  const health = healthOf(client);
  const stop = watch(health);
  await expect
    .poll(() => health.getSnapshot(), DEADLINE)
    .toMatchObject({ isLoading: false, error: { code: "connection_closed" } });
  await client.connect();
  await expect.poll(() => health.getSnapshot(), DEADLINE).toMatchObject({ error: null, endpoints: [{}] });
  stop();
});

test("[CLIENT-REACT-6] of two fields that search at the same time both are answered", async () => {
  await using server = await startServer();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  await client.connect();
  const fields = ["a", "b"].map((text) => {
    const field = createSearchStore(() => client);
    field.search(text, {}, 0);
    return field;
  });
  const seen = () => fields.map((field) => field.getSnapshot());
  const answered = { isLoading: false, error: null, suggestions: [{}] };
  await expect.poll(seen, DEADLINE).toMatchObject([answered, answered]);
});

test("[CLIENT-REACT-6] a search is answered however long the server was not there before", async () => {
  await using server = await startServer();
  using client = new ObservedClient(server.ws, { userId: "ada", autoConnect: false });
  const field = createSearchStore(() => client);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  field.search("a", {}, 0);
  await vi.advanceTimersByTimeAsync(2 * CLIENT_LIMITS.requestTimeoutMs);
  vi.useRealTimers();
  expect(field.getSnapshot()).toMatchObject({ isLoading: true, error: null });
  await client.connect();
  await expect
    .poll(field.getSnapshot, DEADLINE)
    .toMatchObject({ isLoading: false, error: null, suggestions: [{}] });
});

test("[CLIENT-REACT-4] a room is entered however long the server was not there before", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada", autoConnect: false });
  const membership = membershipOf(client, "lab");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const leave = membership.retain({});
  await vi.advanceTimersByTimeAsync(CLIENT_LIMITS.requestTimeoutMs);
  vi.useRealTimers();
  expect(membership.getSnapshot().error).toBeNull();
  await client.connect();
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  leave();
});

test("[CLIENT-REACT-4] a room that was first shown while the client was closed is entered when it connects", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  await client.connect();
  client.disconnect();
  const membership = membershipOf(client, "lab");
  const leave = membership.retain({});
  await expect.poll(() => membership.getSnapshot().error?.code, DEADLINE).toBe("connection_closed");
  await client.connect();
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  expect(membership.getSnapshot().error).toBeNull();
  leave();
});

test("[CLIENT-REACT-4] a room that the application is just leaving is entered again, and left with the last", async () => {
  await using server = await startRoom();
  using ada = new ObservedClient(server.ws, { userId: "ada" });
  using bob = new ObservedClient(server.ws, { userId: "bob" });
  const seen = await bob.joinRoom("lab");
  await ada.joinRoom("lab");
  const left = ada.leaveRoom("lab");
  const membership = membershipOf(ada, "lab");
  const leave = membership.retain({});
  await left;
  await expect.poll(() => ada.room("lab")?.view.getSnapshot().status.kind, DEADLINE).toBe("joined");
  await seen.send("hello");
  await expect
    .poll(() => membership.getSnapshot(), DEADLINE)
    .toMatchObject({ status: { kind: "joined" }, error: null, messages: [{ message: "hello" }] });
  leave();
  await expect.poll(() => seen.view.getSnapshot().memberCount, DEADLINE).toBe(1);
});

test("[CLIENT-REACT-4] a room that was refused is entered again when it is shown anew at once", async () => {
  await using server = await startServer();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  const membership = membershipOf(client, "lab");
  const leave = membership.retain({});
  await expect.poll(() => membership.getSnapshot().error?.code, DEADLINE).toBe("room_not_found");
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada" });
  // As when React gives a component another key.
  leave();
  const leaveAgain = membership.retain({});
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  expect(membership.getSnapshot().error).toBeNull();
  leaveAgain();
});

test("[CLIENT-REACT-4] of a room that was left nothing is shown to who comes next", async () => {
  await using server = await startRoom();
  using client = new ObservedClient(server.ws, { userId: "ada" });
  const membership = membershipOf(client, "lab");
  const leave = membership.retain({});
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  await membership.room()?.send("kept by nobody");
  expect(membership.getSnapshot().messages).toHaveLength(1);
  leave();
  await expect.poll(() => client.room("lab"), DEADLINE).toBeUndefined();
  expect(membership.getSnapshot()).toBe(NO_ROOM);
});

test.for(["at once", "after the room was entered"])(
  "[CLIENT-REACT-4] the secret that only a later component gives, %s, opens the room for all",
  async (when) => {
    await using server = await startServer();
    await server.server.live.rooms.create({ id: "den", ownerId: "ada", isEncrypted: true });
    const secret = createRoomSecret();
    using ada = new ObservedClient(server.ws, { userId: "ada" });
    using bob = new ObservedClient(server.ws, { userId: "bob" });
    const hers = await ada.joinRoom("den", { secret });
    const provider = createRoomProvider(hers, new Y.Doc());
    provider.doc.getText("query").insert(0, "ASK {}");
    const membership = membershipOf(bob, "den");
    const document = roomDocumentOf(sharedOf(bob), "den", {});
    const stop = watch(document);
    const status = () => membership.getSnapshot().status.kind;
    if (when !== "at once") await expect.poll(status, DEADLINE).toBe("joined");
    const leave = membership.retain({ secret });
    await expect.poll(status, DEADLINE).toBe("joined");
    await hers.send("sealed");
    await expect
      .poll(() => membership.getSnapshot().messages.map(({ message }) => message), DEADLINE)
      .toEqual(["sealed"]);
    await expect
      .poll(() => document.getSnapshot().provider?.doc.getText("query").toString(), DEADLINE)
      .toBe("ASK {}");
    provider.destroy();
    stop();
    leave();
  },
);

test("[CLIENT-REACT-9] a run of a room that one was put out of is told to be out of reach", async () => {
  await using server = await startRoom();
  using ada = new ObservedClient(server.ws, { userId: "ada" });
  using bob = new ObservedClient(server.ws, { userId: "bob" });
  await ada.joinRoom("lab");
  const { query_id: queryId } = await ada.sendQuery({ sparql: "ASK {}" }, { room_id: "lab" });
  const membership = membershipOf(bob, "lab");
  const leave = membership.retain({});
  await expect.poll(() => membership.getSnapshot().status.kind, DEADLINE).toBe("joined");
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "kick" });
  await expect.poll(() => membership.getSnapshot().status, DEADLINE).toMatchObject({ reason: "kicked" });
  expect(membership.getSnapshot().error?.code).toBe("not_in_room");
  const run = sharedRunOf(bob, "lab", queryId, {});
  const stop = watch(run);
  expect(run.getSnapshot()).toMatchObject({ isLoading: false, error: { code: "not_in_room" } });
  stop();
  leave();
});
