import type { EndpointHealth } from "@sparql-live/engine";
import { MetricsSnapshot } from "@sparql-live/protocol/admin";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { metricsOf } from "../metrics/snapshot.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";

const snapshots = Compile(MetricsSnapshot);

async function numbers(server: TestServer): Promise<MetricsSnapshot> {
  const body: unknown = await (await fetch(`${server.url}/api/ws/metrics`)).json();
  if (!snapshots.Check(body)) throw new Error(JSON.stringify(snapshots.Errors(body)));
  return body;
}

/** Every sample, by its name and labels as they stand in the text. */
async function samples(server: TestServer): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))] as const;
      }),
  );
}

function open(server: TestServer, user: string, path = "/api/ws/query") {
  return openClient(`${server.url.replace("http", "ws")}${path}?user_id=${user}`);
}

const NOTHING = {
  total_connections: 0,
  active_connections: 0,
  total_messages_sent: 0,
  total_messages_received: 0,
  total_rooms_created: 0,
  active_rooms: 0,
  disconnections: 0,
  errors: 0,
  rate_limit_violations: 0,
  queued_messages: 0,
  connections_by_state: { connecting: 0, connected: 0, authenticated: 0, disconnecting: 0, disconnected: 0 },
  broadcasts: 0,
  deliveries: 0,
  members: 0,
  rooms_in_memory: 0,
  queued_bytes: 0,
  max_queued_bytes: 0,
  queued_messages_dropped: 0,
  queries_in_progress: 0,
  queries_shed: 0,
  overloaded: false,
  closes_by_code: {},
  disconnects_by_reason: {},
  recoveries: { resumed: 0, rejoined: 0, refused: 0 },
  rooms_recovered: 0,
  rooms_not_recovered: 0,
  connections_by_variant: {},
};

test("[HTTP-20] a server that did nothing says so, in every number", async () => {
  await using server = await startServer();
  const { uptime_seconds: uptime, ...rest } = await numbers(server);
  expect(rest).toEqual(NOTHING);
  expect(uptime).toBeGreaterThan(0);
  expect((await numbers(server)).uptime_seconds).toBeGreaterThan(uptime);
});

test("[HTTP-20] connections, rooms and messages are counted", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 3 } });
  await using ada = await open(server, "ada", "/api/ws/room/lab");
  await ada.next("join_room");
  await using bob = await open(server, "bob", "/api/ws/room/lab");
  await bob.next("join_room");
  await using guest = await openClient(server.ws);
  await guest.next("connection_ack");
  for (let index = 0; index < 4; index++) ada.send("room_message", { room_id: "lab", message: index });
  for (let index = 0; index < 3; index++) await bob.next("room_message");
  expect((await ada.next("error_message")).payload.code).toBe("rate_limited");
  expect(await numbers(server)).toMatchObject({
    total_connections: 3,
    active_connections: 3,
    connections_by_state: { authenticated: 2, connected: 1 },
    total_messages_received: 4,
    total_rooms_created: 1,
    active_rooms: 1,
    rooms_in_memory: 1,
    members: 2,
    rate_limit_violations: 1,
    errors: 0,
    queued_bytes: 0,
    // The messages, and that Bob came; when Ada came nobody was there.
    broadcasts: 4,
  });
  const { total_messages_sent: sent, deliveries } = await numbers(server);
  // What the clients have got; Ada was told that Bob came, and Bob of three messages.
  expect(sent).toBe(ada.log.length + bob.log.length + guest.log.length);
  expect(deliveries).toBe(4);
});

test("[HTTP-20] closes are counted by code, and codes of a peer's own invention are one", async () => {
  await using server = await startServer();
  for (const code of [1000, 3000, 4999, undefined]) {
    const client = await open(server, "ada");
    await client.next("connection_ack");
    if (code === undefined) client.socket.terminate();
    else client.socket.close(code);
    await client.closed;
  }
  await expect
    .poll(async () => (await numbers(server)).closes_by_code)
    .toEqual({ "1000": 1, "1006": 1, other: 2 });
  expect(await numbers(server)).toMatchObject({
    disconnections: 4,
    active_connections: 0,
    // A close with 1000 is a farewell; the others may come back.
    connections_by_state: { disconnected: 3 },
  });
  expect((await samples(server)).get('sparql_live_connections_closed_total{code="other"}')).toBe(2);
});

test("[HTTP-20] what waits, what was refused and what came back is counted", async () => {
  await using server = await startServer({ settings: { maxConnectionsPerUser: 1 } });
  const { live } = server.server;
  await live.mailboxes.send("bob", "notification", { message: "hello" });
  const ada = await open(server, "ada", "/api/ws/room/lab");
  const { session } = (await ada.next("connection_ack")).payload;
  const { epoch, seq } = (await ada.next("join_room")).payload;
  await expect(open(server, "ada")).rejects.toThrow("429");
  ada.socket.terminate();
  await ada.closed;
  await expect.poll(() => live.hub.size).toBe(0);
  await using back = await open(server, "ada");
  back.send("resume", {
    resume_token: session.resume_token,
    positions: { rooms: { lab: { epoch, seq } } },
  });
  await back.next("resumed");
  expect(await numbers(server)).toMatchObject({
    queued_messages: 1,
    disconnects_by_reason: { too_many_connections: 1 },
    recoveries: { resumed: 1, rejoined: 0, refused: 0 },
    rooms_recovered: 1,
    rooms_not_recovered: 0,
  });
});

test("[HTTP-20] queries in progress and faults are counted", async () => {
  await using server = await startServer();
  await using ada = await open(server, "ada");
  ada.send("query_request", { sparql: "SELECT ?s { ?s ?p <urn:test:broken> }" }, { message_id: "broken" });
  await ada.run("broken");
  ada.send("query_request", { sparql: "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }" });
  await expect.poll(async () => (await numbers(server)).queries_in_progress).toBe(1);
  expect((await numbers(server)).errors).toBe(1);
  expect((await samples(server)).get("sparql_live_queries_in_progress")).toBe(1);
});

test("[HTTP-20] the bytes that wait for a reader that does not read are told, in all and of the worst", async () => {
  await using server = await startServer();
  await using ada = await open(server, "ada");
  await ada.next("connection_ack");
  await using bob = await open(server, "bob");
  await bob.next("connection_ack");
  const [one, other] = [...server.server.live.hub.all()];
  const payload = { message: "x".repeat(1_000), level: "info" } as const;
  // Within one turn of the event loop nothing is written.
  one?.send("system_message", payload);
  other?.send("system_message", payload);
  other?.send("system_message", payload);
  const { queued_bytes: all, max_queued_bytes: worst } = metricsOf(server.server.live);
  expect(worst).toBeGreaterThan(2_000);
  expect(all).toBeGreaterThan(worst + 1_000);
  await bob.next("system_message");
  await expect.poll(async () => (await numbers(server)).queued_bytes).toBe(0);
});

test("[HTTP-21] /metrics tells the same numbers in the text format of Prometheus", async () => {
  await using server = await startServer();
  await using ada = await open(server, "ada", "/api/ws/room/lab");
  await ada.next("join_room");
  const response = await fetch(`${server.url}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const found = await samples(server);
  const { total_messages_sent: sent } = await numbers(server);
  expect(Object.fromEntries(found)).toMatchObject({
    sparql_live_connections_opened_total: 1,
    'sparql_live_connections{state="authenticated"}': 1,
    sparql_live_messages_sent_total: sent,
    sparql_live_rooms_active: 1,
    sparql_live_rooms_created_total: 1,
    sparql_live_room_members: 1,
    'sparql_live_recoveries_total{outcome="resumed"}': 0,
    'sparql_live_rooms_recovered_total{outcome="gap"}': 0,
    sparql_live_outbox_bytes: 0,
    sparql_live_outbox_max_bytes: 0,
    'sparql_live_endpoint_state{endpoint="local",state="healthy"}': 1,
    'sparql_live_endpoint_state{endpoint="local",state="unreachable"}': 0,
  });
  for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes"]) {
    expect(found.get(name)).toBeGreaterThan(0);
  }
  expect(found.get("process_start_time_seconds")).toBeGreaterThan(1e9);
});

test("[HTTP-21] every name is in base units and says so, and every family has its help and its type", async () => {
  await using server = await startServer();
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(types.length).toBeGreaterThan(25);
  for (const [, name = "", type] of types) {
    expect(name).toMatch(/^(sparql_live|process|nodejs)_[a-z_]+$/);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent)$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z1].*\\.$`, "m"));
  }
});

test("[HTTP-21] the time to hand messages to a room, the event loop and endpoints are measured", async () => {
  await using server = await startServer();
  const health: EndpointHealth = {
    state: "degraded",
    latencyMs: 250,
    checkedAt: new Date().toISOString(),
    consecutiveFailures: 1,
  };
  server.engine.setHealth(health);
  const before = await samples(server);
  // The watch begins with the first look.
  expect(before.has('sparql_live_event_loop_delay_seconds{quantile="0.99"}')).toBe(false);
  await using ada = await open(server, "ada", "/api/ws/room/lab");
  await ada.next("join_room");
  await using bob = await open(server, "bob", "/api/ws/room/lab");
  await ada.next("user_joined");
  await bob.next("join_room");
  const found = await samples(server);
  const count = found.get("sparql_live_fan_out_duration_seconds_count") ?? 0;
  expect(count).toBeGreaterThan(before.get("sparql_live_fan_out_duration_seconds_count") ?? 0);
  expect(found.get('sparql_live_fan_out_duration_seconds_bucket{le="+Inf"}')).toBe(count);
  for (const quantile of ["0.5", "0.9", "0.99", "1"]) {
    const delay = found.get(`sparql_live_event_loop_delay_seconds{quantile="${quantile}"}`);
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThan(60);
  }
  expect(found.get('sparql_live_endpoint_state{endpoint="local",state="degraded"}')).toBe(1);
  expect(found.get('sparql_live_endpoint_state{endpoint="local",state="healthy"}')).toBe(0);
  expect(found.get('sparql_live_endpoint_latency_seconds{endpoint="local"}')).toBe(0.25);
});

test("[HTTP-21] no sample is labelled by a user, a room, an address or a text", async () => {
  await using server = await startServer();
  await using ada = await open(server, "ada-of-the-labels", "/api/ws/room/room-of-the-labels");
  await ada.next("join_room");
  ada.send("query_request", { sparql: "SELECT ?label { ?s ?p ?label }" }, { message_id: "q" });
  await ada.run("q");
  // The delays of the event loop are told from the second look on.
  await samples(server);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).not.toMatch(/of-the-labels|SELECT|127\.0\.0\.1/);
  const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
  expect([...labels].sort()).toEqual(["endpoint", "le", "outcome", "quantile", "state", "version"]);
});

test("[HTTP-21] two servers in one process count each for itself", async () => {
  await using one = await startServer();
  await using other = await startServer();
  await using ada = await open(one, "ada");
  await ada.next("connection_ack");
  expect((await samples(one)).get("sparql_live_connections_opened_total")).toBe(1);
  expect((await samples(other)).get("sparql_live_connections_opened_total")).toBe(0);
});
