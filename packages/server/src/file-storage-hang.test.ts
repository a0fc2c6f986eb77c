import { afterEach, expect, test, vi } from "vitest";
import * as Y from "yjs";
import type { Logs } from "./broker.js";
import { type StartThread, startThreadOf } from "./database/thread.js";
import { openFileStorageWith } from "./file-storage.js";
import { SERVER_LIMITS } from "./limits.js";
import { openMember, seqsOf } from "./testing/room-clients.js";
import { startServer } from "./testing/start-server.js";
import { answersAgain } from "./testing/store-answers.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const WORKER = new URL("./testing/blockable-worker.mjs", import.meta.url);
const ALL = { maxCount: 1_000, maxBytes: 1_000_000 };
const { storageAnswerTimeoutMs } = SERVER_LIMITS;

afterEach(() => {
  vi.useRealTimers();
});

/** Real threads that stand still, as on a disk that hangs, before whatever comes while they are blocked. */
function blockableThreads() {
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const start: StartThread = (input, events) => {
    const withGate = { ...input, gate };
    return startThreadOf(WORKER, withGate, events);
  };
  return {
    start,
    block: () => void Atomics.store(gate, 0, 1),
    release() {
      Atomics.store(gate, 0, 0);
      Atomics.notify(gate, 0);
    },
  };
}

/** A server over a store that can be blocked. */
async function startBlockable() {
  const folder = await temporaryFolder();
  const { start, block, release } = blockableThreads();
  const storage = await openFileStorageWith(start, folder.path("store.db"), { onFault: () => undefined });
  const server = await startServer({ storage });
  return {
    server,
    storage,
    block,
    release,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await storage.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A turn of the event loop: what was asked for is on its way to the thread. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const append = (logs: Logs, id: string) => logs.append("room:one", { id, data: "x" });
const unavailable = { code: "unavailable" };

test("[STORE-1] what is not answered within 5 s is refused, and what was stored all the same is found by its id", async () => {
  await using folder = await temporaryFolder();
  const { start, block, release } = blockableThreads();
  const faults: unknown[] = [];
  const { broker, store, close } = await openFileStorageWith(start, folder.path("store.db"), {
    onFault: (error) => faults.push(error),
  });
  const { logs, queues } = broker;
  const told: string[] = [];
  logs.follow("room:one", ({ seq, id }) => told.push(`${seq} ${id}`));
  await append(logs, "a");
  block();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const settled: string[] = [];
  const inDoubt = ["b", "c"].map((id) => append(logs, id).finally(() => settled.push(id)));
  await turn();
  const behind = append(logs, "d").finally(() => settled.push("d"));
  const outcomes = Promise.allSettled([...inDoubt, behind]);
  vi.advanceTimersByTime(storageAnswerTimeoutMs - 1);
  await turn();
  expect(settled).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(await outcomes).toEqual(
    Array(3).fill({ status: "rejected", reason: expect.objectContaining(unavailable) }),
  );
  expect(faults).toHaveLength(1);
  for (const asked of [
    append(logs, "e"),
    logs.head("room:one"),
    logs.read("room:one", 0, ALL),
    queues.list("ada"),
    queues.push("ada", { id: "n", data: "x" }),
    store.rooms.get("one"),
  ]) {
    await expect(asked).rejects.toMatchObject(unavailable);
  }
  expect(told).toEqual(["1 a"]);

  vi.useRealTimers();
  release();
  await answersAgain(logs);
  expect(await append(logs, "b")).toMatchObject({ seq: 2, repeated: true });
  expect(await append(logs, "d")).toMatchObject({ seq: 4, repeated: false });
  expect(told).toEqual(["1 a", "2 b", "3 c", "4 d"]);
  expect((await logs.read("room:one", 0, ALL)).entries.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
  expect(await queues.list("ada")).toEqual({ entries: [], lostCount: 0 });
  await close();
});

test("[STORE-1] a message into a store that hangs is not acknowledged; sent again it is, and told once", {
  timeout: 60_000,
}, async () => {
  await using blockable = await startBlockable();
  const { server, storage, block, release } = blockable;
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob } = await openMember(server, "bob", "lab");
  const say = (id: string) => ada.send("room_message", { room_id: "lab", message: id }, { message_id: id });
  block();
  say("m1");
  expect((await ada.nextOf("error_message", "ack")).payload).toMatchObject(unavailable);
  release();
  await answersAgain(storage.broker.logs);
  say("m1");
  expect((await ada.next("ack")).payload).toMatchObject({ message_id: "m1", seq: 1 });
  say("m2");
  expect((await ada.next("ack")).payload).toMatchObject({ message_id: "m2", seq: 2 });
  expect((await bob.next("room_message")).payload).toMatchObject({ message: "m1", seq: 1 });
  expect((await bob.next("room_message")).payload).toMatchObject({ message: "m2", seq: 2 });
  expect(seqsOf(bob.log, "lab")).toEqual([1, 2]);
});

test("[STORE-1] a document that could not be loaded while the store hung is whole when it answers again", {
  timeout: 60_000,
}, async () => {
  await using blockable = await startBlockable();
  const { server, storage, block, release } = blockable;
  const { client: ada } = await openMember(server, "ada", "lab");
  const doc = new Y.Doc();
  const edit = async (text: string) => {
    const before = Y.encodeStateVector(doc);
    doc.getText("query").insert(doc.getText("query").length, text);
    const update = Buffer.from(Y.encodeStateAsUpdate(doc, before)).toString("base64");
    ada.send("document_update", { room_id: "lab", update });
    return ada.nextOf("error_message", "ack");
  };
  expect((await edit("SELECT")).type).toBe("ack");
  block();
  expect((await edit(" *")).payload).toMatchObject(unavailable);
  ada.send("join_room", { room_id: "lab" });
  expect((await ada.nextOf("error_message", "join_room")).payload).toMatchObject(unavailable);
  release();
  await answersAgain(storage.broker.logs);
  const { client: bob } = await openMember(server, "bob", "lab");
  const { update } = (await bob.next("document_update")).payload;
  const seen = new Y.Doc();
  Y.applyUpdate(
    seen,
    typeof update === "string" ? Buffer.from(update, "base64") : (update ?? Buffer.alloc(0)),
  );
  expect(seen.getText("query").toString()).toBe("SELECT *");
});

test("[STORE-1] a server whose store hangs closes all the same", { timeout: 60_000 }, async () => {
  await using blockable = await startBlockable();
  const { server, block } = blockable;
  const { client: ada } = await openMember(server, "ada", "lab");
  const doc = new Y.Doc();
  doc.getText("query").insert(0, "SELECT");
  const update = Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64");
  ada.send("document_update", { room_id: "lab", update });
  await ada.next("ack");
  block();
  await server.server.close();
  expect((await ada.closed).code).toBe(1012);
  expect(server.logged.some((line) => line.includes("a snapshot could not be stored"))).toBe(true);
});

test("[STORE-1] a store that hangs is closed all the same, and what it did not answer is refused", async () => {
  await using folder = await temporaryFolder();
  const { start, block } = blockableThreads();
  const { broker, close } = await openFileStorageWith(start, folder.path("store.db"), {
    onFault: () => undefined,
  });
  block();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const refused = expect(append(broker.logs, "a")).rejects.toMatchObject(unavailable);
  await turn();
  const closed = close();
  vi.advanceTimersByTime(storageAnswerTimeoutMs);
  await refused;
  await closed;
  await expect(append(broker.logs, "b")).rejects.toMatchObject(unavailable);
});
