import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { startStub } from "../endpoints/remote/testing/stub-endpoint.js";

/** The built thread of embedded data; in it, once its (empty) data is loaded, whatever could open a connection. */
const ATTEMPTS = `
  const { workerData, parentPort } = require("node:worker_threads");
  const attempts = {
    fetch: () => fetch(workerData.url),
    http: () => new Promise((resolve, reject) => require("node:http").get(workerData.url, resolve).on("error", reject)),
    net: () => new Promise((resolve, reject) => {
      require("node:net").connect(Number(new URL(workerData.url).port), "127.0.0.1", resolve).on("error", reject);
    }),
    tls: () => new Promise((resolve, reject) => {
      require("node:tls").connect(Number(new URL(workerData.url).port), "127.0.0.1", resolve).on("error", reject);
    }),
  };
  const prepare = workerData.module === null ? Promise.resolve() : import(workerData.module);
  prepare.then(async () => {
    const outcomes = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      outcomes[name] = await attempt().then(() => "connected", (error) => (error.cause ?? error).code);
    }
    parentPort.postMessage({ kind: "attempted", outcomes });
  });
`;

async function attemptIn(module: string | null, url: string): Promise<unknown> {
  const worker = new Worker(ATTEMPTS, { eval: true, workerData: { module, url, sources: [] } });
  try {
    for (;;) {
      const [message] = await once(worker, "message");
      if (message.kind === "attempted") return message.outcomes;
    }
  } finally {
    await worker.terminate();
  }
}

test("[GUARD-9] the thread that answers queries on embedded data can open no connection", async () => {
  await using stub = await startStub((_request, response) => response.end("secret"));
  let connectionCount = 0;
  stub.events.on("connection", () => {
    connectionCount += 1;
  });
  const built = new URL("../../dist/endpoints/embedded/worker.js", import.meta.url).href;
  const refused = "address_forbidden";
  expect(await attemptIn(built, stub.url)).toEqual({
    fetch: refused,
    http: refused,
    net: refused,
    tls: refused,
  });
  expect(connectionCount).toBe(0);
  // Any other thread can.
  expect(await attemptIn(null, stub.url)).toMatchObject({ fetch: "connected", http: "connected" });
  expect(connectionCount).toBeGreaterThanOrEqual(3);
});
