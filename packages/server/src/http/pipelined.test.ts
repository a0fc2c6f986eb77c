import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createHookAuthenticator } from "../auth/hook.js";
import { createGate } from "../testing/gate.js";
import { startServer } from "../testing/start-server.js";
import { bearer } from "../testing/tokens.js";

const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";

test("[HTTP-7] a client that hangs up cancels all queries that it sent behind each other, also those that wait", async () => {
  await using server = await startServer();
  const { runs } = server.server.live;
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const request = `GET /sparql?query=${encodeURIComponent(STUCK)} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
  socket.write(request.repeat(5));
  await expect.poll(() => runs.activeCount).toBe(5);
  socket.destroy();
  await expect.poll(() => runs.activeCount).toBe(0);
  const later = await fetch(`${server.url}/sparql?query=ASK%7B%7D`);
  expect(later.status).toBe(200);
});

test("[HTTP-7] nor does a query of who hung up while its token was looked at go on", async () => {
  const gate = createGate();
  const authenticator = createHookAuthenticator(async () => {
    await gate.pass();
    return { userId: "ada" };
  });
  await using server = await startServer({ settings: { authenticator } });
  const { runs } = server.server.live;
  const abort = new AbortController();
  const query = `${server.url}/sparql?query=${encodeURIComponent(STUCK)}`;
  const asked = fetch(query, { signal: abort.signal, ...bearer("opaque") });
  const failed = asked.catch((error: unknown) => error);
  await gate.reached;
  abort.abort();
  await failed;
  const { server: http } = server.server.app;
  await expect
    .poll(() => new Promise((resolve) => http.getConnections((_error, count) => resolve(count))))
    .toBe(0);
  gate.open();
  const begun = await fetch(`${server.url}/sparql?query=ASK%7B%7D`, bearer("opaque"));
  expect(begun.status).toBe(200);
  await expect.poll(() => runs.activeCount).toBe(0);
});
