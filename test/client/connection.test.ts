import type { ConnectionState } from "@sparql-live/client";
import { closeReason } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { printFigures } from "../support/figures.js";
import { startScriptedServer, tell } from "./scripted-server.js";
import { openLibraryClient } from "./support.js";
import { switchedSignals } from "./switched-signals.js";

test("[CLIENT-1] in Node 20 it finds `ws` by itself, and takes an implementation that is passed", async () => {
  await using server = await startServer();
  using found = openLibraryClient(server.ws);
  await found.connect({ timeoutMs: 10_000 });
  let opened = 0;
  class Counted extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      opened++;
    }
  }
  using given = openLibraryClient(server.ws, { WebSocket: Counted });
  await given.connect();
  expect(opened).toBe(1);
});

test("[CLIENT-2] it says where it is: idle, connecting, open, reconnecting with the next try, closed with the reason", async () => {
  await using server = await startScriptedServer();
  server.onConnection = (socket, index) => {
    if (index === 0) socket.on("message", () => socket.close(1012, closeReason("going_away", 30)));
  };
  using client = openLibraryClient(server.url, { autoConnect: false });
  expect(client.state).toEqual({ kind: "idle" });
  expect([client.connectionId, client.userId]).toEqual([null, null]);
  const states: ConnectionState[] = [];
  client.on("state", (state) => states.push(state));
  await client.connect();
  expect([client.connectionId, client.userId]).toEqual(["c0", "ada"]);
  client.send("ping", {});
  await expect
    .poll(() => states.map(({ kind }) => kind))
    .toEqual(["connecting", "open", "reconnecting", "connecting", "open"]);
  const [, , lost] = states;
  if (lost?.kind !== "reconnecting") throw new Error("it was lost");
  expect(lost.close).toEqual({ code: 1012, reason: "going_away" });
  expect(lost.attempt).toBe(1);
  expect((lost.nextTryAtMs ?? 0) - Date.now()).toBeLessThan(1_000);
  client.disconnect();
  expect(client.state).toEqual({ kind: "closed", code: 1000, reason: "disconnect" });
});

test("[CLIENT-4] 1,000 clients that lose their server come back spread out, none before the time that it named", {
  timeout: 60_000,
}, async () => {
  await using server = await startScriptedServer();
  const hintMs = 400;
  server.onConnection = (socket, index) => {
    if (index < 1_000) socket.on("message", () => socket.close(1012, closeReason("going_away", hintMs)));
  };
  const clients = Array.from({ length: 1_000 }, () =>
    // One that comes twice to begin with would be closed by nobody.
    openLibraryClient(server.url, { reconnectInterval: undefined, connectTimeout: 60_000 }),
  );
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const lostAtMs = new Map<object, number>();
    const delaysMs: number[] = [];
    for (const client of clients) {
      client.on("state", ({ kind }) => {
        if (kind === "reconnecting") lostAtMs.set(client, performance.now());
        if (kind === "connecting") delaysMs.push(performance.now() - (lostAtMs.get(client) ?? 0));
      });
      client.send("ping", {});
    }
    await expect.poll(() => delaysMs.length, { timeout: 20_000 }).toBe(1_000);
    expect(Math.min(...delaysMs)).toBeGreaterThanOrEqual(hintMs - 2);
    const slots = new Map<string, number>();
    for (const delayMs of delaysMs.toSorted((a, b) => a - b)) {
      const slot = `+${Math.floor((delayMs - hintMs) / 20) * 20}`;
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
    }
    printFigures("returns after the hint, by 20 ms", Object.fromEntries(slots));
    expect(slots.size).toBeGreaterThan(3);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

test("[CLIENT-5] after a close that forbids it, it does not come back, and whatever waits is told", async () => {
  for (const [code, reason] of [
    [4403, "disconnected"],
    [4409, "session_replaced"],
    [1008, "too_many_bad_messages"],
    [4500, ""],
  ] as const) {
    await using server = await startScriptedServer();
    server.onConnection = (socket) =>
      socket.on("message", () => socket.close(code, reason === "" ? "" : closeReason(reason)));
    using client = openLibraryClient(server.url);
    await client.connect();
    const waiting = client.sendQuery("all cities");
    await expect(waiting).rejects.toMatchObject({ code: "connection_closed", details: { detail: reason } });
    expect(client.state).toEqual({ kind: "closed", code, reason });
    for (const late of [
      client.searchOntology("x"),
      client.sendQuery("x"),
      client.joinRoom("lab"),
      client.query("x").next(),
    ]) {
      await expect(late).rejects.toMatchObject({ code: "connection_closed" });
    }
    expect(server.cameAtMs).toHaveLength(1);
  }
});

test("[CLIENT-3] it gives up after as many tries as it was told, and when it was told not to come back", async () => {
  await using server = await startScriptedServer();
  using once = openLibraryClient(server.url, { reconnect: false });
  using thrice = openLibraryClient(server.url, { reconnectAttempts: 3 });
  await Promise.all([once.connect(), thrice.connect()]);
  const attempts: number[] = [];
  thrice.on("state", (state) => {
    if (state.kind === "connecting") attempts.push(state.attempt);
  });
  await server.close();
  await expect.poll(() => [once.state.kind, thrice.state.kind]).toEqual(["closed", "closed"]);
  expect(attempts).toEqual([1, 2, 3]);
  await expect(thrice.connect()).rejects.toMatchObject({ code: "connection_closed" });
});

test("[CLIENT-7] while the machine is offline nothing is tried; online again it tries at once", async () => {
  await using server = await startScriptedServer();
  const signals = switchedSignals();
  using client = openLibraryClient(server.url, { signals, reconnectInterval: 600_000 });
  await client.connect();
  signals.say("offline");
  const lost = new Promise((resolve) =>
    client.on("state", ({ kind }) => kind === "reconnecting" && resolve(kind)),
  );
  server.dropAll();
  await lost;
  expect(client.state).toMatchObject({ kind: "reconnecting", nextTryAtMs: null });
  signals.say("back");
  await expect.poll(() => client.state.kind).toBe("open");
});

test("[CLIENT-7] a page that is looked at again does not wait for the next try, unless the server asked it to", async () => {
  await using server = await startScriptedServer();
  const signals = switchedSignals();
  using client = openLibraryClient(server.url, { signals, reconnectInterval: 600_000 });
  await client.connect();
  server.dropAll();
  await expect.poll(() => client.state.kind).toBe("reconnecting");
  signals.say("back");
  await expect.poll(() => client.state.kind).toBe("open");
  server.dropAll(1013, closeReason("going_away", 600_000));
  await expect.poll(() => client.state.kind).toBe("reconnecting");
  signals.say("back");
  expect(client.state.kind).toBe("reconnecting");
});

test("[CLIENT-8] it answers heartbeats and pings, and asks by itself when nothing comes", async () => {
  await using server = await startScriptedServer();
  server.onConnection = (socket) => {
    tell(socket, "heartbeat", { timestamp: 1 });
    tell(socket, "ping", {});
    socket.on("message", () => tell(socket, "pong", {}));
  };
  using client = openLibraryClient(server.url, { heartbeatInterval: 50, heartbeatTimeout: 30_000 });
  await client.connect();
  await expect
    .poll(() => server.said.map(({ type }) => type).filter((type) => type === "ping").length)
    .toBeGreaterThan(2);
  expect(server.said.filter(({ type }) => type === "pong")).toHaveLength(2);
  expect(server.cameAtMs).toHaveLength(1);
});

test("[CLIENT-8] a server that takes the connection and says nothing is given up for another try", async () => {
  await using server = await startScriptedServer();
  server.greets = false;
  using client = openLibraryClient(server.url, { connectTimeout: 50 });
  await expect.poll(() => server.cameAtMs.length).toBeGreaterThan(1);
  expect(client.state.kind).not.toBe("open");
  server.greets = true;
  await client.connect();
});

test("[CLIENT-8] times that are longer than timers count are not over at once", async () => {
  await using server = await startScriptedServer();
  const heartbeatInterval = Number.POSITIVE_INFINITY;
  using client = openLibraryClient(server.url, { heartbeatInterval, connectTimeout: heartbeatInterval });
  await client.connect({ timeoutMs: heartbeatInterval });
  const asked = client.searchOntology("city", { timeoutMs: 2 ** 31 });
  const searched = () => server.said.some(({ type }) => type === "ontology_search");
  await expect.poll(searched).toBe(true);
  client.disconnect();
  await expect(asked).rejects.toMatchObject({ code: "connection_closed" });
  expect(server.said.map(({ type }) => type)).not.toContain("ping");
});

test("[CLIENT-18] a message that is larger than the server takes is refused here, and the connection lives", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  await client.connect();
  const large = "ü".repeat(100_000);
  await expect(client.sendQuery({ sparql: large })).rejects.toMatchObject({ code: "message_too_large" });
  expect(() => client.send("ontology_search", { query: large })).toThrow("at most 131072 bytes");
  expect((await client.searchOntology("city")).suggestions).toHaveLength(1);
});

test("[CLIENT-18] a frame that is no message ends the connection for another try", async () => {
  await using server = await startScriptedServer();
  server.onConnection = (socket, index) => {
    if (index === 0) socket.send("no JSON");
  };
  using client = openLibraryClient(server.url);
  await expect.poll(() => server.cameAtMs.length).toBe(2);
  await expect.poll(() => client.state.kind).toBe("open");
});

test("[CLIENT-4] a server that is about to end is said to be draining: what is asked then waits for the next", async () => {
  await using server = await startScriptedServer();
  const payload = { retry_after_ms: 300, closes_in_ms: 1_000 };
  let first: WebSocket | undefined;
  server.onConnection = (socket, index) => {
    if (index > 0) return;
    first = socket;
    socket.send(JSON.stringify({ type: "server_draining", message_id: "d", timestamp: 0, payload }));
  };
  using client = openLibraryClient(server.url);
  const told = new Promise((resolve) => client.on("server_draining", resolve));
  expect(await told).toEqual(payload);
  expect(client.state).toMatchObject({ kind: "draining", retryAfterMs: 300 });
  const asked = client.sendQuery("all cities");
  const lost = new Promise<number>((resolve) => {
    client.on("state", ({ kind }) => kind === "reconnecting" && resolve(performance.now()));
  });
  first?.close(1012);
  const lostAtMs = await lost;
  await expect.poll(() => server.said.filter(({ type }) => type === "query_request").length).toBe(1);
  expect((server.cameAtMs[1] ?? 0) - lostAtMs).toBeGreaterThanOrEqual(298);
  client.disconnect();
  await expect(asked).rejects.toMatchObject({ code: "connection_closed" });
});

test("[CLIENT-5] an address that is none is refused at once, one that cannot be used ends it", async () => {
  expect(() => openLibraryClient("ftp://127.0.0.1/")).toThrow(TypeError);
  expect(() => openLibraryClient("not an address")).toThrow(TypeError);
  class Refusing extends WebSocket {
    constructor() {
      super("no address");
    }
  }
  using client = openLibraryClient("http://127.0.0.1:1/", { WebSocket: Refusing });
  await expect(client.connect()).rejects.toMatchObject({ details: { detail: "address_refused" } });
});
