import type { Delivery, OutboxEntry, OutboxStorage, RoomEntry } from "@sparql-live/client";
import { msgpackCodec } from "@sparql-live/client/msgpack";
import { createRoomSecret, openRoomSeal } from "@sparql-live/protocol/sealing";
import { expect, test, vi } from "vitest";
import { createMemoryStorage } from "../../packages/server/src/memory-storage.js";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { startScriptedServer } from "./scripted-server.js";
import { lossOf, openLibraryClient } from "./support.js";

const QUIET = { rateLimitPerMinute: 0 };

async function makeRoom(server: TestServer, room: string, more = ""): Promise<void> {
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=${room}${more}`, { method: "POST" });
  expect(made.status).toBe(200);
}

test("[CLIENT-10] everybody sees one order, their own messages in their place, each once", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  const clients = ["ada", "bob", "cyd"].map((userId) => openLibraryClient(server.ws, { userId }));
  try {
    const rooms = await Promise.all(clients.map((client) => client.joinRoom("lab")));
    const sent = await Promise.all(
      rooms.flatMap((room, who) => Array.from({ length: 20 }, (_, index) => room.send({ who, index }))),
    );
    expect(new Set(sent.map(({ place }) => place.seq)).size).toBe(60);
    await expect.poll(() => rooms.map(({ messages }) => messages.getSnapshot().length)).toEqual([60, 60, 60]);
    const texts = rooms.map(({ messages }) =>
      messages.getSnapshot().map(({ message }) => JSON.stringify(message)),
    );
    expect(texts[1]).toEqual(texts[0]);
    expect(texts[2]).toEqual(texts[0]);
    rooms.forEach((room, who) => {
      const own = room.messages.getSnapshot().filter(({ isOwn }) => isOwn);
      expect(own.map(({ message }) => message)).toEqual(
        Array.from({ length: 20 }, (_, index) => ({ who, index })),
      );
    });
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

test("[CLIENT-11] what is said while there is no connection waits in order, and each step is told", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
    userId: "ada",
    reconnectInterval: 200,
  });
  const room = await ada.joinRoom("lab");
  const steps: string[] = [];
  ada.on("delivery", ({ messageId, state }: Delivery) => steps.push(`${messageId} ${state}`));
  const lost = lossOf(ada);
  proxy.drop();
  await lost;
  const first = room.send("one", { messageId: "m1" });
  const second = room.send("two", { messageId: "m2" });
  const again = room.send("one", { messageId: "m1" });
  expect(ada.deliveries.getSnapshot().map(({ messageId }) => messageId)).toEqual(["m1", "m2"]);
  expect(await again).toEqual(await first);
  expect((await second).place.seq).toBe((await first).place.seq + 1);
  expect(steps).toEqual([
    "m1 queued",
    "m2 queued",
    "m1 sent",
    "m1 acknowledged",
    "m2 sent",
    "m2 acknowledged",
  ]);
  expect(ada.deliveries.getSnapshot()).toEqual([]);
});

test("[CLIENT-11] what waits can be taken back, and is bounded in number", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, { reconnectInterval: 300 });
  const room = await ada.joinRoom("lab");
  const lost = lossOf(ada);
  proxy.drop();
  await lost;
  const stop = new AbortController();
  const taken = room.send("never", { signal: stop.signal });
  stop.abort();
  await expect(taken).rejects.toMatchObject({ code: "aborted" });
  await expect(room.send("late", { timeoutMs: 1 })).rejects.toMatchObject({ code: "timeout" });
  const all = Array.from({ length: 1_000 }, (_, index) => room.send(index));
  await expect(room.send("one too many")).rejects.toMatchObject({ code: "outbox_full", retry: true });
  await Promise.all(all);
  expect(room.messages.getSnapshot().map(({ message }) => message)).toEqual(all.map((_, index) => index));
});

test("[CLIENT-11] what is taken back before it could be sent does not arrive, in an encrypted room neither", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await makeRoom(server, "den", "&is_encrypted=true");
  using client = openLibraryClient(server.ws);
  const rooms = [await client.joinRoom("lab"), await client.joinRoom("den", { secret: createRoomSecret() })];
  for (const room of rooms) {
    const taken = room.send("taken back", { signal: AbortSignal.abort() });
    await expect(taken).rejects.toMatchObject({ code: "aborted" });
    expect((await room.send("the first")).place.seq).toBe(1);
  }
  const aborting = new AbortController();
  const sealing = rooms[1]?.send("taken back while it is sealed", { signal: aborting.signal });
  aborting.abort();
  await expect(sealing).rejects.toMatchObject({ code: "aborted" });
  expect((await rooms[1]?.send("the second"))?.place.seq).toBe(2);
});

test("[CLIENT-11] what is no JSON, or has the id of what waits for another room, is refused and not lost in silence", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await makeRoom(server, "den");
  using client = openLibraryClient(server.ws);
  const lab = await client.joinRoom("lab");
  const den = await client.joinRoom("den");
  const ring: { ring?: unknown } = {};
  ring.ring = ring;
  for (const body of [ring, 10n, () => undefined, undefined, null]) {
    await expect(lab.send(body)).rejects.toMatchObject({ name: "SparqlLiveError", code: "bad_request" });
  }
  for (const messageId of ["", "m".repeat(129)]) {
    await expect(lab.send("x", { messageId })).rejects.toMatchObject({ code: "bad_request" });
  }
  await lab.send("x", { messageId: "m".repeat(128) });
  const first = lab.send("to the lab", { messageId: "m" });
  await expect(den.send("to the den", { messageId: "m" })).rejects.toMatchObject({ code: "bad_request" });
  await first;
  expect((await den.send("to the den", { messageId: "m" })).place.seq).toBe(1);
});

test("[CLIENT-11] a message that is refused for its rate is sent again in its place, another refusal is told", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 120 } });
  await makeRoom(server, "lab", "&user_id=ada");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  const room = await ada.joinRoom("lab");
  const places = await Promise.all(Array.from({ length: 122 }, (_, index) => room.send(index)));
  expect(places.map(({ place }) => place.seq)).toEqual(places.map((_, index) => index + 1));
  await room.leave();
  await expect(room.send("outside")).rejects.toMatchObject({ code: "not_in_room" });
  await expect(ada.sendToRoom("lab", "outside")).rejects.toMatchObject({ code: "not_in_room" });
});

test("[CLIENT-13] a room that cannot be entered says why; one that was left is not entered again", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await makeRoom(server, "full", "&max_members=1");
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  await expect(ada.joinRoom("nowhere")).rejects.toMatchObject({ code: "room_not_found" });
  await bob.joinRoom("full");
  await expect(ada.joinRoom("full")).rejects.toMatchObject({ code: "room_full" });
  const room = await ada.joinRoom("lab");
  expect(await ada.joinRoom("lab")).toBe(room);
  const seen = await bob.joinRoom("lab");
  await expect.poll(() => seen.view.getSnapshot().memberCount).toBe(2);
  const lost = lossOf(ada);
  proxy.drop();
  await lost;
  await room.leave();
  expect(room.view.getSnapshot().status).toMatchObject({ kind: "left", reason: "requested" });
  await expect.poll(() => seen.view.getSnapshot().memberCount).toBe(1);
  const again = ada.joinRoom("lab");
  expect(await again).not.toBe(room);
  const leaving = ada.leaveRoom("lab");
  const back = ada.joinRoom("lab");
  await leaving;
  await back;
  expect(ada.room("lab")?.view.getSnapshot().status.kind).toBe("joined");
});

test("[CLIENT-13] a room whose id is none, and a page of history that is none, are refused at once", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using client = openLibraryClient(server.ws);
  const forEver = { timeoutMs: 0 };
  // From JavaScript anything may come.
  for (const id of ["", "a b", "x".repeat(5_000), undefined as unknown as string]) {
    await expect(client.joinRoom(id, forEver)).rejects.toMatchObject({ code: "invalid_message" });
    expect(client.room(id)).toBeUndefined();
  }
  const room = await client.joinRoom("lab");
  await expect(room.history({ ...forEver, limit: 5_000 })).rejects.toMatchObject({ code: "invalid_message" });
  await room.leave();
  await expect(room.history(forEver)).rejects.toMatchObject({ code: "not_in_room" });
});

test("[CLIENT-13] of leaving and joining in a row the last one holds, and each is settled", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using client = openLibraryClient(server.ws);
  await client.joinRoom("lab");
  const leaving = client.leaveRoom("lab");
  const joining = client.joinRoom("lab", { timeoutMs: 0 });
  await Promise.all([
    expect(joining).rejects.toMatchObject({ code: "not_in_room" }),
    client.leaveRoom("lab"),
    leaving,
  ]);
  expect(client.room("lab")).toBeUndefined();
  await client.joinRoom("lab");
  client.leaveRoom("lab");
  client.leaveRoom("lab");
  const room = await client.joinRoom("lab");
  expect(room.view.getSnapshot().status.kind).toBe("joined");
});

test("[CLIENT-19] who waits for a room to be left, to enter it again, is told of the end and of an abort", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using client = openLibraryClient(server.ws);
  await client.joinRoom("lab");
  client.leaveRoom("lab");
  const aborting = new AbortController();
  const aborted = client.joinRoom("lab", { timeoutMs: 0, signal: aborting.signal });
  const ended = client.joinRoom("lab", { timeoutMs: 0 });
  aborting.abort();
  client.disconnect();
  const opened = client.connect();
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  await expect(ended).rejects.toMatchObject({ code: "connection_closed" });
  await opened;
  expect(client.room("lab")).toBeUndefined();
});

test("[CLIENT-13] who gives up joining takes the room from nobody who is in it, or waits for it too", async () => {
  await using server = await startServer({ settings: QUIET });
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  await makeRoom(server, "lab");
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`);
  const aborting = new AbortController();
  const first = client.joinRoom("lab", { signal: aborting.signal });
  const second = client.joinRoom("lab");
  const third = client.joinRoom("lab", { signal: AbortSignal.abort() });
  aborting.abort();
  for (const promise of [first, third]) await expect(promise).rejects.toMatchObject({ code: "aborted" });
  const room = await second;
  const lost = lossOf(client);
  proxy.drop();
  await lost;
  await expect(client.joinRoom("lab", { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "aborted",
  });
  await room.send("still here");
  expect(client.room("lab")).toBe(room);
});

test("[CLIENT-13] the address of a room enters it, and after a reconnection nothing of it is missing", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/room/lab`, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const other = await bob.joinRoom("lab");
  const room = await ada.joinRoom("lab");
  for (let round = 0; round < 5; round++) {
    const lost = lossOf(ada);
    proxy.drop();
    await lost;
    await Promise.all([
      other.send(`bob ${round}`),
      room.send(`ada ${round}`),
      other.send(`bob ${round} again`),
    ]);
  }
  await expect
    .poll(() => room.messages.getSnapshot().map(({ place }) => place.seq))
    .toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  await expect.poll(() => other.messages.getSnapshot()).toHaveLength(15);
  const [hers, his] = [room, other].map(({ messages }) =>
    messages.getSnapshot().map(({ message }) => message),
  );
  expect(hers).toEqual(his);
});

test("[CLIENT-13] a room that is deleted, or puts somebody out, is left with the reason", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab", "&user_id=ada");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  await ada.joinRoom("lab");
  const room = await bob.joinRoom("lab");
  const left = new Promise((resolve) => room.on("left", resolve));
  ada.send("room_member_update", { room_id: "lab", user_id: "bob", action: "kick" });
  expect(await left).toBe("kicked");
  expect(bob.room("lab")).toBeUndefined();
});

test("[CLIENT-12] what cannot be had any more is told as a gap, with the place from which it goes on", async () => {
  const roomLogs = { maxEntriesCount: 5, maxAgeMs: 3_600_000, maxBytes: 1_000_000 };
  await using server = await startServer({
    settings: QUIET,
    storage: createMemoryStorage({ bounds: { roomLogs } }),
  });
  await makeRoom(server, "lab");
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  using ada = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
    userId: "ada",
    reconnectInterval: 500,
  });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const room = await ada.joinRoom("lab");
  const other = await bob.joinRoom("lab");
  const gap = new Promise((resolve) => ada.on("gap", resolve));
  const lost = lossOf(ada);
  proxy.drop();
  await lost;
  let last = 0;
  for (let index = 0; index < 20; index++) last = (await other.send(index)).place.seq;
  const { epoch } = room.position ?? { epoch: "" };
  expect(await gap).toEqual({ roomId: "lab", recovered: false, place: { epoch, seq: last } });
  await other.send("after");
  await expect.poll(() => room.messages.getSnapshot().map(({ message }) => message)).toEqual(["after"]);
});

test("[CLIENT-14] the view of a room shows who is there, who types and where they are", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using ada = openLibraryClient(server.ws, { userId: "ada", userName: "Ada" });
  const room = await ada.joinRoom("lab");
  {
    using bob = openLibraryClient(server.ws, { userId: "bob", userName: "Bob" });
    await bob.joinRoom("lab");
    await expect
      .poll(() => room.view.getSnapshot().members.map(({ user_name: name }) => name))
      .toEqual(["Ada", "Bob"]);
    bob.sendTypingIndicator("lab", true);
    bob.sendCursorPosition("lab", { position: { line: 1 } });
    await expect.poll(() => room.view.getSnapshot().typing.map(({ user_id: id }) => id)).toEqual(["bob"]);
    await expect.poll(() => room.view.getSnapshot().cursors[0]?.position).toEqual({ line: 1 });
    const before = room.view.getSnapshot();
    expect(room.view.getSnapshot()).toBe(before);
  }
  await expect.poll(() => room.view.getSnapshot()).toMatchObject({ memberCount: 1, typing: [], cursors: [] });
});

test("[CLIENT-14] that somebody types is told also right after the page was loaded", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const hers = await ada.joinRoom("lab");
  await bob.joinRoom("lab");
  const told = new Promise((resolve) => bob.once("typing_indicator", resolve));
  const clock = vi.spyOn(performance, "now").mockReturnValue(1);
  hers.setTyping(true);
  clock.mockRestore();
  expect(await told).toMatchObject({ user_id: "ada", is_typing: true });
});

test("[CLIENT-10] what is kept of a room is read beside what comes, page by page", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  const room = await ada.joinRoom("lab");
  for (let index = 1; index <= 5; index++) await room.send(index);
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const other = await bob.joinRoom("lab");
  const page = await other.history({ limit: 3 });
  expect(page).toMatchObject({ seq: 3, recovered: true, more: true });
  expect(page.entries.map(({ message }) => message)).toEqual([1, 2, 3]);
  const rest = await other.history({ since: page.seq });
  expect(rest.entries.map(({ message }) => message)).toEqual([4, 5]);
  expect((await other.history({ since: 5 })).entries).toEqual([]);
  expect(other.messages.getSnapshot()).toEqual([]);
});

test("[CLIENT-14] of many cursors and signs of typing few are sent, the last one always", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const hers = await ada.joinRoom("lab");
  const his = await bob.joinRoom("lab");
  const positions: unknown[] = [];
  const typing: boolean[] = [];
  bob.on("cursor_position", ({ position }) => void positions.push(position));
  bob.on("typing_indicator", ({ is_typing: isTyping }) => void typing.push(isTyping));
  hers.setTyping(false);
  for (let count = 0; count < 1_000; count++) {
    hers.setCursor({ position: count });
    hers.setTyping(true);
  }
  await expect.poll(() => positions).toEqual([0, 999]);
  for (let count = 0; count < 10; count++) hers.setTyping(false);
  await expect.poll(() => typing).toEqual([true, false]);
  hers.setTyping(true);
  await expect.poll(() => typing).toEqual([true, false, true]);
  expect(his.view.getSnapshot().cursors).toMatchObject([{ position: 999 }]);
});

test("[CLIENT-16] an encrypted room is read by who has its secret, in order, and by nobody else", async () => {
  for (const codec of [undefined, msgpackCodec]) {
    await using server = await startServer({ settings: QUIET });
    await makeRoom(server, "den", "&is_encrypted=true");
    const secret = createRoomSecret();
    using ada = openLibraryClient(server.ws, { userId: "ada", codec });
    using bob = openLibraryClient(server.ws, { userId: "bob", codec });
    using eve = openLibraryClient(server.ws, { userId: "eve", codec });
    const hers = await ada.joinRoom("den", { secret });
    const his = await bob.joinRoom("den", { secret });
    const wrong = await eve.joinRoom("den", { secret: createRoomSecret() });
    const failed = new Promise((resolve) => wrong.on("error", resolve));
    await Promise.all(Array.from({ length: 10 }, (_, index) => hers.send({ text: `no ${index}` })));
    const texts = ({ message }: RoomEntry) => message;
    const expected = Array.from({ length: 10 }, (_, index) => ({ text: `no ${index}` }));
    await expect.poll(() => his.messages.getSnapshot().map(texts)).toEqual(expected);
    await expect.poll(() => hers.messages.getSnapshot().map(texts)).toEqual(expected);
    await expect(failed).resolves.toMatchObject({ name: "SealError" });
    expect(wrong.messages.getSnapshot()).toEqual([]);
    his.setCursor({ position: 7 });
    await expect.poll(() => hers.view.getSnapshot().cursors[0]?.position).toBe(7);
    expect((await his.history()).entries.map(texts)).toEqual(expected);
    expect(JSON.stringify(server.logged)).not.toContain("no 3");
  }
});

test("[CLIENT-16] of an encrypted room whose secret was not given nothing is sent in the clear", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "den", "&is_encrypted=true");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  const errors: string[] = [];
  ada.on("error_message", ({ code }) => errors.push(code));
  const room = await ada.joinRoom("den");
  await expect(room.send("in the clear")).rejects.toMatchObject({ code: "seal_required" });
  await expect(room.sendUpdate(Uint8Array.of(0, 0))).rejects.toMatchObject({ code: "seal_required" });
  room.setCursor({ position: 7 });
  room.sendAwareness(Uint8Array.of(0));
  expect((await ada.sendQuery("all cities")).row_count).toBe(3);
  expect(errors).toEqual([]);
});

test("[CLIENT-16] something sealed that is no JSON takes nothing with it that comes behind", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "den", "&is_encrypted=true");
  const secret = createRoomSecret();
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const hers = await ada.joinRoom("den", { secret });
  const his = await bob.joinRoom("den", { secret });
  const errors: unknown[] = [];
  his.on("error", (error) => errors.push(error));
  const seal = await openRoomSeal(secret, "den");
  const origin = { kind: "cursor", userId: "ada", messageId: "c" } as const;
  const cursor = await seal.seal(new TextEncoder().encode("{"), origin);
  const payload = { room_id: "den", sealed: Buffer.from(cursor).toString("base64") };
  hers.access.send("cursor_position", payload, { message_id: origin.messageId });
  await hers.send("behind it");
  await expect.poll(() => errors).toMatchObject([{ name: "SyntaxError" }]);
  await expect.poll(() => his.messages.getSnapshot().map(({ message }) => message)).toEqual(["behind it"]);
});

test("[CLIENT-16] what cannot be opened before its turn has come is told, and ends no process", async () => {
  await using server = await startScriptedServer();
  const secret = createRoomSecret();
  const seal = await openRoomSeal(secret, "den");
  const origin = { kind: "message", userId: "eve", messageId: "m" } as const;
  const good = await seal.seal(new TextEncoder().encode(JSON.stringify("x".repeat(90_000))), origin);
  const sealed = [Buffer.from(good).toString("base64"), "AAAA"];
  server.onConnection = (socket) =>
    socket.on("message", (data) => {
      const { type, message_id: correlation_id } = JSON.parse(String(data));
      const say = (of: string, payload: object) =>
        socket.send(
          JSON.stringify({
            type: of,
            correlation_id,
            payload: { room_id: "den", epoch: "e", timestamp: 1, ...payload },
          }),
        );
      const sayEntries = (firstSeq: number) => {
        for (const [index, one] of sealed.entries()) {
          say("room_message", { seq: firstSeq + index, user_id: "eve", user_name: "Eve", sealed: one });
        }
      };
      if (type === "join_room") {
        say("join_room", { seq: 2, members: [], member_count: 0, role: "editor" });
        sayEntries(3);
      } else if (type === "room_history") {
        say("room_history", { seq: 3, recovered: true, more: false });
        sayEntries(1);
      } else if (type === "ping") say("room_message", { seq: 3, user_id: "eve", user_name: "Eve" });
    });
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", onUnhandled);
  try {
    using client = openLibraryClient(server.url);
    const room = await client.joinRoom("den", { secret });
    const errors: unknown[] = [];
    room.on("error", (error) => errors.push(error));
    await expect.poll(() => errors).toMatchObject([{ name: "SealError" }]);
    const page = room.history();
    const asked = () => server.said.some(({ type }) => type === "room_history");
    await expect.poll(asked).toBe(true);
    client.send("ping", {});
    expect((await page).entries.map(({ place }) => place.seq)).toEqual([1, 3]);
    expect(errors).toHaveLength(2);
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
});

test("[CLIENT-10] updates of the document and of awareness come as bytes, whatever the codec", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob", codec: msgpackCodec });
  const hers = await ada.joinRoom("lab");
  const his = await bob.joinRoom("lab");
  const update = new Promise((resolve) => his.on("document", resolve));
  // A text "a" in the document's text "query", by Yjs.
  const bytes = Uint8Array.from([1, 1, 1, 0, 4, 1, 5, 113, 117, 101, 114, 121, 1, 97, 0]);
  const { place } = await hers.sendUpdate(bytes);
  expect(await update).toMatchObject({ place, userId: "ada", isWhole: false });
  using cyd = openLibraryClient(server.ws, { userId: "cyd" });
  const whole = new Promise<{ isWhole: boolean; update: Uint8Array }>((resolve) =>
    cyd.once("document_update", ({ whole: isWhole = false, update: text = "" }) =>
      resolve({ isWhole, update: Buffer.from(String(text), "base64") }),
    ),
  );
  await cyd.joinRoom("lab");
  expect((await whole).isWhole).toBe(true);
  expect(hers.messages.getSnapshot()).toEqual([]);
});

/** A storage that outlives clients, as a browser's does. */
function memoryStorage(): OutboxStorage & { readonly kept: Map<string, OutboxEntry> } {
  const kept = new Map<string, OutboxEntry>();
  return {
    kept,
    load: async () => [...kept.values()].reverse(),
    put: async (entry) => void kept.set(entry.messageId, structuredClone(entry)),
    delete: async (messageId) => void kept.delete(messageId),
  };
}

test("[CLIENT-15] what waits survives the end of a page: the next one sends it, in order, once", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  const storage = memoryStorage();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const url = `ws://127.0.0.1:${proxy.port}/api/ws/query`;
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const seen = await bob.joinRoom("lab");
  {
    using before = openLibraryClient(url, { userId: "ada", outboxStorage: storage });
    const room = await before.joinRoom("lab");
    await room.send("acknowledged");
    proxy.stall();
    // What comes goes nowhere any more, and the page ends.
    for (const text of ["one", "two", "three"]) room.send(text).catch(() => undefined);
    await expect.poll(() => storage.kept.size).toBe(3);
  }
  expect(storage.kept.size).toBe(3);
  using after = openLibraryClient(server.ws, { userId: "ada", outboxStorage: storage });
  await after.joinRoom("lab");
  await expect
    .poll(() => seen.messages.getSnapshot().map(({ message }) => message))
    .toEqual(["acknowledged", "one", "two", "three"]);
  await expect.poll(() => storage.kept.size).toBe(0);
});

test("[CLIENT-15] nothing overtakes what was kept, and who connects again sends it", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  const storage = memoryStorage();
  const entry = { roomId: "lab", kind: "message" } as const;
  storage.kept.set("m1", { ...entry, messageId: "m1", body: "kept", order: 1 });
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const outboxStorage = { ...storage, load: () => opened.then(() => storage.load()) };
  using ada = openLibraryClient(server.ws, { userId: "ada", outboxStorage });
  const room = await ada.joinRoom("lab");
  const fresh = room.send("fresh");
  open();
  await fresh;
  expect(room.messages.getSnapshot().map(({ message }) => message)).toEqual(["kept", "fresh"]);
  ada.disconnect();
  storage.kept.set("m2", { ...entry, messageId: "m2", body: "while it was away", order: 2 });
  await ada.connect();
  const again = await ada.joinRoom("lab");
  await expect
    .poll(() => again.messages.getSnapshot().map(({ message }) => message))
    .toEqual(["while it was away"]);
});

test("[CLIENT-15] what had arrived before the page ended is not said again by the next one", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  const storage = memoryStorage();
  storage.kept.set("m1", { messageId: "m1", roomId: "lab", kind: "message", body: "once", order: 1 });
  using before = openLibraryClient(server.ws, { userId: "ada" });
  const room = await before.joinRoom("lab");
  await room.send("once", { messageId: "m1" });
  using after = openLibraryClient(server.ws, { userId: "ada", outboxStorage: storage });
  await after.joinRoom("lab");
  await expect.poll(() => storage.kept.size).toBe(0);
  expect((await room.history()).seq).toBe(1);
});

test("[CLIENT-16] a room that its address has entered is read and written by who gives its secret then", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "den", "&is_encrypted=true");
  const secret = createRoomSecret();
  using ada = openLibraryClient(server.ws.replace("/query", "/room/den"), { userId: "ada" });
  await new Promise((resolve) => ada.once("join_room", resolve));
  const hers = await ada.joinRoom("den", { secret });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const his = await bob.joinRoom("den", { secret });
  await hers.send("from ada");
  await his.send("from bob");
  for (const room of [hers, his]) {
    await expect
      .poll(() => room.messages.getSnapshot().map(({ message }) => message))
      .toEqual(["from ada", "from bob"]);
  }
});
