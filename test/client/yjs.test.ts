import type { Room, SPARQLWebSocketClient } from "@sparql-live/client";
import { createRoomProvider } from "@sparql-live/client/yjs";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { EFFORT } from "../support/effort.js";
import { createRandom } from "../support/random.js";
import { startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { openLibraryClient } from "./support.js";

const DEADLINE = { timeout: 60_000, interval: 20 };
const SETTINGS = ["--rate-limit-per-minute", "0", "--log-level", "warn"];

function provide(room: Room, onError?: (error: unknown) => void) {
  const doc = new Y.Doc();
  const provider = createRoomProvider(room, doc, onError === undefined ? {} : { onError });
  const text = doc.getText("query");
  return { doc, text, provider, read: () => text.toString() };
}

async function join(client: SPARQLWebSocketClient, onError?: (error: unknown) => void) {
  return provide(await client.joinRoom("lab"), onError);
}

async function startLab() {
  const server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada" });
  return server;
}

describe("the provider of Yjs", () => {
  test("[CLIENT-YJS-1] edits of several reach all, whoever came first, and an UndoManager takes back one's own alone", async () => {
    await using server = await startLab();
    using ada = openLibraryClient(server.ws, { userId: "ada" });
    using bob = openLibraryClient(server.ws, { userId: "bob" });
    const one = await join(ada);
    one.text.insert(0, "SELECT");
    await expect.poll(() => one.provider.synced.getSnapshot(), DEADLINE).toBe(true);
    const two = await join(bob);
    await expect.poll(two.read, DEADLINE).toBe("SELECT");
    const undo = new Y.UndoManager(two.text);
    two.text.insert(6, " *");
    one.text.insert(0, "# mine\n");
    await expect.poll(() => [one.read(), two.read()], DEADLINE).toEqual(Array(2).fill("# mine\nSELECT *"));
    undo.undo();
    await expect.poll(() => [one.read(), two.read()], DEADLINE).toEqual(Array(2).fill("# mine\nSELECT"));
    // Of a room that was joined long before.
    const late = provide(await ada.joinRoom("lab"));
    await expect.poll(late.read, DEADLINE).toBe("# mine\nSELECT");
    for (const { provider } of [one, two, late]) provider.destroy();
  });

  test("[CLIENT-YJS-2] where everybody is is told, to who comes later too, and that somebody has gone", async () => {
    await using server = await startLab();
    using ada = openLibraryClient(server.ws, { userId: "ada" });
    using bob = openLibraryClient(server.ws, { userId: "bob" });
    const one = await join(ada);
    one.provider.awareness.setLocalState({ name: "Ada" });
    const two = await join(bob);
    const names = ({ provider }: typeof one) =>
      [...provider.awareness.getStates().values()].flatMap(({ name }) => name ?? []);
    await expect.poll(() => names(two), DEADLINE).toEqual(["Ada"]);
    two.provider.awareness.setLocalState({ name: "Bob" });
    await expect.poll(() => names(one).sort(), DEADLINE).toEqual(["Ada", "Bob"]);
    one.provider.destroy();
    await expect.poll(() => names(two), DEADLINE).toEqual(["Bob"]);
    using cyd = openLibraryClient(server.ws, { userId: "cyd" });
    const three = await join(cyd);
    await expect.poll(() => names(three), DEADLINE).toEqual(["Bob"]);
    bob.disconnect();
    await expect.poll(() => names(three), DEADLINE).toEqual([]);
    three.provider.destroy();
  });

  test("[CLIENT-YJS-3] what is edited without a connection comes together when the server is back", {
    timeout: 120_000,
  }, async () => {
    await using server = await startServerProcess({ settings: SETTINGS });
    await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
    using ada = openLibraryClient(server.webSocketUrl, { userId: "ada" });
    using bob = openLibraryClient(server.webSocketUrl, { userId: "bob" });
    const [one, two] = [await join(ada), await join(bob)];
    one.text.insert(0, "middle");
    await expect.poll(two.read, DEADLINE).toBe("middle");
    await server.kill();
    await expect.poll(() => [ada.state.kind, bob.state.kind], DEADLINE).not.toContain("open");
    one.text.insert(0, "before ");
    two.text.insert(6, " behind");
    await server.start();
    await expect
      .poll(() => [one.read(), two.read()], DEADLINE)
      .toEqual(Array(2).fill("before middle behind"));
    using cyd = openLibraryClient(server.webSocketUrl, { userId: "cyd" });
    const three = await join(cyd);
    await expect.poll(three.read, DEADLINE).toBe("before middle behind");
    for (const { provider } of [one, two, three]) provider.destroy();
  });

  test("[CLIENT-YJS-4] what a server has lost it is given again", { timeout: 120_000 }, async () => {
    await using server = await startServerProcess({ settings: [...SETTINGS, "--store", "memory"] });
    const address = server.webSocketUrl.replace("/query", "/room/lab");
    using ada = openLibraryClient(address, { userId: "ada" });
    using bob = openLibraryClient(address, { userId: "bob" });
    const [one, two] = [await join(ada), await join(bob)];
    one.text.insert(0, "kept here");
    await expect.poll(two.read, DEADLINE).toBe("kept here");
    await server.kill();
    await server.start();
    await expect.poll(() => [ada.state.kind, bob.state.kind], DEADLINE).toEqual(["open", "open"]);
    using cyd = openLibraryClient(address, { userId: "cyd" });
    const three = await join(cyd);
    await expect.poll(three.read, DEADLINE).toBe("kept here");
    for (const { provider } of [one, two, three]) provider.destroy();
  });

  test("[CLIENT-YJS-3] documents come together however often connections are lost", {
    timeout: 120_000,
  }, async () => {
    await using server = await startLab();
    await using proxy = await startTcpProxy(Number(new URL(server.url).port));
    const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
    using ada = openLibraryClient(url, { userId: "ada" });
    using bob = openLibraryClient(url, { userId: "bob" });
    const [one, two] = [await join(ada), await join(bob)];
    const random = createRandom(EFFORT.firstSeed);
    for (let round = 0; round < 15; round++) {
      for (const { text } of [one, two]) {
        for (let edits = random.below(4); edits > 0; edits--) {
          if (random.chance(0.3) && text.length > 2) text.delete(random.below(text.length - 1), 1);
          else text.insert(random.below(text.length + 1), `${round}`);
        }
      }
      if (random.chance(0.6)) proxy.drop();
      const seen = one.read();
      // Some rounds wait for each other, some pile up.
      if (random.chance(0.4))
        await expect.poll(() => one.read() === two.read() && seen !== "", DEADLINE).toBe(true);
    }
    one.text.insert(0, "[");
    two.text.insert(0, "]");
    await expect.poll(() => one.read() === two.read() && /[[\]]{2}/.test(one.read()), DEADLINE).toBe(true);
    const { document } = await server.server.live.rooms.open("lab");
    const held = () => {
      const copy = new Y.Doc();
      Y.applyUpdate(copy, document.whole() ?? Uint8Array.of(0, 0));
      return copy.getText("query").toString();
    };
    await expect.poll(held, DEADLINE).toBe(one.read());
    for (const { provider } of [one, two]) provider.destroy();
  });

  test("[CLIENT-YJS-5] what the room refuses is told, and stays in the page", async () => {
    await using server = await startLab();
    const lab = await server.server.live.rooms.open("lab");
    await lab.change(() => ({ roles: { bob: "viewer" } }));
    using bob = openLibraryClient(server.ws, { userId: "bob" });
    const errors: unknown[] = [];
    const two = await join(bob, (error) => errors.push(error));
    await expect.poll(() => two.provider.synced.getSnapshot(), DEADLINE).toBe(true);
    two.text.insert(0, "not yours");
    await expect.poll(() => errors, DEADLINE).toMatchObject([{ code: "role_forbidden" }]);
    expect(two.read()).toBe("not yours");
    using ada = openLibraryClient(server.ws, { userId: "ada" });
    const one = await join(ada, (error) => errors.push(error));
    one.text.insert(0, "x".repeat(200_000));
    await expect.poll(() => errors.length, DEADLINE).toBe(2);
    expect(errors[1]).toMatchObject({ code: "message_too_large" });
    for (const { provider } of [one, two]) provider.destroy();
  });
});

test("[DOC-12] a member that asks gets the document whole, an empty one too; who is no member gets none", async () => {
  await using server = await startLab();
  await using client = await openClient(`${server.ws}?user_id=ada`);
  client.send("document_request", { room_id: "lab" });
  expect((await client.next("error_message")).payload.code).toBe("not_in_room");
  client.send("join_room", { room_id: "lab" });
  await client.next("join_room");
  client.send("document_request", { room_id: "lab" });
  const { payload } = await client.next("document_update");
  expect(payload).toMatchObject({ whole: true, update: "AAA=", seq: 0 });
});
