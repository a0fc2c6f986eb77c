import { expect, test } from "vitest";
import { openClient, type TestClient } from "../../packages/server/src/testing/test-client.js";
import { printFigures } from "../support/figures.js";
import { startServerProcess } from "../support/server-process.js";

const NODES_COUNT = 3_000;
const DATA = Array.from(
  { length: NODES_COUNT },
  (_, index) =>
    `<urn:n${index}> <urn:next> <urn:n${(index + 1) % NODES_COUNT}> ; <urn:text> "${"a".repeat(50)}${index}" .`,
).join("\n");
const TIMEOUT_MS = 4_000;
/** So that both workers, and the one that takes the place of another, have loaded the data. */
const WARM_UP_MS = 6_000;
const EXPENSIVE = {
  "a product": "SELECT (COUNT(*) AS ?count) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
  "a deep path": "SELECT (COUNT(*) AS ?count) { ?a (<urn:next>+/<urn:next>+)+ ?b }",
  "a regular expression":
    'SELECT (COUNT(*) AS ?count) { ?a <urn:text> ?v . ?b <urn:text> ?w FILTER REGEX(CONCAT(?v, ?w), "(a|aa)+(a*)*b$") }',
};
const CHEAP = "SELECT ?next { <urn:n0> <urn:next> ?next }";
const MIN_MEASURED_COUNT = 30;
/** The others' slowest: at most doubled, and what another process may take of the machine meanwhile. */
const latencyBoundMs = (beforeMs: number) => 2 * beforeMs + 1_500;

/** The slowest of queries that somebody asks one after another, at least so many and until it is enough. */
async function slowestMs(client: TestClient, name: string, isEnough: () => boolean): Promise<number> {
  let slowest = 0;
  for (let count = 0; count < MIN_MEASURED_COUNT || !isEnough(); count++) {
    const id = `${name}-${count}`;
    const begunMs = performance.now();
    client.send("query_request", { sparql: CHEAP }, { message_id: id });
    expect((await client.next("query_result", id)).payload.row_count).toBe(1);
    slowest = Math.max(slowest, performance.now() - begunMs);
  }
  return slowest;
}

test("[QUERY-13] a product, a deep path and a regular expression end at the timeout, and hold nobody else up", {
  timeout: 120_000,
}, async () => {
  await using server = await startServerProcess({
    data: DATA,
    settings: ["--rate-limit-per-minute", "0", "--workers", "2", "--query-timeout-ms", String(TIMEOUT_MS)],
  });
  await using greedy = await openClient(`${server.webSocketUrl}?user_id=greedy`);
  await using modest = await openClient(`${server.webSocketUrl}?user_id=modest`);
  const begunMs = performance.now();
  await slowestMs(modest, "warm-up", () => performance.now() - begunMs > WARM_UP_MS);
  const before = await slowestMs(modest, "before", () => true);
  for (const [index, [name, sparql]] of Object.entries(EXPENSIVE).entries()) {
    let hasEnded = false;
    greedy.send("query_request", { sparql }, { message_id: `e${index}` });
    const failed = greedy.next("error_message", `e${index}`).finally(() => {
      hasEnded = true;
    });
    const during = await slowestMs(modest, `during${index}`, () => hasEnded);
    printFigures(name, {
      "slowest of the others before, ms": Math.round(before),
      "and meanwhile": Math.round(during),
    });
    expect((await failed).payload).toMatchObject({ code: "query_timeout" });
    expect(during).toBeLessThan(latencyBoundMs(before));
  }
});
