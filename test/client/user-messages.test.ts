import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { lossOf, openLibraryClient } from "./support.js";

test("[CLIENT-17] what the application sends to a user is told once, acknowledged, and waits while the user is away", async () => {
  await using server = await startServer();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const { controls } = server.server.live;
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
    userId: "ada",
    reconnectInterval: 200,
  });
  const told: string[] = [];
  client.on("notification", ({ message }) => told.push(message));
  await client.connect();
  await controls.sendToUser("ada", "notification", { message: "one" });
  await expect.poll(() => told).toEqual(["one"]);
  const lost = lossOf(client);
  proxy.drop();
  await lost;
  await controls.sendToUser("ada", "notification", { message: "two" });
  await controls.sendToUser("ada", "notification", { message: "three" });
  await expect.poll(() => told).toEqual(["one", "two", "three"]);
  const again = lossOf(client);
  proxy.drop();
  await again;
  await controls.sendToUser("ada", "notification", { message: "four" });
  await expect.poll(() => told).toEqual(["one", "two", "three", "four"]);
  using other = openLibraryClient(server.ws, { userId: "ada" });
  const late: string[] = [];
  other.on("notification", ({ message }) => late.push(message));
  await controls.sendToUser("ada", "notification", { message: "five" });
  await expect.poll(() => late).toEqual(["five"]);
});

test("[CLIENT-17] messages to everybody that were missed are told after a return, each once", async () => {
  await using server = await startServer();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const { controls } = server.server.live;
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, { reconnectInterval: 200 });
  const told: string[] = [];
  client.on("system_message", ({ message }) => told.push(message));
  await client.connect();
  const say = (message: string) => controls.broadcast("system_message", { message, level: "info" });
  await say("one");
  await expect.poll(() => told).toEqual(["one"]);
  const lost = lossOf(client);
  proxy.drop();
  await lost;
  await say("two");
  await say("three");
  await expect.poll(() => client.state.kind).toBe("open");
  await say("four");
  await expect.poll(() => told).toEqual(["one", "two", "three", "four"]);
});

test("[CLIENT-19] a client that disconnects settles everything that waits", async () => {
  await using server = await startServer();
  const client = openLibraryClient(server.ws);
  await client.connect();
  const waiting = [
    client.sendQuery({ sparql: "SELECT * { ?s <urn:test:stuck> ?o }" }),
    client.searchOntology("slow"),
    client.query({ sparql: "SELECT * { ?s <urn:test:stuck> ?o }" }).next(),
    client.joinRoom("nowhere"),
  ];
  client.disconnect();
  for (const promise of waiting) await expect(promise).rejects.toMatchObject({ code: "connection_closed" });
  expect(client.state).toEqual({ kind: "closed", code: 1000, reason: "disconnect" });
  await client.connect();
  expect((await client.sendQuery("all cities")).row_count).toBe(3);
  client.disconnect();
});
