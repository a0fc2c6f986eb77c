import { once } from "node:events";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createRemoteExecutor } from "./executor.js";
import {
  ASK,
  CONSTRUCT,
  executeOptions,
  numbersDocument,
  run,
  SELECT,
  SELECT_ALL,
} from "./testing/execution.js";
import { send, startStub, whenClosed } from "./testing/stub-endpoint.js";

test("a query is sent as a form by POST and its rows come with head and end", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(3)));
  const executor = createRemoteExecutor({
    url: `${stub.url}?graph=a`,
    headers: { Authorization: "Bearer x" },
  });
  const { variables, rows, completeness } = await run(executor, SELECT);
  expect(variables).toEqual(["n"]);
  expect(rows.map((row) => row.n?.value)).toEqual(["0", "1", "2"]);
  expect(completeness).toEqual({ status: "complete" });
  const [request] = stub.requests;
  expect(request?.method).toBe("POST");
  expect(request?.path).toBe("/sparql?graph=a");
  expect(new URLSearchParams(request?.body).get("query")).toBe(SELECT.text);
  expect(request?.headers).toMatchObject({
    "content-type": "application/x-www-form-urlencoded",
    authorization: "Bearer x",
    accept: expect.stringContaining("application/sparql-results+json"),
  });
  await executor.close();
});

test.each([405, 415])(
  "an endpoint that answers POST with %i is asked by GET, from then on at once",
  async (status) => {
    await using stub = await startStub((request, response) => {
      if (request.method === "POST") response.writeHead(status).end("no");
      else send(response, numbersDocument(1));
    });
    const executor = createRemoteExecutor({ url: `${stub.url}?graph=a` });
    for (let count = 0; count < 2; count += 1) {
      expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    }
    expect(stub.requests.map((request) => request.method)).toEqual(["POST", "GET", "GET"]);
    const parameters = new URL(stub.requests[1]?.path ?? "", stub.origin).searchParams;
    expect(Object.fromEntries(parameters)).toEqual({ graph: "a", query: SELECT.text });
    await executor.close();
  },
);

test("a query too long for GET is not sent by GET", async () => {
  await using stub = await startStub((_request, response) => response.writeHead(405).end("no"));
  const executor = createRemoteExecutor({ url: stub.url });
  const { failure } = await run(executor, { ...SELECT, text: `${SELECT.text} # ${"x".repeat(9_000)}` });
  expect(failure).toMatchObject({ code: "upstream_error", detail: "HTTP 405: no" });
  expect(stub.requests).toHaveLength(1);
  await executor.close();
});

describe("rows before the head", () => {
  const rdflib = '{"results":{"bindings":[{"b":{"type":"uri","value":"x"}}]},"head":{"vars":["a","b"]}}';

  test("wait for it where only the answer tells the variables", async () => {
    await using stub = await startStub((_request, response) => send(response, rdflib));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT_ALL);
    expect(outcome.variables).toEqual(["a", "b"]);
    expect(outcome.rows).toHaveLength(1);
    await executor.close();
  });

  test("come at once where the query tells them", async () => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(rdflib.slice(0, 60));
    });
    const executor = createRemoteExecutor({ url: stub.url });
    const kinds: string[] = [];
    for await (const event of executor.execute({ ...SELECT, variables: ["a", "b"] }, executeOptions())) {
      kinds.push(event.kind);
      if (event.kind === "rows") break;
    }
    expect(kinds).toEqual(["started", "head", "rows"]);
    await executor.close();
  });
});

describe("the caps are exact:", () => {
  test.each([
    { have: 5, maxRows: 5, completeness: { status: "complete" } },
    { have: 6, maxRows: 5, completeness: { status: "truncated", reason: "row_limit" } },
    { have: 0, maxRows: 0, completeness: { status: "complete" } },
    { have: 1, maxRows: 0, completeness: { status: "truncated", reason: "row_limit" } },
  ])("$have rows at a cap of $maxRows rows", async ({ have, maxRows, completeness }) => {
    await using stub = await startStub((_request, response) => send(response, numbersDocument(have)));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT, { maxRows });
    expect(outcome.rows).toHaveLength(Math.min(have, maxRows));
    expect(outcome.variables).toEqual(["n"]);
    expect(outcome.completeness).toEqual(completeness);
    await executor.close();
  });

  test.each([
    { maxBytes: 10, rows: 10, completeness: { status: "complete" } },
    { maxBytes: 9, rows: 9, completeness: { status: "truncated", reason: "byte_limit" } },
  ])("10 rows of one byte at a cap of $maxBytes bytes", async ({ maxBytes, rows, completeness }) => {
    await using stub = await startStub((_request, response) => send(response, numbersDocument(10)));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT, { maxBytes });
    expect(outcome.rows).toHaveLength(rows);
    expect(outcome.completeness).toEqual(completeness);
    await executor.close();
  });

  test("10 rows that are cut before their head comes", async () => {
    const [before, after] = ['{"results":{"bindings":[', ']},"head":{"vars":["n","m"]}}'];
    const rows = Array.from({ length: 10 }, () => '{"n":{"type":"uri","value":"x"}}').join(",");
    await using stub = await startStub((_request, response) => send(response, before + rows + after));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT_ALL, { maxRows: 4 });
    expect(outcome.rows).toHaveLength(4);
    expect(outcome.completeness).toEqual({ status: "truncated", reason: "row_limit" });
    await executor.close();
  });
});

test.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
  ["deflate", deflateSync],
] as const)("an answer compressed with %s is decoded as it comes", async (coding, compress) => {
  await using stub = await startStub((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": coding });
    response.end(compress(numbersDocument(2_000)));
  });
  const executor = createRemoteExecutor({ url: stub.url });
  const outcome = await run(executor, SELECT);
  expect(outcome.rows).toHaveLength(2_000);
  expect(outcome.completeness).toEqual({ status: "complete" });
  await executor.close();
});

describe("ASK", () => {
  test.each([
    ["as the standard says", '{"head":{},"boolean":true}', true],
    ["as the standard says", '{"head":{},"boolean":false}', false],
    [
      "as Virtuoso does",
      '{"head":{"link":[],"vars":["__ask_retval"]},"results":{"distinct":false,"ordered":true,"bindings":[{"__ask_retval":{"type":"typed-literal","datatype":"http://www.w3.org/2001/XMLSchema#integer","value":"1"}}]}}',
      true,
    ],
    [
      "as Virtuoso does: no row is no",
      '{"head":{"link":[],"vars":["__ASK_RETVAL"]},"results":{"distinct":false,"ordered":true,"bindings":[]}}',
      false,
    ],
  ])("answered %s", async (_title, document, value) => {
    await using stub = await startStub((_request, response) => send(response, document));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, ASK);
    expect(outcome.boolean).toBe(value);
    expect(outcome.completeness).toEqual({ status: "complete" });
    await executor.close();
  });

  test("answered with rows is refused, and so are rows answered with a boolean", async () => {
    await using rows = await startStub((_request, response) => send(response, numbersDocument(1)));
    await using truth = await startStub((_request, response) => send(response, '{"boolean":true}'));
    const executors = [rows, truth].map(({ url }) => createRemoteExecutor({ url }));
    const queries = [ASK, SELECT];
    for (const [index, executor] of executors.entries()) {
      const { failure } = await run(executor, queries[index] ?? ASK);
      expect(failure?.code).toBe("upstream_bad_response");
      await executor.close();
    }
  });
});

describe("a graph comes as rows of subject, predicate and object", () => {
  const triples = '<urn:s> <urn:p> "ä"@de .\n_:x <urn:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .\n';

  test.each([
    ["application/n-triples", triples],
    ["text/plain; charset=UTF-8", triples],
    ["text/turtle", '<urn:s> <urn:p> "ä"@de .\n[] <urn:p> 1 .\n'],
  ])("from %s", async (type, body) => {
    await using stub = await startStub((_request, response) => send(response, body, type));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, CONSTRUCT);
    expect(outcome.variables).toEqual(["subject", "predicate", "object"]);
    expect(outcome.rows).toEqual([
      {
        subject: { type: "uri", value: "urn:s" },
        predicate: { type: "uri", value: "urn:p" },
        object: { type: "literal", value: "ä", "xml:lang": "de" },
      },
      {
        subject: { type: "bnode", value: expect.any(String) },
        predicate: { type: "uri", value: "urn:p" },
        object: { type: "literal", value: "1", datatype: "http://www.w3.org/2001/XMLSchema#integer" },
      },
    ]);
    expect(outcome.completeness).toEqual({ status: "complete" });
    await executor.close();
  });

  test("and is cut at the cap of rows", async () => {
    await using stub = await startStub((_request, response) =>
      send(response, triples, "application/n-triples"),
    );
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, CONSTRUCT, { maxRows: 1 });
    expect(outcome.rows).toHaveLength(1);
    expect(outcome.completeness).toEqual({ status: "truncated", reason: "row_limit" });
    await executor.close();
  });
});

describe("what an endpoint says of its own limits is passed on:", () => {
  test.each([
    [
      { "x-sql-state": "S1TAT", "x-sql-message": "Returning incomplete results" },
      200,
      "partial",
      "endpoint_timeout",
    ],
    [{}, 206, "partial", "endpoint_timeout"],
    [{ "x-sparql-maxrows": "3" }, 200, "truncated", "endpoint_row_limit"],
    [{ "x-sparql-maxrows": "4" }, 200, "complete", undefined],
  ])("headers %j with status %i", async (headers, status, expected, reason) => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(numbersDocument(3));
    });
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT);
    expect(outcome.rows).toHaveLength(3);
    expect(outcome.completeness).toEqual(
      reason === undefined ? { status: expected } : { status: expected, reason },
    );
    await executor.close();
  });

  test("and it is told our time limit where it has a parameter for it", async () => {
    await using stub = await startStub((_request, response) => send(response, numbersDocument(0)));
    const executor = createRemoteExecutor({ url: stub.url, timeoutParameter: "timeout" });
    await run(executor, SELECT, { timeoutMs: 10_000 });
    expect(new URLSearchParams(stub.requests[0]?.body).get("timeout")).toBe("9000");
    await executor.close();
  });
});

describe("more queries than may run at a time", () => {
  test("wait, hear their place in the line, and go on in order", async () => {
    const waiting: (() => void)[] = [];
    await using stub = await startStub((_request, response) => {
      waiting.push(() => send(response, numbersDocument(1)));
    });
    const executor = createRemoteExecutor({ url: stub.url, maxConcurrentQueries: 1, maxWaitingQueries: 2 });
    const iterators = Array.from({ length: 3 }, () => executor.execute(SELECT, executeOptions()));
    const [first, second, third] = iterators;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("three were made");
    expect((await first.next()).value).toEqual({ kind: "started" });
    expect((await second.next()).value).toEqual({ kind: "queued", position: 1 });
    expect((await third.next()).value).toEqual({ kind: "queued", position: 2 });
    const { failure } = await run(executor, SELECT);
    expect(failure?.code).toBe("too_many_queries");
    await first.return();
    expect((await second.next()).value).toEqual({ kind: "started" });
    expect((await third.next()).value).toEqual({ kind: "queued", position: 1 });
    await second.return();
    expect((await third.next()).value).toEqual({ kind: "started" });
    await third.return();
    await executor.close();
  });

  test("can be cancelled while they wait", async () => {
    await using stub = await startStub(() => undefined);
    const executor = createRemoteExecutor({ url: stub.url, maxConcurrentQueries: 1 });
    const first = executor.execute(SELECT, executeOptions());
    await first.next();
    const controller = new AbortController();
    const second = executor.execute(SELECT, executeOptions({ signal: controller.signal }));
    await second.next();
    const next = second.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "query_cancelled" });
    await first.return();
    await executor.close();
  });
});

test("closing ends running queries with endpoint_unavailable and closes their connections", async () => {
  await using stub = await startStub((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(numbersDocument(5).slice(0, 80));
  });
  const executor = createRemoteExecutor({ url: stub.url });
  const outcome = run(executor, SELECT);
  await once(stub.events, "request");
  const [socket] = stub.sockets;
  if (socket === undefined) throw new Error("the stub has a connection");
  const closed = whenClosed(socket);
  await executor.close();
  expect((await outcome).failure?.code).toBe("endpoint_unavailable");
  await closed;
  expect((await run(executor, SELECT)).failure?.code).toBe("endpoint_unavailable");
});

test.each([
  ["not a url", "bad_request"],
  ["ftp://example.org/sparql", "endpoint_forbidden"],
  ["file:///etc/passwd", "endpoint_forbidden"],
  ["http://user:secret@example.org/sparql", "endpoint_forbidden"],
])("the address %s is refused before anything is sent", (url, code) => {
  expect(() => createRemoteExecutor({ url })).toThrow(expect.objectContaining({ code }));
});

test.each([{ host: "a" }, { "x\r\ny": "a" }, { x: "a\r\nb" }, { "Content-Length": "1" }])(
  "the headers %j are refused",
  (headers) => {
    expect(() => createRemoteExecutor({ url: "http://example.org/", headers })).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  },
);
