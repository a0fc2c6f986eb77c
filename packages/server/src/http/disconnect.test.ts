import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createHookAuthenticator } from "../auth/hook.js";
import { createGate } from "../testing/gate.js";
import { startServer } from "../testing/start-server.js";

const STUCK = "SELECT ?s { GRAPH <urn:test:stuck> { ?s ?p ?o } }";
const PATHS = [
  `/sparql?query=${encodeURIComponent(STUCK)}`,
  `/sparql?query=${encodeURIComponent("SELECT * { ?s ?p ?o } # urn:test:endless")}`,
  `/sparql?query=${encodeURIComponent("ASK { ?s ?p ?o }")}`,
  // The fourth waits for its turn.
  "/text2sparql?dataset=local&question=all%20cities",
];

test("[HTTP-7] a client that hangs up ends all that it asked for on its connection, not only what it was answered next", async () => {
  await using server = await startServer();
  const { runs, queries } = server.server.live;
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(PATHS.map((path) => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`).join(""));
  await expect.poll(() => runs.activeCount).toBe(4);
  await expect.poll(() => server.engine.openCount).toBe(2);
  socket.destroy();
  await expect.poll(() => runs.activeCount, { timeout: 10_000 }).toBe(0);
  await expect.poll(() => server.engine.openCount, { timeout: 10_000 }).toBe(0);
  // And their turns are given back.
  const never = new AbortController().signal;
  for (let count = 0; count < 3; count++) {
    await queries?.turns.take("address 127.0.0.1", never, () => expect.unreachable("it has to wait"));
  }
});

test("[HTTP-7] who hangs up while it is found out who it is has asked for nothing", async () => {
  const gate = createGate();
  const authenticator = createHookAuthenticator(async () => {
    await gate.pass();
    return { userId: "ada" };
  });
  await using server = await startServer({ settings: { authenticator } });
  const sockets = once(server.server.app.server, "connection");
  const hangUp = new AbortController();
  const headers = { authorization: "Bearer opaque" };
  const asking = fetch(`${server.url}${PATHS[0]}`, { headers, signal: hangUp.signal });
  const [socket] = await sockets;
  await gate.reached;
  hangUp.abort();
  await expect(asking).rejects.toThrow();
  await expect.poll(() => socket.closed).toBe(true);
  gate.open();
  const { analytics, runs } = server.server.live;
  const counted = async () => (await analytics.between({})).map(({ cancelled }) => cancelled);
  await expect.poll(counted, { timeout: 10_000 }).toEqual([1]);
  expect([runs.activeCount, server.engine.openCount]).toEqual([0, 0]);
});
