import { type ClientOptions, SPARQLWebSocketClient } from "@sparql-live/client";
import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { startScriptedServer, tell } from "./scripted-server.js";
import { openLibraryClient } from "./support.js";

/** What comes from JavaScript, or from a form, may be anything. */
const anything = <T>(value: unknown) => value as T;

test.each<[string, unknown]>([
  ["connectTimeout", 0],
  ["heartbeatInterval", -1],
  ["heartbeatTimeout", Number.NaN],
  ["reconnectInterval", -1],
  ["reconnectDecay", "fast"],
  ["reconnectAttempts", -1],
  ["userId", ""],
  ["userId", null],
  ["userId", "u".repeat(129)],
  ["token", ""],
  ["token", 7],
  ["userName", 5],
  ["outboxStorage", {}],
  ["codec", "msgpack"],
  ["WebSocket", {}],
])("[CLIENT-30] an option that it cannot be is refused at once: %s %j", (name, value) => {
  const options = anything<ClientOptions>({ autoConnect: false, [name]: value });
  const make = () => new SPARQLWebSocketClient("ws://127.0.0.1:9/api/ws/query", options);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`\`${name}\` has to be`);
});

test("[CLIENT-30] options at their limits are taken, and an address may be a URL", async () => {
  await using server = await startServer();
  using client = openLibraryClient(anything<string>(new URL(server.ws)), {
    ...{ connectTimeout: 1e9, heartbeatInterval: 1e9, heartbeatTimeout: 1 },
    ...{ reconnectInterval: 0, reconnectDecay: 0, reconnectAttempts: 0, userId: "u".repeat(128) },
  });
  await client.connect();
  expect(client.userId).toBe("u".repeat(128));
});

test("[CLIENT-30] what is asked with a signal that is none, or none of what is needed, is refused before it is sent", async () => {
  await using server = await startScriptedServer();
  using client = openLibraryClient(server.url);
  await client.connect();
  const wrong = { signal: anything<AbortSignal>(new AbortController()) };
  const refused = { code: "bad_request", message: "`signal` is no AbortSignal." };
  await expect(client.sendQuery("all cities", wrong)).rejects.toMatchObject(refused);
  await expect(client.query("all cities", wrong).next()).rejects.toMatchObject(refused);
  await expect(client.attachQuery("q", wrong)).rejects.toMatchObject(refused);
  await expect(client.searchOntology("city", wrong)).rejects.toMatchObject(refused);
  await expect(client.endpoints(undefined, wrong)).rejects.toMatchObject(refused);
  await expect(client.joinRoom("lab", wrong)).rejects.toMatchObject(refused);
  await client.loadRooms();
  await expect(client.joinRoom("lab", wrong)).rejects.toMatchObject(refused);
  await expect(client.connect(wrong)).rejects.toMatchObject(refused);
  for (const bufferRows of [0, -1, Number.NaN]) {
    const rows = client.query("all cities", { bufferRows });
    await expect(rows.next()).rejects.toMatchObject({ code: "bad_request" });
  }
  for (const text of [undefined, null, 7, {}, { sparql: 7 }]) {
    expect(() => client.sendQuery(anything<string>(text))).toThrow("Ask a question");
    expect(() => client.query(anything<string>(text))).toThrow("Ask a question");
  }
  expect(() => client.on("state", anything<() => void>(undefined))).toThrow(
    "A listener has to be a function.",
  );
  expect(server.said).toEqual([]);
});

test("[CLIENT-9] a provider of tokens that gives none is told, and asked again", async () => {
  await using server = await startScriptedServer();
  server.greets = false;
  server.onConnection = (socket) => {
    const none = { connection_id: "c", user_id: null, server_time: new Date().toISOString() };
    tell(socket, "connection_ack", { ...GREETING, ...none });
  };
  let askedCount = 0;
  using client = openLibraryClient(server.url, {
    token: () => anything<string>([undefined, null, 7, ""][askedCount++ % 4]),
  });
  const codes: unknown[] = [];
  client.on("fault", (error) => codes.push(anything<{ code: string }>(error).code));
  await expect.poll(() => askedCount).toBeGreaterThan(4);
  expect(new Set(codes)).toEqual(new Set(["no_token"]));
  expect(server.said).toEqual([]);
});

const GREETING = {
  heartbeat_interval: 30,
  protocol: "sparql-live.v1.json" as const,
  session: { resume_token: "t", resume_window: 120, broadcast: { epoch: "e", seq: 0 } },
  limits: {
    ...{ max_message_bytes: 131_072, max_rows: 10_000, max_timeout: 120, max_credit: 1_000_000 },
    ...{ max_rooms: 100, rate_per_minute: 60 },
  },
  features: [],
};

test("[CLIENT-28] a listener that listens always and once hears both, and stops with each", async () => {
  await using server = await startScriptedServer();
  using client = openLibraryClient(server.url, { autoConnect: false });
  const heard: string[] = [];
  const listener = ({ kind }: { readonly kind: string }) => heard.push(kind);
  client.on("state", listener);
  client.once("state", listener);
  const stop = client.on("state", listener);
  stop();
  await client.connect();
  expect(heard).toEqual(["connecting", "connecting", "open"]);
  client.off("state", listener);
  client.disconnect();
  expect(heard).toHaveLength(3);
});

test("[CLIENT-5] who is not let in hears what the platform says of it", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws.replace("/query", "/nothing"), { reconnectAttempts: 0 });
  await expect(client.connect()).rejects.toMatchObject({
    code: "connection_closed",
    message: expect.stringContaining("404"),
    cause: expect.any(Error),
  });
});

test("[CLIENT-20] a query that a server ends with itself may be asked again", async () => {
  await using server = await startScriptedServer();
  server.onConnection = (socket) =>
    socket.on("message", (data) => {
      const { type, message_id: id } = JSON.parse(String(data));
      if (type === "query_request") tell(socket, "error_message", { ...SHUTDOWN, query_id: id }, id);
    });
  using client = openLibraryClient(server.url);
  await expect(client.sendQuery("all cities")).rejects.toMatchObject({
    code: "query_cancelled",
    retry: true,
  });
});

const SHUTDOWN = {
  error: "The server is shutting down.",
  error_type: "QueryCancelled",
  code: "query_cancelled",
  detail: "shutdown",
} as const;
