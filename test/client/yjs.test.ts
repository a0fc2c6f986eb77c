import { setImmediate } from "node:timers/promises";
import type { ClientOptions, SPARQLWebSocketClient } from "@sparql-live/client";
import { msgpackCodec } from "@sparql-live/client/msgpack";
import { createRoomProvider } from "@sparql-live/client/yjs";
import type { ServerPayloads } from "@sparql-live/protocol";
import { createRoomSecret } from "@sparql-live/protocol/sealing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { createMemoryStorage } from "../../packages/server/src/memory-storage.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { startScriptedServer, tell } from "./scripted-server.js";
import { lossOf, openLibraryClient } from "./support.js";

const DEADLINE = { timeout: 60_000, interval: 10 };
const QUIET = { rateLimitPerMinute: 0, maxConnectionsPerAddress: 10_000, maxConnectionsPerUser: 1_000 };

async function makeRoom(url: string, more = ""): Promise<void> {
  const made = await fetch(`${url}/api/ws/rooms?room_id=lab${more}`, { method: "POST" });
  expect(made.status).toBe(200);
}

interface EditorOptions extends ClientOptions {
  readonly secret?: string;
  /** What the doc holds before. */
  readonly doc?: Y.Doc;
}

/** Somebody with a doc in the room. */
async function openEditor(
  url: string,
  userId: string,
  { secret, doc = new Y.Doc(), ...more }: EditorOptions = {},
) {
  const client: SPARQLWebSocketClient & Disposable = openLibraryClient(url, { userId, ...more });
  const room = await client.joinRoom("lab", { secret, timeoutMs: 0 });
  const awareness = new Awareness(doc);
  const errors: unknown[] = [];
  const provider = createRoomProvider(room, doc, { awareness, onError: (error) => errors.push(error) });
  return {
    client,
    room,
    doc,
    text: doc.getText("query"),
    awareness,
    provider,
    errors,
    [Symbol.dispose]() {
      provider.destroy();
      awareness.destroy();
      client.disconnect();
    },
  };
}
/** Of its 600 members none is told. */
const LARGE_ROOM: Omit<ServerPayloads["join_room"], "room_id" | "epoch" | "seq"> = {
  room_name: "Lab",
  member_count: 600,
  metadata: {},
  members: [],
  role: "editor",
  owner_id: null,
  is_public: true,
  max_members: 1_000,
  is_encrypted: false,
  are_runs_encrypted: false,
  runs: [],
};

const asBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

const SERVER = { user_id: "", user_name: "", connection_id: "" };
const TOO_LARGE: ServerPayloads["error_message"] = {
  error: "The document is too large.",
  error_type: "DocumentError",
  code: "document_too_large",
};

type Editor = Awaited<ReturnType<typeof openEditor>>;

const areSaved = (editors: readonly Editor[]) =>
  editors.every(({ provider: { synced, saved } }) => synced.getSnapshot() && saved.getSnapshot());

/** Waits until everything is acknowledged and all have the same; returns the text. */
async function converged(...editors: readonly Editor[]): Promise<string> {
  const isSame = () => {
    const [first, ...others] = editors.map(({ doc }) => Y.snapshot(doc));
    return first !== undefined && others.every((other) => Y.equalSnapshots(first, other));
  };
  await expect.poll(() => areSaved(editors) && isSame(), DEADLINE).toBe(true);
  const texts = editors.map(({ text }) => String(text));
  expect(new Set(texts).size).toBe(1);
  return texts[0] ?? "";
}

test("[CLIENT-YJS-1] edits at the same time converge, whatever the codec; undo takes back one's own alone", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob", { codec: msgpackCodec });
  using cyd = await openEditor(server.ws, "cyd");
  const undo = new Y.UndoManager(ada.text);
  ada.text.insert(0, "ada ");
  bob.text.insert(0, "bob ");
  for (const [index, word] of ["one ", "two ", "three "].entries()) cyd.text.insert(index, word);
  const all = await converged(ada, bob, cyd);
  for (const word of ["ada ", "bob "]) expect(all).toContain(word);
  expect(all).toHaveLength(8 + "one two three ".length);
  undo.undo();
  expect(await converged(ada, bob, cyd)).toBe(all.replace("ada ", ""));
  // Who comes later, with a doc of their own making, brings it along.
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "dan ");
  using dan = await openEditor(server.ws, "dan", { doc });
  expect(await converged(ada, bob, cyd, dan)).toContain("dan ");
});

test("[CLIENT-YJS-1] docs of one connection in one room have the same, also of one whose provider was just destroyed", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  const first = createRoomProvider(ada.room, new Y.Doc());
  await expect.poll(() => first.synced.getSnapshot(), DEADLINE).toBe(true);
  ada.text.insert(0, "one ");
  await expect.poll(() => String(first.doc.getText("query")), DEADLINE).toBe("one ");
  // As when an editor is closed while somebody writes, and opened again.
  first.doc.getText("query").insert(4, "two ");
  first.doc.getText("query").insert(8, "three ");
  first.destroy();
  const second = createRoomProvider(ada.room, new Y.Doc());
  for (const { doc } of [ada, second]) {
    await expect.poll(() => String(doc.getText("query")), DEADLINE).toBe("one two three ");
  }
  second.destroy();
});

test("[CLIENT-YJS-2] what both sides wrote while the server was killed and not yet back converges, and nothing is lost", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({ settings: ["--rate-limit-per-minute", "0"] });
  await makeRoom(server.url);
  using ada = await openEditor(server.webSocketUrl, "ada");
  using bob = await openEditor(server.webSocketUrl, "bob");
  ada.text.insert(0, "before ");
  await converged(ada, bob);
  const losses = [lossOf(ada.client), lossOf(bob.client)];
  await server.kill();
  await Promise.all(losses);
  for (let index = 0; index < 200; index++) {
    ada.text.insert(ada.text.length, `a${index} `);
    bob.text.insert(0, `b${index} `);
  }
  bob.text.delete(bob.text.length - "before ".length, "before ".length);
  await server.start();
  const all = await converged(ada, bob);
  expect(all).not.toContain("before");
  for (let index = 0; index < 200; index++) {
    expect(all).toContain(`a${index} `);
    expect(all).toContain(`b${index} `);
  }
  expect([ada.errors, bob.errors]).toEqual([[], []]);
});

test("[CLIENT-YJS-2] whenever connections are lost, docs converge and nothing that was written is lost", {
  timeout: 240_000,
}, async () => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom("write", "write", "write", "delete", "drop"),
    at: fc.nat(1_000),
    bytes: fc.integer({ min: 200, max: 6_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await using server = await startServer({ settings: QUIET });
      await makeRoom(server.url);
      await using proxy = await startTcpProxy(Number(new URL(server.url).port));
      const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
      const editors = await Promise.all(["ada", "bob", "cyd"].map((name) => openEditor(url, name)));
      const words = new Set<string>();
      try {
        for (const [index, { who, what, at, bytes }] of steps.entries()) {
          for (let turn = 0; turn < at % 30; turn++) await setImmediate();
          const editor = editors[who];
          if (editor === undefined) continue;
          const { text, doc } = editor;
          if (what === "write") {
            const word = `<${index}>`;
            words.add(word);
            text.insert(0, word);
          } else if (what === "delete") {
            doc.getMap("settings").set("size", at);
            doc.getMap("settings").delete("size");
          } else {
            const fates = [bytes, bytes * 2];
            proxy.nextFate = () => {
              const dropAfterBytes = fates.pop();
              return dropAfterBytes === undefined ? {} : { dropAfterBytes };
            };
            proxy.drop();
          }
        }
        const all = await converged(...editors);
        for (const word of words) expect(all).toContain(word);
        expect(editors.flatMap(({ errors }) => errors)).toEqual([]);
      } finally {
        for (const editor of editors) editor[Symbol.dispose]();
      }
    }),
    { numRuns: 30, seed: 20_260_501, endOnFailure: true },
  );
});

test("[CLIENT-YJS-2] a server that has forgotten the room's document is given it again", async () => {
  const first = await startServer({ settings: QUIET });
  const port = Number(new URL(first.url).port);
  await makeRoom(first.url);
  await using proxy = await startTcpProxy(port);
  const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
  using ada = await openEditor(url, "ada");
  using bob = await openEditor(url, "bob");
  ada.text.insert(0, "kept by those who have it");
  await converged(ada, bob);
  const gaps = [ada, bob].map(({ room }) => new Promise((resolve) => room.once("gap", resolve)));
  proxy.nextFate = () => ({ dropAfterBytes: 0 });
  await first[Symbol.asyncDispose]();
  bob.text.insert(0, "offline, ");
  await using second = await startServer({ settings: { ...QUIET, port } });
  await makeRoom(second.url);
  proxy.nextFate = () => ({});
  await Promise.all(gaps);
  using cyd = await openEditor(second.ws, "cyd");
  expect(await converged(ada, bob, cyd)).toBe("offline, kept by those who have it");
  expect([ada.errors, bob.errors]).toEqual([[], []]);
});

test("[CLIENT-YJS-2] who returns when the updates that were missed are not kept any more gets the whole document", async () => {
  const roomLogs = { maxEntriesCount: 10, maxAgeMs: 86_400_000, maxBytes: 8 * 1024 * 1024 };
  await using server = await startServer({
    settings: QUIET,
    storage: createMemoryStorage({ bounds: { roomLogs } }),
  });
  await makeRoom(server.url);
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = await openEditor(`ws://127.0.0.1:${proxy.port}/api/ws/query`, "ada");
  using bob = await openEditor(server.ws, "bob");
  await converged(ada, bob);
  const gap = new Promise((resolve) => ada.room.once("gap", resolve));
  const lost = lossOf(ada.client);
  proxy.nextFate = () => ({ dropAfterBytes: 0 });
  proxy.drop();
  await lost;
  ada.text.insert(0, "ada was away. ");
  bob.text.insert(0, "bob went on. ");
  for (let index = 0; index < 30; index++) await bob.room.send(index);
  proxy.nextFate = () => ({});
  await gap;
  expect(await converged(ada, bob)).toHaveLength("ada was away. bob went on. ".length);
});

test("[CLIENT-YJS-3] a megabyte that is pasted goes through in parts, and no document outgrows its bound", {
  timeout: 60_000,
}, async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  ada.text.insert(0, "x".repeat(1_000_000));
  expect(await converged(ada, bob)).toHaveLength(1_000_000);
  ada.text.insert(0, "y".repeat(100_000));
  await expect.poll(() => ada.errors[0], DEADLINE).toMatchObject({ code: "document_too_large" });
  expect(ada.provider.saved.getSnapshot()).toBe(false);
  bob.text.delete(0, 500_000);
  ada.text.delete(0, 100_000);
  expect(await converged(ada, bob)).toHaveLength(500_000);
});

test("[CLIENT-YJS-4] what the room refuses is told and does not end the connection; what others write still comes", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  await converged(ada, bob);
  let parent = ada.doc.getMap("deep");
  for (let depth = 0; depth < 40; depth++) {
    const child = new Y.Map();
    parent.set("child", child);
    parent = child;
  }
  await expect
    .poll(() => ada.errors, DEADLINE)
    .toMatchObject([{ code: "bad_document_update" }, { code: "bad_document_update" }]);
  await expect.poll(() => ada.provider.synced.getSnapshot(), DEADLINE).toBe(true);
  bob.text.insert(0, "still here");
  await expect.poll(() => String(ada.text), DEADLINE).toBe("still here");
  expect(ada.client.state.kind).toBe("open");
  expect(ada.provider.saved.getSnapshot()).toBe(false);
});

test("[CLIENT-YJS-4] what was written while an update was on its way to its second refusal is sent", {
  timeout: 60_000,
}, async () => {
  await using server = await startScriptedServer();
  const room = new Y.Doc();
  let refusals = 0;
  let edit = () => {};
  server.onConnection = (socket) => {
    const place = { room_id: "lab", epoch: "e", seq: 0 };
    const answers: Record<string, (id: string, payload: { update: string }) => void> = {
      join_room: (id) => tell(socket, "join_room", { ...LARGE_ROOM, ...place }, id),
      document_request(id) {
        const update = asBase64(Y.encodeStateAsUpdate(room));
        tell(socket, "document_update", { ...place, ...SERVER, update, whole: true }, id);
      },
      document_update(id, { update }) {
        if (refusals === 2) {
          Y.applyUpdate(room, Buffer.from(update, "base64"));
          return tell(socket, "ack", { ...place, message_id: id }, id);
        }
        if (++refusals === 2) edit();
        tell(socket, "error_message", TOO_LARGE, id);
      },
    };
    socket.on("message", (data) => {
      const { type, message_id: id, payload } = JSON.parse(String(data));
      answers[type]?.(id, payload);
    });
  };
  using ada = await openEditor(server.url, "ada");
  await expect.poll(() => ada.provider.synced.getSnapshot(), DEADLINE).toBe(true);
  edit = () => ada.text.delete(0, 5);
  ada.text.insert(0, "much too much");
  await expect.poll(() => ada.provider.saved.getSnapshot(), DEADLINE).toBe(true);
  expect(ada.errors).toHaveLength(2);
  expect(String(room.getText("query"))).toBe("too much");
});

test("[CLIENT-YJS-4] what was too much is saved when somebody else has made space for it", {
  timeout: 60_000,
}, async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  ada.text.insert(0, "x".repeat(1_000_000));
  await converged(ada, bob);
  ada.text.insert(0, "y".repeat(100_000));
  await expect.poll(() => ada.errors.length, DEADLINE).toBe(2);
  bob.text.delete(0, 500_000);
  expect(await converged(ada, bob)).toHaveLength(600_000);
});

test("[CLIENT-YJS-4] what a viewer has written is saved when the role allows it", {
  timeout: 60_000,
}, async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url, "&owner_id=ada&default_role=viewer");
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  ada.text.insert(0, "shared");
  await converged(ada, bob);
  bob.text.insert(0, "not yet ");
  const refused = expect.objectContaining({ code: "role_forbidden" });
  await expect.poll(() => bob.errors, DEADLINE).toEqual([refused, refused]);
  expect(String(ada.text)).toBe("shared");
  ada.client.send("room_member_update", { room_id: "lab", user_id: "bob", action: "role", role: "editor" });
  expect(await converged(ada, bob)).toBe("not yet shared");
  expect(bob.room.view.getSnapshot().info?.role).toBe("editor");
});

test("[CLIENT-YJS-5] a sealed document is shared by who has the secret, through snapshots too", {
  timeout: 120_000,
}, async () => {
  for (const codec of [undefined, msgpackCodec]) {
    await using server = await startServer({ settings: QUIET });
    await makeRoom(server.url, "&is_encrypted=true");
    const secret = createRoomSecret();
    using ada = await openEditor(server.ws, "ada", { secret, codec });
    using bob = await openEditor(server.ws, "bob", { secret, codec });
    await converged(ada, bob);
    const stored = new Promise((resolve) => bob.client.once("snapshot_stored", resolve));
    ada.text.insert(0, "s3cr3t ".repeat(30_000));
    bob.text.insert(0, "first, ");
    await stored;
    const all = await converged(ada, bob);
    expect(all).toHaveLength(7 + 210_000);
    using cyd = await openEditor(server.ws, "cyd", { secret });
    expect(await converged(ada, bob, cyd)).toBe(all);
    cyd.awareness.setLocalStateField("user", { name: "Cyd" });
    await expect
      .poll(() => ada.awareness.getStates().get(cyd.doc.clientID), DEADLINE)
      .toMatchObject({ user: { name: "Cyd" } });
    cyd[Symbol.dispose]();
    await expect.poll(() => ada.awareness.getStates().has(cyd.doc.clientID), DEADLINE).toBe(false);
    expect(JSON.stringify(server.logged)).not.toContain("s3cr3t");
  }
});

test("[CLIENT-YJS-6] awareness comes to all, those who come later too, and goes with who has left", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(`ws://127.0.0.1:${proxy.port}/api/ws/query`, "bob");
  bob.awareness.setLocalStateField("cursor", 7);
  using cyd = await openEditor(server.ws, "cyd");
  const seen = ({ awareness }: Editor) => awareness.getStates().get(bob.doc.clientID);
  await expect.poll(() => [seen(ada), seen(cyd)], DEADLINE).toEqual([{ cursor: 7 }, { cursor: 7 }]);
  const lost = lossOf(bob.client);
  proxy.drop();
  await lost;
  bob.awareness.setLocalStateField("cursor", 8);
  await expect.poll(() => seen(ada), DEADLINE).toEqual({ cursor: 8 });
  await bob.client.leaveRoom("lab");
  await expect.poll(() => [seen(ada), seen(cyd)], DEADLINE).toEqual([undefined, undefined]);
  cyd.provider.destroy();
  await expect.poll(() => ada.awareness.getStates().has(cyd.doc.clientID), DEADLINE).toBe(false);
  // The last words arrive though nothing is told any more.
  expect(cyd.provider.synced.getSnapshot()).toBe(true);
});

test("[CLIENT-YJS-2] what was written just before the provider is destroyed arrives", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  await converged(ada, bob);
  ada.text.insert(0, "first ");
  ada.text.insert(0, "last ");
  ada.provider.destroy();
  await expect.poll(() => String(bob.text), DEADLINE).toBe("last first ");
  await expect.poll(() => ada.provider.saved.getSnapshot(), DEADLINE).toBe(true);
});

test("[CLIENT-YJS-2] what was written while the document was on its way arrives though the provider is destroyed", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  using bob = await openEditor(server.ws, "bob");
  bob.text.insert(0, "his ");
  await converged(bob);
  using ada = await openEditor(server.ws, "ada");
  expect(ada.provider.synced.getSnapshot()).toBe(false);
  ada.text.insert(0, "hers ");
  ada.provider.destroy();
  await expect.poll(() => String(bob.text), DEADLINE).toContain("hers ");
  expect(String(bob.text)).toContain("his ");
});

test("[CLIENT-YJS-4] who may only look is told so, and sees what others write", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url, "&user_id=ada");
  const lab = await server.server.live.rooms.open("lab");
  await lab.change(() => ({ roles: { bob: "viewer" } }));
  using ada = await openEditor(server.ws, "ada");
  using bob = await openEditor(server.ws, "bob");
  await converged(ada, bob);
  bob.text.insert(0, "not mine");
  await expect.poll(() => bob.errors[0], DEADLINE).toMatchObject({ code: "role_forbidden" });
  ada.text.insert(0, "hers, ");
  await expect.poll(() => String(bob.text), DEADLINE).toContain("hers, ");
  expect(String(ada.text)).toBe("hers, ");
});

test("[CLIENT-YJS-6] who left while the connection was lost is not shown after the return", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url);
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = await openEditor(`ws://127.0.0.1:${proxy.port}/api/ws/query`, "ada");
  using bob = await openEditor(server.ws, "bob");
  bob.awareness.setLocalStateField("cursor", 7);
  const isShown = () => ada.awareness.getStates().has(bob.doc.clientID);
  await expect.poll(isShown, DEADLINE).toBe(true);
  const lost = lossOf(ada.client);
  proxy.nextFate = () => ({ dropAfterBytes: 0 });
  proxy.drop();
  await lost;
  const shownSinceMs = ada.awareness.meta.get(bob.doc.clientID)?.lastUpdated ?? 0;
  await bob.client.leaveRoom("lab");
  proxy.nextFate = () => ({});
  await expect.poll(isShown, DEADLINE).toBe(false);
  // Yjs itself takes who is silent for 30 s for gone.
  expect(Date.now() - shownSinceMs).toBeLessThan(30_000);
});

test("[CLIENT-YJS-6] in a room that is too large for all members to be told, all who are there are shown", async () => {
  await using server = await startScriptedServer();
  const far = new Awareness(new Y.Doc());
  far.setLocalStateField("cursor", 7);
  const place = { room_id: "lab", epoch: "e", seq: 0 };
  const someone = { user_id: "far", user_name: "Far" };
  const enter = (socket: WebSocket, correlationId?: string) =>
    tell(socket, "join_room", { ...LARGE_ROOM, ...place }, correlationId);
  let ofAda: WebSocket | undefined;
  server.onConnection = (socket) => {
    ofAda = socket;
    socket.on("message", (data) => {
      const { type, message_id: id } = JSON.parse(String(data));
      if (type === "join_room") enter(socket, id);
    });
  };
  using ada = await openEditor(server.url, "ada");
  if (ofAda === undefined) throw new Error("it has come");
  const update = asBase64(encodeAwarenessUpdate(far, [far.clientID]));
  tell(ofAda, "awareness_update", { room_id: "lab", ...someone, connection_id: "c-far", update });
  const isShown = () => ada.awareness.getStates().has(far.clientID);
  await expect.poll(isShown, DEADLINE).toBe(true);
  const left = { room_id: "lab", member_count: 600 };
  const seen = new Promise((resolve) => ada.client.once("user_left", resolve));
  tell(ofAda, "user_left", { ...left, user_id: "near", user_name: "Near", connection_id: "c-near" });
  await seen;
  const told = new Promise((resolve) => ada.client.once("join_room", resolve));
  enter(ofAda);
  await told;
  expect(isShown()).toBe(true);
  tell(ofAda, "user_left", { ...left, ...someone, connection_id: "c-far" });
  await expect.poll(isShown, DEADLINE).toBe(false);
  far.destroy();
});

test("[CLIENT-YJS-5] a message that cannot be opened keeps nobody from storing snapshots", {
  timeout: 120_000,
}, async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server.url, "&is_encrypted=true");
  const secret = createRoomSecret();
  using ada = await openEditor(server.ws, "ada", { secret });
  await converged(ada);
  const unreadable = new Promise((resolve) => ada.room.once("error", resolve));
  using eve = openLibraryClient(server.ws, { userId: "eve" });
  await (await eve.joinRoom("lab", { secret: createRoomSecret() })).send("sealed with another secret");
  await unreadable;
  const stored = new Promise((resolve) => ada.client.once("snapshot_stored", resolve));
  ada.text.insert(0, "x".repeat(300_000));
  await stored;
  expect(await converged(ada)).toHaveLength(300_000);
});
