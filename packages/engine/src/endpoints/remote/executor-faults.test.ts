import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGzip } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Executor } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import { LIMITS } from "../../limits.js";
import { createRemoteExecutor } from "./executor.js";
import {
  CONSTRUCT,
  executeOptions,
  HEAD,
  numberRow,
  numbersDocument,
  run,
  SELECT,
  sendForever,
} from "./testing/execution.js";
import { RESULTS_JSON, send, startStub, whenClosed } from "./testing/stub-endpoint.js";

const MB = 1024 * 1024;

describe("an endpoint that is too slow ends with upstream_timeout at the deadline:", () => {
  const timeoutMs = 300;
  const cases: [string, (response: ServerResponse) => void][] = [
    ["hanging before its headers", () => undefined],
    [
      "hanging in its body",
      (response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON });
        response.write(HEAD + numberRow(0));
      },
    ],
    [
      "dripping one byte at a time",
      (response) => {
        const bytes = Buffer.from(numbersDocument(1_000));
        let at = 0;
        response.writeHead(200, { "content-type": RESULTS_JSON });
        const drip = setInterval(() => response.write(bytes.subarray(at, ++at)), 10);
        response.on("close", () => clearInterval(drip));
      },
    ],
    [
      "dripping its error",
      (response) => {
        response.writeHead(500);
        const drip = setInterval(() => response.write("x"), 10);
        response.on("close", () => clearInterval(drip));
      },
    ],
  ];
  test.each(cases)("%s", async (_title, answer) => {
    await using stub = await startStub((_request, response) => answer(response));
    const executor = createRemoteExecutor({ url: stub.url });
    const startedAt = performance.now();
    const { failure, completeness } = await run(executor, SELECT, { timeoutMs });
    const elapsedMs = performance.now() - startedAt;
    expect(failure?.code).toBe("upstream_timeout");
    expect(completeness).toBeUndefined();
    expect(elapsedMs).toBeGreaterThanOrEqual(timeoutMs - 5);
    expect(elapsedMs).toBeLessThan(timeoutMs + 5_000);
    await executor.close();
  });

  test("never finishing its TLS handshake, within the time for connecting", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.resume();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/sparql`;
    const executor = createRemoteExecutor({ url, connectTimeoutMs: 200 });
    const { failure } = await run(executor, SELECT, { timeoutMs: 10_000 });
    expect(failure).toMatchObject({
      code: "upstream_timeout",
      message: expect.stringContaining("connection"),
    });
    await executor.close();
    await Promise.all([...sockets].map(whenClosed));
    server.close();
  });
});

test("time in which nobody pulls does not count against the deadline", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(5_000)));
  const executor = createRemoteExecutor({ url: stub.url });
  const events = executor.execute(SELECT, executeOptions({ timeoutMs: 2_000 }));
  let rowCount = 0;
  let paused = false;
  for await (const event of events) {
    if (event.kind !== "rows") continue;
    rowCount += event.rows.length;
    if (!paused) await new Promise((resolve) => setTimeout(resolve, 2_500));
    paused = true;
  }
  expect(rowCount).toBe(5_000);
  await executor.close();
});

describe("an answer that breaks off is never a complete result, but upstream_truncated:", () => {
  const part = numbersDocument(100).slice(0, 2_000);
  const cases: [string, (response: ServerResponse) => void][] = [
    [
      "the connection is cut inside a row",
      (response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON });
        response.write(part, () => response.destroy());
      },
    ],
    ["the body ends properly, the document does not", (response) => send(response, part)],
    [
      "the body is shorter than its Content-Length",
      (response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON, "content-length": 10_000 });
        response.write(part, () => response.destroy());
      },
    ],
    [
      "the document is whole, the body is not",
      (response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON });
        response.write(numbersDocument(100), () => response.destroy());
      },
    ],
    [
      "the compressed data stops",
      (response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON, "content-encoding": "gzip" });
        const gzip = createGzip();
        const pieces: Buffer[] = [];
        gzip.on("data", (piece: Buffer) => pieces.push(piece));
        gzip.on("end", () => response.end(Buffer.concat(pieces).subarray(0, -20)));
        gzip.end(numbersDocument(5_000));
      },
    ],
  ];
  test.each(cases)("%s", async (_title, answer) => {
    await using stub = await startStub((_request, response) => answer(response));
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, SELECT);
    expect(outcome.failure?.code).toBe("upstream_truncated");
    expect(outcome.completeness).toBeUndefined();
    await executor.close();
  });

  test("a graph ends inside a triple", async () => {
    await using stub = await startStub((_request, response) =>
      send(response, "<urn:s> <urn:p> <urn:o> .\n<urn:s> <urn:p>", "application/n-triples"),
    );
    const executor = createRemoteExecutor({ url: stub.url });
    const outcome = await run(executor, CONSTRUCT);
    expect(outcome.failure?.code).toBe("upstream_truncated");
    expect(outcome.rows).toHaveLength(1);
    await executor.close();
  });
});

describe("an answer that is no SPARQL result is upstream_bad_response:", () => {
  test.each([
    ["a web page", "text/html", "<html>Please log in</html>", /text\/html/],
    ["a web page that claims to be JSON", RESULTS_JSON, "<html>Please log in</html>", /JSON object/],
    ["results in XML", "application/sparql-results+xml", "<sparql/>", /XML/],
    ["another character set", `${RESULTS_JSON}; charset=utf-16`, numbersDocument(1), /utf-16/],
    ["other JSON", "application/json", '{"error":"no"}', /neither rows nor a boolean/],
    ["nothing", RESULTS_JSON, "", /empty/],
  ])("%s", async (_title, type, body, message) => {
    await using stub = await startStub((_request, response) => send(response, body, type));
    const executor = createRemoteExecutor({ url: stub.url });
    const { failure } = await run(executor, SELECT);
    expect(failure?.code).toBe("upstream_bad_response");
    expect(failure?.message).toMatch(message);
    await executor.close();
  });

  test.each([
    ["a coding that nobody asked for", { "content-encoding": "zstd" }],
    ["what is not compressed as it says", { "content-encoding": "gzip" }],
    ["no content", {}, 204],
  ])("%s", async (_title, headers, status = 200) => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(status, { "content-type": RESULTS_JSON, ...headers });
      response.end(status === 204 ? undefined : numbersDocument(1));
    });
    const executor = createRemoteExecutor({ url: stub.url });
    expect((await run(executor, SELECT)).failure?.code).toBe("upstream_bad_response");
    await executor.close();
  });

  test.each([
    ["triples that are none", "application/n-triples", "<urn:s> <urn:p> .\n"],
    ["RDF/XML", "application/rdf+xml", "<rdf/>"],
  ])("%s", async (_title, type, body) => {
    await using stub = await startStub((_request, response) => send(response, body, type));
    const executor = createRemoteExecutor({ url: stub.url });
    expect((await run(executor, CONSTRUCT)).failure?.code).toBe("upstream_bad_response");
    await executor.close();
  });

  test("what is no HTTP", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => socket.end("220 mail.example.org ESMTP\r\n"));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const executor = createRemoteExecutor({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    });
    expect((await run(executor, SELECT)).failure?.code).toBe("upstream_bad_response");
    await executor.close();
    server.close();
  });
});

describe("an HTTP error", () => {
  test.each([
    [500, { "retry-after": "7" }, "upstream_error", 7_000],
    [503, { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() }, "upstream_error", undefined],
    [429, { "retry-after": "soon" }, "upstream_error", undefined],
    [404, {}, "upstream_error", undefined],
    [401, {}, "endpoint_forbidden", undefined],
    [403, {}, "endpoint_forbidden", undefined],
  ])("%i with %j is %s", async (status, headers, code, retryAfterMs) => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(status, { "content-type": "text/html", ...headers });
      response.end("<html><style>b{}</style><b>out of\n\n order</b></html>");
    });
    const executor = createRemoteExecutor({ url: stub.url });
    const { failure } = await run(executor, SELECT);
    expect(failure?.code).toBe(code);
    expect(failure?.detail).toBe(`HTTP ${status}: out of order`);
    if (status === 503) expect(failure?.retryAfterMs).toBeGreaterThan(3_000_000);
    else expect(failure?.retryAfterMs).toBe(retryAfterMs);
    await executor.close();
  });

  test("400 says in its message what the endpoint's parser said, and no more than 500 characters of it", async () => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(400, { "content-type": "text/plain" });
      response.end(`syntax error at 'X' line 1${"!".repeat(20_000)}`);
    });
    const executor = createRemoteExecutor({ url: stub.url });
    const { failure } = await run(executor, SELECT);
    expect(failure?.code).toBe("upstream_error");
    expect(failure?.message).toContain("syntax error at 'X' line 1");
    expect(failure?.message.length).toBeLessThan(600);
    await executor.close();
  });

  test("a port where nobody listens, and a name that nobody has, are endpoint_unavailable", async () => {
    const stub = await startStub(() => undefined);
    const { url } = stub;
    await stub[Symbol.asyncDispose]();
    for (const address of [url, "http://no-such-host.invalid/sparql"]) {
      const executor = createRemoteExecutor({ url: address });
      expect((await run(executor, SELECT)).failure?.code).toBe("endpoint_unavailable");
      await executor.close();
    }
  });
});

describe("an answer without end is aborted at its cap, and memory stays within 50 MB:", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;

  /**
   * The growth of resident memory over a run, at its worst moment. On a busy machine the collector comes late: where there
   * is much, what is garbage is collected before it is counted, and then there is time to work.
   */
  async function memoryGrowthOf(work: () => Promise<void>): Promise<number> {
    collectGarbage();
    const before = process.memoryUsage.rss();
    const growthNow = () => process.memoryUsage.rss() - before;
    let peak = 0;
    let collectedAtMs = Number.NEGATIVE_INFINITY;
    const sampler = setInterval(() => {
      if (growthNow() > 25 * MB) {
        if (performance.now() < collectedAtMs + 50) return;
        collectGarbage();
        collectedAtMs = performance.now();
      }
      peak = Math.max(peak, growthNow());
    }, 5);
    await work();
    clearInterval(sampler);
    return peak;
  }

  // On a busy machine 64 MiB take their time, and time is not what this is about.
  const testTimeoutMs = 240_000;
  const unlimited = executeOptions({ maxRows: 1e9, maxBytes: 1e12, timeoutMs: 200_000 });

  /** How the answer ends: its completeness, or the code of the failure. */
  async function endOf(executor: Executor): Promise<string | undefined> {
    let end: string | undefined;
    try {
      for await (const event of executor.execute(SELECT, unlimited)) {
        if (event.kind === "end") end = `${event.completeness.status} ${event.completeness.reason}`;
      }
    } catch (error) {
      end = error instanceof EngineFailure ? error.code : String(error);
    }
    await executor.close();
    return end;
  }

  /** A first, smaller run pays for compiled code and the growth of the heap to its working size. */
  async function expectBounded(url: string, expected: string): Promise<void> {
    await endOf(createRemoteExecutor({ url, maxUpstreamBytes: 8 * MB }));
    let end: string | undefined;
    const growth = await memoryGrowthOf(async () => {
      end = await endOf(createRemoteExecutor({ url }));
    });
    expect(end).toBe(expected);
    expect(growth).toBeLessThan(50 * MB);
  }

  test("rows without end", { timeout: testTimeoutMs }, async () => {
    let sentBytes = () => 0;
    await using stub = await startStub((_request, response) => {
      sentBytes = sendForever(response);
    });
    await expectBounded(stub.url, "truncated byte_limit");
    // What the sockets hold comes on top of what was read.
    expect(sentBytes()).toBeLessThan(LIMITS.maxUpstreamBytes + 32 * MB);
  });

  test.each([
    ["rows", HEAD + numberRow(0), `,${numberRow(7)}`.repeat(1_000), "truncated byte_limit"],
    ["white space", "{", " ".repeat(MB), "upstream_bad_response"],
  ])(
    "a small body that unpacks to gigabytes of %s",
    { timeout: testTimeoutMs },
    async (_title, head, filling, expected) => {
      await using stub = await startStub((_request, response) => {
        response.writeHead(200, { "content-type": RESULTS_JSON, "content-encoding": "gzip" });
        const gzip = createGzip({ level: 1 });
        let unpackedBytes = 0;
        gzip.pipe(response);
        response.on("close", () => gzip.destroy());
        gzip.write(head);
        const more = () => {
          while (!gzip.destroyed && unpackedBytes < 4_096 * MB) {
            unpackedBytes += filling.length;
            if (!gzip.write(filling)) return;
          }
        };
        gzip.on("drain", more);
        more();
      });
      await expectBounded(stub.url, expected);
    },
  );
});

test("many queries use one connection, and closing leaves none", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(10)));
  const executor = createRemoteExecutor({ url: stub.url });
  const connections = new Set<Socket>();
  for (let count = 0; count < 200; count += 1) {
    expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    for (const socket of stub.sockets) connections.add(socket);
  }
  expect(connections.size).toBeLessThanOrEqual(2);
  const closed = Promise.all([...stub.sockets].map(whenClosed));
  await executor.close();
  await closed;
  expect(stub.sockets.size).toBe(0);
});

test("a kept connection that the endpoint has closed meanwhile costs no query", async () => {
  let answers = 0;
  await using stub = await startStub((_request, response) => {
    answers += 1;
    // The second request finds a connection that dies under it.
    if (answers === 2) response.socket?.end();
    else send(response, numbersDocument(1));
  });
  const executor = createRemoteExecutor({ url: stub.url, maxConcurrentQueries: 1 });
  await run(executor, SELECT);
  expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
  expect(answers).toBe(3);
  await executor.close();
});

test("an endpoint that closes a fresh connection without an answer is endpoint_unavailable, and asked once", async () => {
  await using stub = await startStub((_request, response) => response.socket?.end());
  const executor = createRemoteExecutor({ url: stub.url });
  expect((await run(executor, SELECT)).failure?.code).toBe("endpoint_unavailable");
  expect(stub.requests).toHaveLength(1);
  await executor.close();
});
