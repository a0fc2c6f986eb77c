import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { EngineFailure } from "@sparql-live/engine";
import Fastify from "fastify";
import { Parser } from "n3";
import { pino } from "pino";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { CITIES, manyTriples, startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { sparqlLive } from "./plugin.js";

const SELECT = "SELECT ?s ?name { ?s <http://example.org/name> ?name } ORDER BY ?name";
const CONSTRUCT = "CONSTRUCT { ?s <http://example.org/called> ?name } { ?s <http://example.org/name> ?name }";
const ASK = "ASK { ?s ?p ?o }";
const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

const sparql = (url: string, query: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/sparql?query=${encodeURIComponent(query)}`, { headers });

const form = (body: string) => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body,
});

test("[HTTP-1] all three forms of a request get the same answer", async () => {
  await using server = await startServer();
  const answers = await Promise.all([
    sparql(server.url, SELECT),
    fetch(`${server.url}/sparql`, form(`query=${encodeURIComponent(SELECT)}&endpoint=local`)),
    fetch(`${server.url}/sparql?endpoint=local`, {
      method: "POST",
      headers: { "content-type": "application/sparql-query; charset=utf-8" },
      body: SELECT,
    }),
  ]);
  const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as {
    head: { vars: string[] };
    results: { bindings: { name: { value: string } }[] };
  }[];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(bodies[0]?.head.vars).toEqual(["s", "name"]);
  expect(bodies[0]?.results.bindings.map(({ name }) => name.value)).toEqual([
    "=cmd()",
    "Bonn",
    "Oslo",
    "Paris",
  ]);
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
});

test("[HTTP-1] an endpoint that is not there is 404", async () => {
  await using server = await startServer();
  const response = await fetch(`${server.url}/sparql?endpoint=nope&query=${encodeURIComponent(ASK)}`);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    404,
    "endpoint_not_found",
  ]);
});

test.each([
  [SELECT, undefined, "application/sparql-results+json"],
  [SELECT, "*/*", "application/sparql-results+json"],
  [SELECT, "application/json", "application/json"],
  [SELECT, "application/sparql-results+xml", "application/sparql-results+xml"],
  [SELECT, "text/csv", "text/csv; charset=utf-8; header=present"],
  [SELECT, "text/csv;q=0.5, text/tab-separated-values;q=0.9", "text/tab-separated-values; charset=utf-8"],
  [SELECT, "text/turtle, application/sparql-results+xml;q=0.1", "application/sparql-results+xml"],
  [SELECT, "application/sparql-results+json;q=0, */*;q=0.1", "application/json"],
  [ASK, undefined, "application/sparql-results+json"],
  [ASK, "application/sparql-results+xml", "application/sparql-results+xml"],
  [CONSTRUCT, undefined, "text/turtle; charset=utf-8"],
  [CONSTRUCT, "application/n-triples", "application/n-triples"],
  [CONSTRUCT, "text/html, */*;q=0.1", "text/turtle; charset=utf-8"],
])("[HTTP-2] %s with Accept %s is answered as %s", async (query, accept, contentType) => {
  await using server = await startServer();
  const response = await sparql(server.url, query, accept === undefined ? {} : { accept });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, contentType]);
  expect(response.headers.get("vary")).toBe("accept");
  expect((await response.text()).length).toBeGreaterThan(10);
});

test.each([
  [SELECT, "text/turtle", "application/sparql-results+json"],
  [ASK, "application/n-triples", "application/sparql-results+json"],
  [CONSTRUCT, "text/csv", "text/turtle"],
])(
  "[HTTP-2] %s with Accept %s is 406 with the list, before anything is executed",
  async (query, accept, listed) => {
    await using server = await startServer();
    const response = await sparql(server.url, query, { accept });
    const problem = (await response.json()) as { code: string; formats: string[] };
    expect([response.status, problem.code]).toEqual([406, "not_acceptable"]);
    expect(problem.formats).toContain(listed);
    expect(server.engine.openCount).toBe(0);
  },
);

test("[HTTP-2] triples are answered as a document that a parser reads", async () => {
  await using server = await startServer();
  for (const accept of ["text/turtle", "application/n-triples"]) {
    const response = await sparql(server.url, CONSTRUCT, { accept });
    expect(new Parser().parse(await response.text())).toHaveLength(4);
  }
});

test("[HTTP-3] updates are refused with 403 in every form", async () => {
  await using server = await startServer();
  const update = encodeURIComponent("DELETE WHERE { ?s ?p ?o }");
  const answers = await Promise.all([
    fetch(`${server.url}/sparql`, form(`update=${update}`)),
    fetch(`${server.url}/sparql?update=${update}`),
    fetch(`${server.url}/sparql`, {
      method: "POST",
      headers: { "content-type": "application/sparql-update" },
      body: "DELETE WHERE { ?s ?p ?o }",
    }),
    fetch(`${server.url}/sparql?query=${update}`),
  ]);
  for (const answer of answers) {
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, "read_only"]);
  }
});

test("[HTTP-4] graphs named by the protocol are refused and said to be", async () => {
  await using server = await startServer();
  for (const name of ["default-graph-uri", "named-graph-uri"]) {
    const response = await fetch(`${server.url}/sparql?query=${encodeURIComponent(ASK)}&${name}=urn:g`);
    const problem = (await response.json()) as { code: string; detail: string };
    expect([response.status, problem.code]).toEqual([403, "graph_forbidden"]);
    expect(problem.detail).toContain(name);
  }
});

test("[HTTP-5] Query-Id is echoed, made where it is missing, and 409 where it is taken", async () => {
  await using server = await startServer();
  expect((await sparql(server.url, ASK, { "query-id": "mine" })).headers.get("query-id")).toBe("mine");
  expect((await sparql(server.url, ASK)).headers.get("query-id")).toMatch(/^[0-9a-f-]{36}$/);
  const taken = await sparql(server.url, ASK, { "query-id": "mine" });
  expect([taken.status, ((await taken.json()) as { code: string }).code]).toEqual([409, "duplicate_query"]);
  expect((await sparql(server.url, ASK, { "query-id": "x".repeat(129) })).status).toBe(400);
});

test("[HTTP-6] completeness is told in a trailer, and in a header where it is known before the first row", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(10_100)) });
  const { port } = new URL(server.url);
  const request = httpRequest({
    port,
    path: `/sparql?query=${encodeURIComponent("SELECT ?s { ?s ?p ?o }")}`,
    headers: { accept: "text/csv" },
  });
  request.end();
  const [response] = await once(request, "response");
  response.resume();
  await once(response, "end");
  expect(response.headers.trailer).toBe("sparql-live-completeness");
  expect(response.trailers["sparql-live-completeness"]).toBe("truncated; reason=row_limit; rows=10000");
  const ask = await sparql(server.url, ASK);
  expect(ask.headers.get("sparql-live-completeness")).toBe("complete; rows=0");
});

test("[HTTP-6] an answer that fails midway is broken off", async () => {
  const engine = createMemoryEngine(CITIES);
  const failing: typeof engine = {
    ...engine,
    async *answer(request, signal) {
      for await (const event of engine.answer(request, signal)) {
        yield event;
        if (event.kind === "rows") throw new EngineFailure("upstream_truncated", "The answer broke off.");
      }
    },
  };
  await using server = await startServer({ engine: failing });
  const response = await sparql(server.url, SELECT);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test("[HTTP-7] a client that hangs up cancels its query, while it waits for the head and while rows come", async () => {
  await using server = await startServer({ engine: createMemoryEngine(manyTriples(100, 1_000)) });
  for (const query of [STUCK, "SELECT ?s ?o { ?s ?p ?o } # urn:test:endless"]) {
    const abort = new AbortController();
    const body = new URLSearchParams({ query });
    const response = fetch(`${server.url}/sparql`, { method: "POST", body, signal: abort.signal });
    await expect.poll(() => server.engine.openCount).toBe(1);
    if (query !== STUCK) await (await response).body?.getReader().read();
    abort.abort();
    await response.catch(() => undefined);
    await expect.poll(() => server.engine.openCount).toBe(0);
  }
});

test("[HTTP-8] a bare GET describes the service, in Turtle or N-Triples", async () => {
  await using server = await startServer();
  for (const accept of ["text/turtle", "application/n-triples", "text/html,*/*;q=0.8"]) {
    const response = await fetch(`${server.url}/sparql`, { headers: { accept } });
    const quads = new Parser().parse(await response.text());
    const endpoint = quads.find(({ predicate }) =>
      predicate.value.endsWith("sparql-service-description#endpoint"),
    );
    expect(endpoint?.object.value).toBe(`${server.url}/sparql`);
  }
  expect((await fetch(`${server.url}/sparql`, { headers: { accept: "image/png" } })).status).toBe(406);
});

test("[HTTP-8] /.well-known/void describes the dataset from the endpoint's profile", async () => {
  await using server = await startServer();
  const response = await fetch(`${server.url}/.well-known/void`);
  const quads = new Parser().parse(await response.text());
  const values = (name: string) =>
    quads
      .filter(({ predicate }) => predicate.value === `http://rdfs.org/ns/void#${name}`)
      .map((quad) => quad.object.value);
  expect(values("triples")).toEqual(["10"]);
  expect(values("class")).toEqual(["http://example.org/City"]);
  expect(values("sparqlEndpoint")).toEqual([`${server.url}/sparql?endpoint=local`]);
  expect((await fetch(`${server.url}/.well-known/void?endpoint=nope`)).status).toBe(404);
});

test("[HTTP-9] /text2sparql drafts without executing, for an id and for a dataset IRI", async () => {
  await using server = await startServer();
  for (const dataset of ["local", "https://example.org/data"]) {
    const url = `${server.url}/text2sparql?${new URLSearchParams({ dataset, question: "all cities" })}`;
    const response = await fetch(url, { headers: { accept: "text/html" } });
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toEqual({
      dataset,
      question: "all cities",
      query: expect.stringContaining("ex:City"),
    });
  }
});

test.each([
  ["dataset=nope&question=all+cities", 404, "endpoint_not_found"],
  ["dataset=local&question=Wozu", 422, "not_understood"],
  ["dataset=local", 400, "bad_request"],
  ["question=all+cities", 400, "bad_request"],
  [`dataset=local&question=${"x".repeat(2_001)}`, 400, "bad_request"],
])("[HTTP-9] /text2sparql?%s is %i %s", async (query, status, code) => {
  await using server = await startServer();
  const response = await fetch(`${server.url}/text2sparql?${query}`);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
});

test("[HTTP-10] /healthz says alive; /readyz says 503 with the reasons while an endpoint loads", async () => {
  await using server = await startServer();
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  server.engine.setHealth({
    state: "loading",
    latencyMs: null,
    checkedAt: null,
    consecutiveFailures: 0,
    message: "3 of 5 files",
  });
  const response = await fetch(`${server.url}/readyz`);
  expect([response.status, await response.json()]).toEqual([
    503,
    {
      status: "not_ready",
      checks: expect.any(Array),
      reasons: ['The endpoint "local" is loading: 3 of 5 files.'],
    },
  ]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test("[HTTP-11] every answer, errors and the page included, carries the security headers", async () => {
  await using server = await startServer();
  for (const path of ["/", "/app.js", "/nope", "/sparql?query=x", "/readyz"]) {
    const { headers } = await fetch(server.url + path);
    expect(headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  }
});

test("[HTTP-11] the page holds to its policy: no inline script, no inline style, no handler in an attribute", async () => {
  await using server = await startServer();
  const page = await (await fetch(`${server.url}/`)).text();
  expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/i);
  for (const [, path] of page.matchAll(/(?:href|src)="([^"]+\.(?:js|css|svg))"/g)) {
    expect((await fetch(`${server.url}/${path}`)).status).toBe(200);
  }
  const first = await fetch(`${server.url}/app.js`);
  const again = await fetch(`${server.url}/app.js`, {
    headers: { "if-none-match": first.headers.get("etag") ?? "" },
  });
  expect(again.status).toBe(304);
});

test.each([
  ["a query given twice", "/sparql?query=ASK%7B%7D&query=ASK%7B%7D", {}, 400],
  ["an empty query", "/sparql?query=%20", {}, 400],
  ["a form without a query", "/sparql", form("x=1"), 400],
  [
    "a JSON body",
    "/sparql",
    { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
    415,
  ],
  ["a body without a type", "/sparql", { method: "POST", body: new Uint8Array([1]) }, 415],
  ["a body that is too large", "/sparql", form(`query=${"x".repeat(300_000)}`), 413],
  ["a path that is not there", "/nope", {}, 404],
])("[HTTP-12] %s is refused as a problem", async (_, path, init, status) => {
  await using server = await startServer();
  const response = await fetch(server.url + path, init);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    status,
    "application/problem+json",
  ]);
  expect(await response.json()).toMatchObject({
    status,
    code: expect.any(String),
    detail: expect.any(String),
  });
});

test("[HTTP-12] a query that is no SPARQL is 400 with line and column", async () => {
  await using server = await startServer();
  const response = await sparql(server.url, "SELECT ?s WHERE {\n  ?s ?p }");
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: "bad_query", line: 2, column: expect.any(Number) });
});

test("[HTTP-13] /api/examples lists the questions of an endpoint", async () => {
  await using server = await startServer();
  for (const query of ["", "?endpoint=local"]) {
    const response = await fetch(`${server.url}/api/examples${query}`);
    expect(await response.json()).toMatchObject({
      endpoint: "local",
      examples: [{ question: "all cities" }],
    });
  }
  expect((await fetch(`${server.url}/api/examples?endpoint=nope`)).status).toBe(404);
});

test("HEAD tells the headers without executing, and OPTIONS the methods", async () => {
  await using server = await startServer();
  const head = await fetch(`${server.url}/sparql?query=${encodeURIComponent(STUCK)}`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/sparql-results+json"]);
  const options = await fetch(`${server.url}/sparql`, { method: "OPTIONS" });
  expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, OPTIONS"]);
});

test("[CONN-4] as a plugin it keeps to its prefix and its own upgrades, and leaves the application's alone", async () => {
  const app = Fastify();
  app.get("/own", async () => "own");
  await app.register(sparqlLive, {
    prefix: "/kg",
    engine: createMemoryEngine(CITIES),
    log: pino({ level: "silent" }),
  });
  const sockets = new WebSocketServer({ noServer: true });
  app.server.on("upgrade", (request, socket, head) => {
    if (request.url === "/own") sockets.handleUpgrade(request, socket, head, (own) => own.send("own"));
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const own = await fetch(`http://127.0.0.1:${port}/own`);
  expect([await own.text(), own.headers.get("content-security-policy")]).toEqual(["own", null]);
  expect((await fetch(`http://127.0.0.1:${port}/kg/healthz`)).status).toBe(200);

  const socket = new WebSocket(`ws://127.0.0.1:${port}/own`);
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("own");
  socket.terminate();

  await using client = await openClient(`ws://127.0.0.1:${port}/kg/api/ws/query`);
  await client.next("connection_ack");
  await app.close();
  expect((await client.closed).code).toBe(1012);
});
