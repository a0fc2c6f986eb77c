import { expect, test } from "vitest";
import { createMemoryStorage } from "../memory-storage.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { CITIES, startServer } from "../testing/start-server.js";

async function readiness(url: string) {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

test("[HEALTH-1] [HEALTH-2] a server that may be sent work names each check", async () => {
  await using server = await startServer();
  expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: "ok" });
  expect(await readiness(server.url)).toEqual({
    status: 200,
    body: {
      status: "ready",
      reasons: [],
      checks: ["stage", "load", "store", "endpoints"].map((name) => ({ name, ok: true })),
    },
  });
});

test("[HEALTH-2] data that load, or could not be loaded, are no readiness", async () => {
  const engine = createMemoryEngine(CITIES);
  await using server = await startServer({ engine });
  for (const [state, words] of [
    ["loading", "is loading: half."],
    ["unreachable", "could not be loaded: half."],
  ] as const) {
    engine.setHealth({ state, message: "half", latencyMs: null, checkedAt: null, consecutiveFailures: 0 });
    expect(await readiness(server.url)).toMatchObject({
      status: 503,
      body: {
        reasons: [`The endpoint "local" ${words}`],
        checks: expect.arrayContaining([expect.objectContaining({ name: "endpoints", ok: false })]),
      },
    });
  }
});

test("[HEALTH-2] a store that refuses, or does not answer, is no readiness", async () => {
  const storage = createMemoryStorage();
  let count: () => Promise<number> = () => Promise.reject(new Error("the disk is gone"));
  const rooms = { ...storage.store.rooms, count: () => count() };
  const store = { ...storage.store, rooms, [Symbol.asyncDispose]: () => storage.close() };
  await using server = await startServer({ storage: { ...storage, store } });
  expect(await readiness(server.url)).toMatchObject({
    status: 503,
    body: {
      reasons: ["The store answers with an error."],
      checks: expect.arrayContaining([expect.objectContaining({ name: "store", ok: false })]),
    },
  });
  count = () => new Promise(() => undefined);
  expect(await readiness(server.url)).toMatchObject({
    status: 503,
    body: { reasons: ["The store does not answer."] },
  });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});
