import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { type StartedCommand, startCommand } from "../testing/start-command.js";
import { openClient } from "../testing/test-client.js";

/** Cannot end within any test. */
const ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o }";

async function runEndless(server: StartedCommand) {
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 30_000 }).toBe(200);
  const client = await openClient(server.ws);
  client.send("query_request", { sparql: ENDLESS }, { message_id: "q" });
  for (let stage = ""; stage !== "executing"; )
    stage = (await client.next("query_progress", "q")).payload.stage;
  return client;
}

test.each(["SIGTERM", "SIGINT"] as const)("[DRAIN-6] an idle server ends with 0 on %s", async (signal) => {
  await using server = await startCommand();
  server.child.kill(signal);
  expect(await server.exited).toEqual([0, null]);
});

test("[DRAIN-6] SIGTERM ends a server with a query that does not end, with 0", async () => {
  await using server = await startCommand("--drain-queries-ms", "100");
  await using client = await runEndless(server);
  server.child.kill("SIGTERM");
  await client.next("server_draining");
  expect((await client.next("query_cancelled", "q")).payload.reason).toBe("shutdown");
  expect((await client.closed).code).toBe(1012);
  expect(await server.exited).toEqual([0, null]);
});

test("[DRAIN-6] SIGINT does not wait for what SIGTERM would wait for", async () => {
  await using server = await startCommand("--drain-grace-ms", "10000", "--drain-queries-ms", "17000");
  await using client = await runEndless(server);
  server.child.kill("SIGINT");
  expect((await client.next("server_draining")).payload.closes_in_ms).toBe(500);
  expect(await server.exited).toEqual([0, null]);
});

test("[DRAIN-6] a second signal ends the process at once, not with 0", async () => {
  await using server = await startCommand("--drain-queries-ms", "17000");
  await using client = await runEndless(server);
  server.child.kill("SIGTERM");
  await client.next("server_draining");
  server.child.kill("SIGTERM");
  expect(await server.exited).toEqual([130, null]);
});

test("[DRAIN-6] neither a peer that answers no close nor a request that is sent drop by drop holds up the end", async () => {
  await using server = await startCommand();
  await using client = await openClient(server.ws);
  await client.next("connection_ack");
  client.socket.pause();
  const slow = connect(Number(new URL(server.url).port), "127.0.0.1");
  slow.on("error", () => undefined);
  slow.write(
    "POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 100\r\n\r\nS",
  );
  await once(slow, "connect");
  server.child.kill("SIGTERM");
  expect(await server.exited).toEqual([0, null]);
  slow.destroy();
});
