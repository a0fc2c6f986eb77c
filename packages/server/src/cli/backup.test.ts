import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { MIGRATIONS } from "../database/schema.js";
import { connect } from "../database/sql.js";
import { openFileStorage } from "../file-storage.js";
import { openAs, seqsOf } from "../testing/room-clients.js";
import { said } from "../testing/said.js";
import { type TemporaryFolder, temporaryFolder } from "../testing/temporary-folder.js";

const MAIN = fileURLToPath(new URL("../../bin/sparql-live.js", import.meta.url));
const ADMIN_KEY = "k".repeat(32);
const TIMEOUT_MS = 120_000;

function start(args: readonly string[], adminKey = ADMIN_KEY): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, SPARQL_LIVE_ADMIN_KEY: adminKey, NO_COLOR: "1" },
  });
}

async function run(args: readonly string[], adminKey?: string) {
  const child = start(args, adminKey);
  if (child.stderr === null) throw new Error("no pipes");
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { err, code: code as number | null };
}

async function serve(folder: TemporaryFolder, store: string) {
  const data = folder.path("data.ttl");
  await writeFile(data, "<http://e/a> <http://e/b> <http://e/c> .");
  const own = ["--store", store, "--data", data, "--cache-dir", folder.path("cache"), "--workers", "1"];
  const child = start([
    "serve",
    "--port",
    "0",
    "--rate-limit-per-minute",
    "0",
    "--room-log-entries",
    "100000",
    "--log-level",
    "silent",
    ...own,
  ]);
  child.stdout?.resume();
  const [, url = ""] = await said(child, /is at (http:\/\/127\.0\.0\.1:\d+)/);
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

test("[BACKUP-1] [BACKUP-3] a backup under load holds all that was acknowledged before it; restored, clients learn of the gap and get the room as it was", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await temporaryFolder();
  const file = folder.path("backup.db");
  let position = { epoch: "", seq: 0 };
  let acknowledgedCount = 0;
  {
    await using server = await serve(folder, folder.path("store.db"));
    await using ada = await openAs(server, "ada", { room: "lab" });
    const { epoch } = (await ada.next("join_room")).payload;
    let sentCount = 0;
    const publish = async () => {
      ada.send("room_message", { room_id: "lab", message: ++sentCount }, { message_id: `m${sentCount}` });
      await ada.next("ack");
    };
    for (let count = 0; count < 200; count++) await publish();
    acknowledgedCount = sentCount;
    const backup = run(["backup", file, "--server", server.url]);
    let isDone = false;
    const done = backup.finally(() => {
      isDone = true;
    });
    while (!isDone) await publish();
    expect(await done).toMatchObject({ code: 0 });
    for (let count = 0; count < 10; count++) await publish();
    position = { epoch, seq: sentCount };
  }
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const restored = folder.path("restored.db");
  expect(await run(["restore", file, "--store", restored])).toMatchObject({ code: 0 });

  await using server = await serve(folder, restored);
  await using ada = await openAs(server, "ada");
  await ada.next("connection_ack");
  ada.send("resume", { resume_token: "none", positions: { rooms: { lab: position } } });
  const { rooms } = (await ada.next("resumed")).payload;
  expect(rooms.lab).toMatchObject({ recovered: false });
  const state = (await ada.next("room_state")).payload;
  expect(state).toMatchObject({ recovered: false, room_id: "lab" });
  expect(state.epoch).not.toBe(position.epoch);
  expect(state.seq).toBeGreaterThanOrEqual(acknowledgedCount);
  expect(state.seq).toBeLessThan(position.seq);
  let since = 0;
  while (since < state.seq) {
    ada.send("room_history", { room_id: "lab", epoch: state.epoch, since });
    const { seq, recovered } = (await ada.next("room_history")).payload;
    expect({ recovered, goesOn: seq > since }).toEqual({ recovered: true, goesOn: true });
    since = seq;
  }
  await expect.poll(() => seqsOf(ada.log, "lab").length, { timeout: 30_000 }).toBe(state.seq);
  expect(seqsOf(ada.log, "lab")).toEqual(Array.from({ length: state.seq }, (_, index) => index + 1));
});

test("[BACKUP-3] every log has another epoch after a restore, and holds what it held", async () => {
  await using folder = await temporaryFolder();
  const before = await openFileStorage(folder.path("store.db"));
  const names = ["room:a", "room:b", "broadcast"] as const;
  const epochs: string[] = [];
  for (const name of names) {
    epochs.push((await before.broker.logs.append(name, { id: "1", data: `in ${name}`, pinned: true })).epoch);
  }
  await before.broker.logs.saveSnapshot("room:a", {
    epoch: epochs[0] ?? "",
    seq: 1,
    data: Buffer.from("whole"),
  });
  await before.backUp(folder.path("backup.db"));
  await before.close();
  expect(
    await run(["restore", folder.path("backup.db"), "--store", folder.path("restored.db")]),
  ).toMatchObject({ code: 0 });
  const after = await openFileStorage(folder.path("restored.db"));
  for (const [index, name] of names.entries()) {
    const state = await after.broker.logs.state(name);
    expect(state.epoch).not.toBe(epochs[index]);
    const { entries } = await after.broker.logs.read(name, 0, { maxCount: 10, maxBytes: 1_000 });
    expect(entries).toMatchObject([{ seq: 1, data: `in ${name}` }]);
    expect(state.snapshot?.seq).toBe(name === "room:a" ? 1 : undefined);
  }
  await after.close();
});

test("[BACKUP-2] a store that no server uses is backed up by its path, one in use only by its server", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await temporaryFolder();
  const store = folder.path("store.db");
  const storage = await openFileStorage(store);
  await storage.store.history.add({
    queryId: "q",
    roomId: null,
    userId: "ada",
    userName: "Ada",
    text: "remembered",
    kind: "question",
    startedAtMs: Date.now(),
    endedAtMs: Date.now(),
    outcome: "completed",
    rowCount: 1,
  });
  const inUse = await run(["backup", folder.path("b1.db"), "--store", store]);
  expect(inUse).toMatchObject({ code: 2, err: expect.stringContaining("--server") });
  await storage.close();
  expect(await run(["backup", folder.path("b1.db"), "--store", store])).toMatchObject({ code: 0 });
  expect(await readFile(folder.path("b1.db"), "latin1")).toContain("remembered");
  const again = await run(["backup", folder.path("b1.db"), "--store", store]);
  expect(again).toMatchObject({ code: 2, err: expect.stringContaining("--force") });
  expect(await run(["backup", folder.path("b1.db"), "--store", store, "--force"])).toMatchObject({ code: 0 });
  const none = await run(["backup", folder.path("b2.db"), "--store", folder.path("none.db")]);
  expect(none).toMatchObject({ code: 2, err: expect.stringContaining("there is no store") });
  expect(await readdir(folder.path("."))).toEqual(["b1.db", "store.db"]);
});

test("[BACKUP-4] what is no whole backup is not restored, a store is not overwritten unasked, and a backup is not served", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  for (let index = 0; index < 200; index++) {
    await storage.broker.logs.append("room:a", { id: `${index}`, data: "x".repeat(1_000) });
  }
  await storage.backUp(folder.path("good.db"));
  await storage.backUp(folder.path("cut.db"));
  await truncate(folder.path("cut.db"), 40_000);
  await storage.backUp(folder.path("newer.db"));
  const newer = connect(folder.path("newer.db"));
  newer.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  newer.close();
  await writeFile(folder.path("text.db"), "no database at all ".repeat(100));
  const target = folder.path("target.db");
  const cases = [
    ["cut.db", "damaged"],
    ["newer.db", "newer version"],
    ["text.db", "not"],
    ["none.db", "there is no file"],
  ] as const;
  for (const [name, words] of cases) {
    const { err, code } = await run(["restore", folder.path(name), "--store", target]);
    expect({ name, code }).toEqual({ name, code: 2 });
    expect(err).toContain(words);
  }
  await expect(stat(target)).rejects.toThrow("ENOENT");

  const restore = ["restore", folder.path("good.db"), "--store", folder.path("store.db")];
  expect(await run(restore)).toMatchObject({ code: 2, err: expect.stringContaining("--force") });
  expect(await run([...restore, "--force"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("in use"),
  });
  await storage.close();
  await copyFile(folder.path("store.db"), folder.path("copy.db"));
  expect(await run(["restore", folder.path("copy.db"), "--store", target])).toMatchObject({
    code: 2,
    err: expect.stringContaining("a store, not a backup"),
  });
  expect(await run([...restore, "--force"])).toMatchObject({ code: 0 });
  await expect(openFileStorage(folder.path("good.db"))).rejects.toThrow("sparql-live restore");
});

test("[BACKUP-5] Ctrl-C during a backup leaves no file, and so does a server that hangs up midway", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await temporaryFolder();
  let hangsUp = false;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-length": 1_000_000 });
    response.write(Buffer.alloc(500_000), () => {
      if (hangsUp) response.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child = start(["backup", folder.path("b.db"), "--server", url]);
  await said(child, /0\.\d MiB of/);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  hangsUp = true;
  expect(await run(["backup", folder.path("b.db"), "--server", url])).toMatchObject({ code: 1 });
  server.closeAllConnections();
  server.close();
  expect(await readdir(folder.path("."))).toEqual([]);
});

test("[BACKUP-6] a server gives a backup to its admin alone; without a file there is none", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using folder = await temporaryFolder();
  await using server = await serve(folder, "memory");
  const file = folder.path("b.db");
  const asked = ["backup", file, "--server", server.url];
  expect(await run(asked, "w".repeat(32))).toMatchObject({
    code: 2,
    err: expect.stringContaining("admin key"),
  });
  expect(await run(asked, "")).toMatchObject({
    code: 2,
    err: expect.stringContaining("SPARQL_LIVE_ADMIN_KEY"),
  });
  expect(await run(asked)).toMatchObject({ code: 1, err: expect.stringContaining("in memory") });
  expect((await fetch(`${server.url}/api/ws/backup`)).status).toBe(404);
  await expect(stat(file)).rejects.toThrow("ENOENT");
});
