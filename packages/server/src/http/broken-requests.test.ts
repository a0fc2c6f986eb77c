import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { startServer, type TestServer } from "../testing/start-server.js";

/** What the server says to these bytes until it hangs up. */
async function exchange({ url }: TestServer, bytes: string): Promise<{ status: number; body: string }> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => socket.destroy());
  socket.write(bytes);
  const said = await text(socket);
  return { status: Number(said.split(" ")[1]), body: said.slice(said.indexOf("\r\n\r\n") + 4) };
}

const HEALTH = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";

test.concurrent("[LIMIT-6] headers of nearly 16 KiB are read, above that the answer is 431", async () => {
  await using server = await startServer();
  const withHeader = (bytes: number) => `${HEALTH}x-long: ${"x".repeat(bytes)}\r\n\r\n`;
  const room = SERVER_LIMITS.maxHeaderBytes - HEALTH.length - 100;
  expect((await exchange(server, withHeader(room))).status).toBe(200);
  const { status, body } = await exchange(server, withHeader(SERVER_LIMITS.maxHeaderBytes));
  expect([status, JSON.parse(body).code]).toEqual([431, "headers_too_large"]);
});

test.concurrent("[LIMIT-6] so is the address, of an upgrade too", async () => {
  await using server = await startServer();
  const at = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
  const query = (bytes: number) => `/healthz?${"x".repeat(bytes)}`;
  expect((await exchange(server, at(query(SERVER_LIMITS.maxHeaderBytes - 200)))).status).toBe(200);
  expect((await exchange(server, at(query(SERVER_LIMITS.maxHeaderBytes)))).status).toBe(431);
  const upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n";
  const long = `GET /api/ws/query?user_id=${"x".repeat(SERVER_LIMITS.maxHeaderBytes)} HTTP/1.1\r\nhost: x\r\n${upgrade}`;
  expect((await exchange(server, long)).status).toBe(431);
});

test.concurrent.each([
  ["/sparql", "application/x-www-form-urlencoded"],
  ["/sparql", "application/sparql-query"],
  ["/api/ws/rooms", "application/json"],
  ["/anything", "application/json"],
])("[LIMIT-6] a body of 256 KiB to %s as %s is read, a byte more is 413", async (path, type) => {
  await using server = await startServer();
  const post = (body: string | ReadableStream) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": type },
      body,
      duplex: "half",
    } as RequestInit);
  const statuses = [
    (await post(" ".repeat(SERVER_LIMITS.maxBodyBytes))).status,
    (await post(" ".repeat(SERVER_LIMITS.maxBodyBytes + 1))).status,
    // Its length is not announced.
    (await post(new Blob([" ".repeat(SERVER_LIMITS.maxBodyBytes + 1)]).stream())).status,
  ];
  expect(statuses).toEqual([400, 413, 413]);
});

test.concurrent.each([
  ["no byte", ""],
  ["half a line", "GET /heal"],
  ["headers without an end", "GET /healthz HTTP/1.1\r\nhost: x\r\n"],
  [
    "an upgrade without an end",
    "GET /api/ws/query HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
  ],
])("[LIMIT-7] who sends %s and then nothing is answered with 408 and cut off", async (_what, bytes) => {
  await using server = await startServer();
  expect(server.server.app.server.headersTimeout).toBe(SERVER_LIMITS.headersTimeoutMs);
  server.server.app.server.headersTimeout = 100;
  const { status, body } = await exchange(server, bytes);
  expect([status, JSON.parse(body).code]).toEqual([408, "request_timeout"]);
});

test.concurrent("[LIMIT-7] so is who sends a body without an end", async () => {
  await using server = await startServer();
  const { server: http } = server.server.app;
  expect(http.requestTimeout).toBe(SERVER_LIMITS.requestTimeoutMs);
  http.requestTimeout = 200;
  const head = "POST /api/ws/rooms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  expect((await exchange(server, `${head}content-length: 100\r\n\r\n{`)).status).toBe(408);
});

test.concurrent("[LIMIT-7] a connection that asks nothing more is closed", async () => {
  await using server = await startServer();
  const { server: http } = server.server.app;
  expect(http.keepAliveTimeout).toBe(SERVER_LIMITS.keepAliveTimeoutMs);
  http.keepAliveTimeout = 100;
  const { port } = new URL(server.url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(String(await once(socket, "data"))).toContain("200 OK");
  socket.resume();
  await once(socket, "close");
});

test.concurrent.each([
  ["no method", "HELLO\r\n\r\n"],
  ["a header without a name", "GET / HTTP/1.1\r\nhost: x\r\n: x\r\n\r\n"],
  ["two lengths", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"],
  [
    "a length and chunks",
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["a header that is folded", "GET / HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n"],
])("[HTTP-12] a request with %s is answered with 400 as a problem", async (_what, bytes) => {
  await using server = await startServer();
  const { status, body } = await exchange(server, bytes);
  expect([status, JSON.parse(body).code]).toEqual([400, "bad_request"]);
});

test("an upgrade that is refused leaves no half of a connection, though its peer does not hang up", async () => {
  await using server = await startServer();
  const { port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  const [ofServer] = await once(server.server.app.server, "connection");
  socket.write("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  expect(String(await once(socket, "data"))).toContain("404");
  await expect.poll(() => ofServer.destroyed).toBe(true);
  socket.destroy();
});
