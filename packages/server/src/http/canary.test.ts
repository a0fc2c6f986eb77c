import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createLog } from "../log.js";
import { readSettings } from "../settings/read.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { CITIES } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { createServer } from "./server.js";

const CANARY = "canary-7f3a91c5d2";
const ADMIN_KEY = `${CANARY}-${"k".repeat(32)}`;
const BROKEN = `SELECT ?s { GRAPH <urn:test:broken> { ?s ?p "${CANARY}" } }`;

async function start(logQueries = false) {
  const logged: string[] = [];
  const log = createLog("trace", { write: (line: string) => void logged.push(line) });
  const settings = { ...readSettings(), port: 0, adminKey: ADMIN_KEY, logQueries };
  const server = await createServer(settings, { engine: createMemoryEngine(CITIES), log });
  const url = await server.listen();
  return { server, log, logged, url, ws: `${url.replace("http", "ws")}/api/ws/query`, close: server.close };
}

test("[LOG-1] a secret that is sent, in whatever way, is in no line of the log, no metric and no problem", async () => {
  const { server, logged, url, ws } = await start();
  const problems: string[] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${path}`, init);
    const text = await answer.text();
    if (!answer.ok) problems.push(text);
    return answer.status;
  };
  const bearer = { authorization: `Bearer ${CANARY}`, cookie: `session=${CANARY}` };
  expect(await ask("/api/ws/connections", { headers: bearer })).toBe(404);
  expect(await ask("/api/ws/connections", { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).toBe(200);
  expect(await ask(`/nowhere?api_key=${CANARY}&token=${CANARY}`, { headers: bearer })).toBe(404);
  expect(await ask(`/sparql?query=${encodeURIComponent(BROKEN)}&api_key=${CANARY}`)).toBe(500);
  expect(await ask(`/text2sparql?dataset=nowhere&question=${CANARY}`)).toBe(404);
  const json = { "content-type": "application/json" };
  expect(await ask("/api/ws/rooms", { method: "POST", headers: json, body: `{"name": ${CANARY}` })).toBe(400);
  const wrong = JSON.stringify({ room_id: 1, metadata: CANARY });
  expect(await ask("/api/ws/rooms", { method: "POST", headers: json, body: wrong })).toBe(400);

  const [, refused] = await once(
    new WebSocket(`${ws}?api_key=${CANARY}`, [`sparql-live.key.${CANARY}`], { headers: bearer }),
    "unexpected-response",
  );
  problems.push(String((await refused.toArray()).join("")));
  await using client = await openClient(`${ws}?user_id=ada&user_name=${CANARY}&token=${CANARY}`, {
    headers: bearer,
  });
  await client.next("connection_ack");
  client.send("resume", { resume_token: CANARY });
  await client.next("resumed");
  client.send("ping", { token: CANARY }, { token: CANARY });
  client.send("room_message", { room_id: 1, message: CANARY });
  await client.next("validation_error");
  client.send("query_request", { sparql: BROKEN }, { message_id: "q" });
  await client.run("q");
  client.sendRaw(`{"token": "${CANARY}`);
  await client.next("validation_error");
  const errors = client.log.filter(({ type }) => type === "error_message" || type === "validation_error");
  const metrics = [
    await (await fetch(`${url}/metrics`)).text(),
    await (await fetch(`${url}/api/ws/metrics`)).text(),
  ];
  await server.close();

  expect(problems.length).toBeGreaterThan(5);
  expect(errors).toHaveLength(3);
  expect(logged.length).toBeGreaterThan(10);
  for (const told of [...problems, JSON.stringify(errors), ...metrics, ...logged])
    expect(told).not.toContain(CANARY);
});

test("[LOG-2] texts of queries are logged where the setting asks for it, and only there", async () => {
  for (const logQueries of [true, false]) {
    const { server, logged, url, ws } = await start(logQueries);
    await using client = await openClient(ws);
    client.send("query_request", { natural_language: "all cities" }, { message_id: "q" });
    await client.run("q");
    await (await fetch(`${url}/sparql?query=${encodeURIComponent("ASK { ?s ?p ?o }")}`)).text();
    await server.close();
    const texts = logged.map((line) => JSON.parse(line).text).filter((text) => text !== undefined);
    expect(texts).toEqual(logQueries ? ["all cities", "ASK { ?s ?p ?o }"] : []);
  }
});

test("[LOG-3] each line is one JSON object without control characters, and a request can be found by its id", async () => {
  const { server, log, logged, url } = await start();
  log.info({ name: "a\nb\u001b[31m\u007f\u009b\u2028" }, "odd\r\nname");
  const answer = await fetch(`${url}/api/ws/rooms`);
  await server.close();
  const odd = logged.find((line) => line.includes("odd"));
  expect(odd?.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  expect(JSON.parse(odd ?? "")).toMatchObject({
    level: 30,
    msg: "odd\r\nname",
    name: "a\nb\u001b[31m\u007f\u009b\u2028",
  });
  const lines = logged.map((line) => JSON.parse(line));
  expect(lines.find(({ request_id: id }) => id === answer.headers.get("x-request-id"))).toMatchObject({
    level: 20,
    method: "GET",
    route: "/api/ws/rooms",
    status: 200,
  });
});

test("[LOG-1] what errors and objects bring along is taken out", () => {
  const logged: string[] = [];
  const log = createLog("info", { write: (line: string) => void logged.push(line) });
  const error = new Error(`GET https://example.org/x?token=${CANARY}&a=1 with Bearer ${CANARY} failed`);
  const headers = { authorization: CANARY, cookie: CANARY, "sec-websocket-protocol": CANARY };
  log.error({ err: error, headers, request: { headers }, resume_token: CANARY }, `?api_key=${CANARY}`);
  expect(logged).toHaveLength(1);
  expect(logged[0]).not.toContain(CANARY);
  expect(JSON.parse(logged[0] ?? "").err.message).toBe(
    "GET https://example.org/x?token=[redacted]&a=1 with Bearer [redacted] failed",
  );
});
