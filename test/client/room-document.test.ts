import { expect, test } from "vitest";
import * as Y from "yjs";
import { SPARQLWebSocketClient } from "../../packages/client/src/client.js";
import { createSharedClient, sharedOf } from "../../packages/client/src/react/shared-client.js";
import { roomDocumentOf } from "../../packages/client/src/react-yjs/room-document.js";
import { createRoomProvider } from "../../packages/client/src/yjs/index.js";
import { YJS_LIMITS } from "../../packages/client/src/yjs/limits.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

const DEADLINE = { timeout: 20_000 };

async function startRoom() {
  const server = await startServer();
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada" });
  return server;
}

function open(url: string, userId = "ada"): SPARQLWebSocketClient & Disposable {
  const client = new SPARQLWebSocketClient(url, { userId });
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

test("[CLIENT-REACT-10] what was written while the client was closed arrives when it connects", async () => {
  await using server = await startRoom();
  using client = open(server.ws);
  const store = roomDocumentOf(sharedOf(client), "lab", {});
  const stop = store.subscribe(() => undefined);
  const status = () => store.getSnapshot().status;
  await expect.poll(status, DEADLINE).toBe("synced");
  const text = store.getSnapshot().provider?.doc.getText("query");
  text?.insert(0, "SELECT");
  await expect.poll(() => store.getSnapshot().isSaved, DEADLINE).toBe(true);
  client.disconnect();
  await expect.poll(status, DEADLINE).toBe("left");
  text?.insert(6, " *");
  await client.connect();
  await expect.poll(status, DEADLINE).toBe("synced");
  await expect.poll(() => store.getSnapshot().isSaved, DEADLINE).toBe(true);
  using bob = open(server.ws, "bob");
  const seen = createRoomProvider(await bob.joinRoom("lab"), new Y.Doc());
  await expect.poll(() => seen.doc.getText("query").toString(), DEADLINE).toBe("SELECT *");
  expect(store.getSnapshot().provider?.doc.getText("query")).toBe(text);
  seen.destroy();
  stop();
});

test("[CLIENT-REACT-10] what was written last is waited for, 5 s at most, before the room is left", async () => {
  await using server = await startRoom();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using client = open(`ws://127.0.0.1:${proxy.port}/api/ws/query`);
  const store = roomDocumentOf(sharedOf(client), "lab", {});
  const stop = store.subscribe(() => undefined);
  await expect.poll(() => store.getSnapshot().status, DEADLINE).toBe("synced");
  const doc = store.getSnapshot().provider?.doc;
  if (doc === undefined) throw new Error("it is there");
  const ended = new Promise((resolve) => doc.once("destroy", resolve));
  proxy.stall();
  doc.getText("query").insert(0, "lost");
  const beganMs = performance.now();
  stop();
  await ended;
  // Timers may be a little early.
  expect(performance.now() - beganMs).toBeGreaterThan(YJS_LIMITS.lastUpdatesMs - 10);
});

test("[CLIENT-REACT-10] where nothing was written nothing is waited for", async () => {
  await using server = await startRoom();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using client = open(`ws://127.0.0.1:${proxy.port}/api/ws/query`);
  const store = roomDocumentOf(sharedOf(client), "lab", {});
  const stop = store.subscribe(() => undefined);
  await expect.poll(() => store.getSnapshot().provider !== null, DEADLINE).toBe(true);
  const doc = store.getSnapshot().provider?.doc;
  if (doc === undefined) throw new Error("it is there");
  const ended = new Promise((resolve) => doc.once("destroy", resolve));
  proxy.stall();
  const beganMs = performance.now();
  stop();
  await ended;
  expect(performance.now() - beganMs).toBeLessThan(YJS_LIMITS.lastUpdatesMs);
});

test("[CLIENT-REACT-10] what was written last arrives though nothing else of the page is there any more", async () => {
  await using server = await startRoom();
  const shared = createSharedClient(server.ws, { userId: "ada" });
  const release = shared.retain();
  const store = roomDocumentOf(shared, "lab", {});
  const stop = store.subscribe(() => undefined);
  await expect.poll(() => store.getSnapshot().status, DEADLINE).toBe("synced");
  // More than one message holds.
  const written = "x".repeat(3 * YJS_LIMITS.partBytes);
  store.getSnapshot().provider?.doc.getText("query").insert(0, written);
  stop();
  release();
  await expect.poll(() => shared.client.state.kind, DEADLINE).toBe("closed");
  using bob = open(server.ws, "bob");
  const seen = createRoomProvider(await bob.joinRoom("lab"), new Y.Doc());
  await expect.poll(() => seen.synced.getSnapshot(), DEADLINE).toBe(true);
  expect(seen.doc.getText("query").toString()).toBe(written);
  seen.destroy();
});
