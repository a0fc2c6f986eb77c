import { spawn } from "node:child_process";
import { once } from "node:events";
import type { OutboxEntry, OutboxStorage } from "@sparql-live/client";
import { closeReason, type ServerPayloads } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { type ScriptedServer, startScriptedServer, tell } from "./scripted-server.js";
import { openLibraryClient } from "./support.js";
import { switchedSignals } from "./switched-signals.js";

const DEADLINE = { timeout: 20_000 };

/** As many connections come and go, one after the other: what was due before them has happened. */
async function comeAndGo(server: ScriptedServer, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    using client = openLibraryClient(server.url);
    await client.connect();
  }
}

test.each(["connecting", "open", "draining", "reconnecting"] as const)(
  "[CLIENT-19] who disconnects in the moment that `%s` is told has ended it, and can begin anew",
  async (wanted) => {
    await using server = await startScriptedServer();
    server.onConnection = (socket, index) => {
      if (index > 0) return;
      tell(socket, "server_draining", { retry_after_ms: 1, closes_in_ms: 1 });
      socket.on("message", () => socket.close(1012, closeReason("going_away", 1)));
    };
    using client = openLibraryClient(server.url, { autoConnect: false });
    const kinds: string[] = [];
    client.on("state", ({ kind }) => kinds.push(kind));
    const stop = client.on("state", ({ kind }) => {
      if (kind === "draining" && wanted === "reconnecting") client.send("ping", {});
      if (kind === wanted) client.disconnect();
    });
    client.connect().catch(() => undefined);
    await expect.poll(() => client.state.kind, DEADLINE).toBe("closed");
    stop();
    const cameCount = server.cameAtMs.length;
    await comeAndGo(server, 20);
    expect(kinds.at(-1)).toBe("closed");
    expect(server.cameAtMs).toHaveLength(cameCount + 20);
    server.onConnection = () => undefined;
    await client.connect();
    expect(kinds.slice(-2)).toEqual(["connecting", "open"]);
    expect(server.cameAtMs).toHaveLength(cameCount + 21);
  },
);

test("[CLIENT-28] what happens in a listener is told to the others behind what they have not heard yet", async () => {
  await using server = await startScriptedServer();
  using client = openLibraryClient(server.url, { autoConnect: false });
  const kinds: string[] = [];
  client.on("state", ({ kind }) => kind === "open" && client.disconnect());
  client.on("state", ({ kind }) => kinds.push(kind));
  await client.connect().catch(() => undefined);
  await expect.poll(() => client.state.kind, DEADLINE).toBe("closed");
  expect(kinds).toEqual(["connecting", "open", "closed"]);
});

test("[CLIENT-19] what is begun in the moment that the end is told is of the next connection", async () => {
  await using server = await startServer();
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  using client = openLibraryClient(server.ws);
  await client.joinRoom("lab");
  const begun = new Promise<Promise<unknown>[]>((resolve) => {
    const stop = client.on("state", ({ kind }) => {
      if (kind !== "closed") return;
      stop();
      resolve([client.connect(), client.joinRoom("lab"), client.sendQuery("all cities"), client.endpoints()]);
    });
  });
  client.disconnect();
  await Promise.all(await begun);
  await client.sendToRoom("lab", "again");
});

test("[CLIENT-3] who connects in the moment that the connection is lost has one connection, not two", async () => {
  await using server = await startScriptedServer();
  using client = openLibraryClient(server.url);
  await client.connect();
  client.on("state", ({ kind }) => {
    if (kind === "reconnecting") client.connect();
  });
  server.dropAll();
  await expect.poll(() => server.cameAtMs.length, DEADLINE).toBe(2);
  await client.connect();
  await comeAndGo(server, 20);
  expect(server.cameAtMs).toHaveLength(22);
});

test("[CLIENT-7] a server's hint that came while the machine was offline holds when it is online again", async () => {
  await using server = await startScriptedServer();
  const signals = switchedSignals();
  using client = openLibraryClient(server.url, { signals });
  await client.connect();
  // It has come back once before.
  server.dropAll();
  await expect.poll(() => server.cameAtMs.length, DEADLINE).toBe(2);
  await expect.poll(() => client.state.kind, DEADLINE).toBe("open");
  signals.say("offline");
  const askedAtMs = performance.now();
  const hintMs = 700;
  server.dropAll(1012, closeReason("going_away", hintMs));
  await expect.poll(() => client.state, DEADLINE).toMatchObject({ kind: "reconnecting", nextTryAtMs: null });
  signals.say("back");
  await expect.poll(() => client.state.kind, DEADLINE).toBe("open");
  expect((server.cameAtMs.at(-1) ?? 0) - askedAtMs).toBeGreaterThanOrEqual(hintMs - 2);
});

test("[CLIENT-18] messages that are not what their type says end the connection for another try, and nothing else", async () => {
  await using server = await startScriptedServer();
  const types: readonly (keyof ServerPayloads)[] = [
    "connection_ack",
    "authenticated",
    "room_state",
    "room_message",
    "room_history",
    "ack",
    "query_progress",
    "query_rows",
    "query_result",
    "error_message",
    "validation_error",
    "system_message",
    "notification",
  ];
  const garbage: readonly object[] = [{}, [], { room_id: 7, query_id: null, rows: "rows", code: {} }];
  const frames = types.flatMap((type) =>
    garbage.map((payload) => JSON.stringify({ type, message_id: `${type}`, correlation_id: 3, payload })),
  );
  server.onConnection = (socket, index) => {
    const frame = frames[index];
    if (frame !== undefined) socket.send(frame, () => socket.terminate());
  };
  using client = openLibraryClient(server.url, { reconnectInterval: 1 });
  let faultsCount = 0;
  client.on("fault", () => faultsCount++);
  const query = client.sendQuery("all cities");
  query.catch(() => undefined);
  await expect.poll(() => server.cameAtMs.length, DEADLINE).toBe(frames.length + 1);
  await expect.poll(() => client.state.kind, DEADLINE).toBe("open");
  expect(faultsCount).toBeGreaterThan(0);
  client.disconnect();
  await expect(query).rejects.toThrow();
});

test("[CLIENT-6] a provider of tokens that never answers does not hold the connection for ever", async () => {
  await using server = await startScriptedServer();
  server.greets = false;
  server.onConnection = (socket) =>
    socket.send(JSON.stringify({ type: "connection_ack", payload: { user_id: null, limits: {} } }));
  let askedCount = 0;
  using client = openLibraryClient(server.url, {
    connectTimeout: 100,
    token: () => (++askedCount < 3 ? new Promise<string>(() => undefined) : "a token"),
  });
  await expect.poll(() => server.said.map(({ type }) => type), DEADLINE).toContain("authenticate");
  expect(askedCount).toBeGreaterThanOrEqual(3);
  expect(client.state.kind).not.toBe("closed");
});

test("[CLIENT-15] what a storage tells after the end waits for the next connection", async () => {
  await using server = await startScriptedServer();
  const entry: OutboxEntry = { messageId: "m", roomId: "lab", kind: "message", body: "kept", order: 1 };
  const loads: ((entries: readonly OutboxEntry[]) => void)[] = [];
  const outboxStorage: OutboxStorage = {
    load: () => new Promise((resolve) => loads.push(resolve)),
    put: async () => undefined,
    delete: async () => undefined,
  };
  using client = openLibraryClient(server.url, { outboxStorage, autoConnect: false });
  client.disconnect();
  expect(loads).toHaveLength(0);
  client.connect().catch(() => undefined);
  client.disconnect();
  loads[0]?.([entry]);
  await comeAndGo(server, 1);
  expect(client.deliveries.getSnapshot()).toEqual([]);
  await Promise.all([client.connect(), Promise.resolve(loads[1]?.([entry]))]);
  await expect.poll(() => client.deliveries.getSnapshot().map(({ messageId }) => messageId)).toEqual(["m"]);
});

test("[CLIENT-19] a process that disconnects while tries wait for their turn ends by itself", async () => {
  // Entering the room takes the only turn of this minute.
  await using server = await startServer({ settings: { rateLimitPerMinute: 1 } });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  const program = `
    import { SPARQLWebSocketClient } from "@sparql-live/client";
    const client = new SPARQLWebSocketClient(${JSON.stringify(server.ws)});
    const room = await client.joinRoom("lab");
    let refusedCount = 0;
    client.on("error_message", () => ++refusedCount === 2 && setImmediate(() => client.disconnect()));
    const waiting = [room.send("hello"), client.endpoints()];
    const codes = (await Promise.allSettled(waiting)).map(({ reason }) => reason.code);
    console.log(codes.join());
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { timeout: 20_000 });
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  const [code] = await once(child, "close");
  expect(said).toBe("connection_closed,connection_closed\n");
  expect(code).toBe(0);
}, 30_000);
