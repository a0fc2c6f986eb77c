import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { bearer, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { nextPressure, type Pressure, type PressureSample, RELAXED } from "./pressure.js";

const LIMITS = { maxEventLoopDelayMs: 1_000, maxHeapBytes: 100, maxRssBytes: 0 };
const MEBIBYTE = 1024 * 1024;
const QUERY = "SELECT ?s { ?s ?p ?o } LIMIT 1";

function sample(eventLoopDelayMs: number, heapBytes = 0): PressureSample {
  return { eventLoopDelayMs, heapBytes, rssBytes: 1_000_000 };
}

/** Leaves room for who comes before the overload, whatever the process holds already. */
function limitAboveNow(): number {
  return process.memoryUsage.rss() + 100 * MEBIBYTE;
}

/**
 * Fills memory until the server sees it. What the process held when its limit was chosen may have been given back
 * since, so there is no telling how much it takes. Resolves to what must be kept for as long as the overload is needed.
 */
async function overload(pressure: Pressure): Promise<Buffer[]> {
  const ballast: Buffer[] = [];
  const fill = () => {
    // Written to, so that it is memory.
    ballast.push(Buffer.alloc(100 * MEBIBYTE, 1));
    return pressure.isOverloaded;
  };
  await expect.poll(fill, { interval: 500, timeout: 20_000 }).toBe(true);
  return ballast;
}

/** The kind after each sample. */
function after(...samples: readonly PressureSample[]): string[] {
  let state = RELAXED;
  return samples.map((next) => {
    state = nextPressure(state, next, LIMITS);
    return state.kind;
  });
}

test("[HEALTH-4] one late moment is no overload, two in a row are, and the limit itself is none", () => {
  const late = sample(1_001);
  expect(after(late, sample(0), late, late)).toEqual(["relaxed", "relaxed", "relaxed", "overloaded"]);
  expect(after(sample(1_000), sample(1_000, 100))).toEqual(["relaxed", "relaxed"]);
  expect(after(sample(0, 101), sample(0, 101))).toEqual(["relaxed", "overloaded"]);
});

test("[HEALTH-4] an overload ends after four samples in a row below 80 % of the limits", () => {
  const begin = [sample(2_000), sample(2_000)];
  const well = sample(800, 80);
  const near = sample(801);
  expect(after(...begin, well, well, well, near, well, well, well, well).slice(2)).toEqual([
    ...Array.from({ length: 7 }, () => "overloaded"),
    "relaxed",
  ]);
});

test("[HEALTH-3] under overload new work is refused with when to return, what is there goes on, and it is counted [HEALTH-5]", async () => {
  await using loaded = await startServer({ settings: { maxRssBytes: limitAboveNow() } });
  await using early = await openClient(loaded.ws);
  await early.next("connection_ack");
  const ballast = await overload(loaded.server.live.pressure);

  early.send("query_request", { sparql: QUERY }, { message_id: "q" });
  expect((await early.next("error_message", "q")).payload).toMatchObject({
    code: "overloaded",
    retry_after: 5,
  });
  early.send("ping");
  await early.next("pong");
  const answer = await fetch(`${loaded.url}/sparql?query=${encodeURIComponent(QUERY)}`);
  expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toMatchObject([
    503,
    "5",
    { code: "overloaded" },
  ]);
  const [, refused] = await once(new WebSocket(loaded.ws), "unexpected-response");
  refused.resume();
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "5"]);

  expect((await fetch(`${loaded.url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${loaded.url}/readyz`)).json()).toMatchObject({
    reasons: ["The server is overloaded."],
  });
  expect(await (await fetch(`${loaded.url}/api/ws/metrics`)).json()).toMatchObject({
    overloaded: true,
    queries_shed: 2,
    disconnects_by_reason: { overloaded: 1 },
  });
  const text = await (await fetch(`${loaded.url}/metrics`)).text();
  expect(text).toContain("sparql_live_overloaded 1");
  expect(text).toContain("sparql_live_queries_shed_total 2");
  expect(ballast.length).toBeGreaterThan(0);
});

test("[HEALTH-3] an admin is let in under overload, to see to it, and so is who has only to authenticate", async () => {
  const adminKey = "k".repeat(32);
  await using loaded = await startServer({
    settings: {
      ...WITH_SECRET,
      adminKey,
      maxRssBytes: limitAboveNow(),
      // However long it takes until there is an overload.
      authenticationTimeoutMs: 60_000,
    },
  });
  await using early = await openClient(loaded.ws);
  await early.next("connection_ack");
  const ballast = await overload(loaded.server.live.pressure);
  for (const shown of [adminKey, await tokenOf("root", { role: "admin" })]) {
    await using admin = await openClient(loaded.ws.replace("query", "admin"), bearer(shown));
    admin.sendRaw('{"type": "ping"}');
    await admin.next("pong");
  }
  early.send("authenticate", { token: await tokenOf("ada") });
  expect((await early.next("authenticated")).payload.user_id).toBe("ada");
  expect(ballast.length).toBeGreaterThan(0);
});

test("[HEALTH-3] a stalling event loop is seen, and forgotten when it turns again", async () => {
  await using server = await startServer({ settings: { maxEventLoopDelayMs: 300 } });
  const { pressure } = server.server.live;
  const stall = setInterval(() => {
    const endMs = performance.now() + 1_000;
    while (performance.now() < endMs) void 0;
  }, 10);
  await expect.poll(() => pressure.isOverloaded, { timeout: 20_000 }).toBe(true);
  clearInterval(stall);
  await expect.poll(() => pressure.isOverloaded, { timeout: 20_000 }).toBe(false);
});
