import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { pino } from "pino";
import { expect, test } from "vitest";
import { sparqlLive } from "../http/plugin.js";
import type { Live } from "../live.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";

test("[ERR-6] a handler that throws is answered with internal_error and disturbs neither the others nor the connection", async () => {
  const app = Fastify();
  const lives: Live[] = [];
  await app.register(sparqlLive, {
    engine: createMemoryEngine(""),
    log: pino({ level: "silent" }),
    onLive: (live) => lives.push(live),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const [live] = lives;
  let seenCount = 0;
  live?.dispatcher.on("ping", () => {
    throw new TypeError("the words of a fault");
  });
  const stop = live?.dispatcher.on("ping", () => {
    seenCount++;
  });

  await using client = await openClient(`ws://127.0.0.1:${port}/api/ws/query`);
  client.send("ping", {}, { message_id: "m" });
  const { payload, correlation_id } = await client.next("error_message");
  expect([payload.code, correlation_id, seenCount]).toEqual(["internal_error", "m", 1]);
  expect(payload.error).not.toContain("the words of a fault");
  expect(client.log.some(({ type }) => type === "pong")).toBe(true);
  expect(live?.counters.errors).toBe(1);
  stop?.();
  client.send("ping");
  await client.next("error_message");
  expect(seenCount).toBe(1);
  await app.close();
});

test("[TERM-1] ontology_search is answered with ontology_suggestion, the query and the position handed back", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  client.send("ontology_search", { query: "cit", position: { line: 3 } }, { message_id: "m" });
  const { payload, correlation_id } = await client.next("ontology_suggestion");
  expect(correlation_id).toBe("m");
  expect(payload).toMatchObject({
    query_text: "cit",
    position: { line: 3 },
    suggestions: [{ label: "cit" }],
  });
});

test("[TERM-2] a newer search overtakes an older one, which is answered empty and superseded", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  await using other = await openClient(server.ws);
  client.send("ontology_search", { query: "slow" }, { message_id: "old" });
  other.send("ontology_search", { query: "city" }, { message_id: "other" });
  await other.next("ontology_suggestion");
  client.send("ontology_search", { query: "city" }, { message_id: "new" });
  const answers = [await client.next("ontology_suggestion"), await client.next("ontology_suggestion")];
  const byId = new Map(answers.map(({ correlation_id, payload }) => [correlation_id, payload]));
  expect(byId.get("old")).toEqual({ query_text: "slow", suggestions: [], superseded: true });
  expect(byId.get("new")?.suggestions).toHaveLength(1);
});

test("[ENDPOINT-1] endpoint_status lists the endpoints with their health, or one of them", async () => {
  await using server = await startServer();
  await using client = await openClient(server.ws);
  for (const payload of [{}, { endpoint_id: "local" }]) {
    client.send("endpoint_status", payload);
    expect((await client.next("endpoint_status")).payload.endpoints).toMatchObject([
      { endpoint_id: "local", kind: "embedded", health: { state: "healthy", latency_ms: 1 } },
    ]);
  }
  client.send("endpoint_status", { endpoint_id: "nope" });
  expect((await client.next("error_message")).payload.code).toBe("endpoint_not_found");
});

test("[ENDPOINT-2] a change of health is pushed to everybody, the latest of an endpoint at least", async () => {
  await using server = await startServer();
  await using one = await openClient(server.ws);
  await using other = await openClient(server.ws);
  for (const state of ["degraded", "unreachable"] as const) {
    server.engine.setHealth({ state, latencyMs: null, checkedAt: null, consecutiveFailures: 1 });
  }
  for (const client of [one, other]) {
    const { payload } = await client.next("endpoint_health");
    expect(payload).toMatchObject({ endpoint_id: "local", state: "unreachable" });
  }
});
