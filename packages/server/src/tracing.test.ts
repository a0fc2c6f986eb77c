import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ROOT_CONTEXT, type Span, type SpanContext, type Tracer, trace } from "@opentelemetry/api";
import { createEngine } from "@sparql-live/engine";
import { afterEach, expect, test } from "vitest";
import { startServer } from "./testing/start-server.js";
import { openClient } from "./testing/test-client.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const ANSWER = JSON.stringify({ head: {}, boolean: true });

afterEach(() => trace.disable());

/** A remote endpoint that remembers the traces it was told, and a server in front of it. */
async function startTraced() {
  const told: (string | undefined)[] = [];
  const remote = createServer((request, response) => {
    request.resume();
    const { traceparent } = request.headers;
    told.push(typeof traceparent === "string" ? traceparent : undefined);
    response.writeHead(200, { "content-type": "application/sparql-results+json" }).end(ANSWER);
  });
  remote.listen(0, "127.0.0.1");
  await once(remote, "listening");
  const url = `http://127.0.0.1:${(remote.address() as AddressInfo).port}/sparql`;
  const engine = createEngine({ entries: [{ id: "remote", title: "Remote", url, probe: false }] });
  const server = await startServer({ engine });
  return {
    server,
    told,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await engine.close();
      remote.closeAllConnections();
      remote.close();
    },
  };
}

type Traced = Awaited<ReturnType<typeof startTraced>>;

async function askBoth({ server, told }: Traced, traceparent: string): Promise<(string | undefined)[]> {
  told.splice(0);
  const sparql = "ASK { ?s ?p 1 }";
  await using client = await openClient(server.ws);
  client.send("query_request", { sparql, endpoint_id: "remote" }, { message_id: "q", traceparent });
  expect((await client.run("q")).at(-1)).toMatchObject({ payload: { stage: "completed" } });
  const query = new URLSearchParams({ query: sparql, endpoint: "remote" });
  const answer = await fetch(`${server.url}/sparql?${query}`, { headers: { traceparent } });
  expect(await answer.json()).toMatchObject({ boolean: true });
  return [...told];
}

test("[TRACE-1] the trace of who asks goes on to the endpoint, by envelope and by header", async () => {
  await using traced = await startTraced();
  expect(await askBoth(traced, PARENT)).toEqual([PARENT, PARENT]);
});

test.each(["what", "00-0-0-01", `00-${"0".repeat(32)}-b7ad6b7169203331-01`, `${PARENT}-more`])(
  "[TRACE-1] the trace %j is passed over",
  async (traceparent) => {
    await using traced = await startTraced();
    expect(await askBoth(traced, traceparent)).toEqual([undefined, undefined]);
  },
);

test("[TRACE-2] with an SDK each query is a span of the trace, ended once, which the endpoint is told", async () => {
  await using traced = await startTraced();
  const begun: { name: string; parent: SpanContext | undefined; attributes: unknown }[] = [];
  let endedCount = 0;
  const spanOf = (index: number): Span => {
    const context = { traceId: TRACE, spanId: `00000000000000${index}0`, traceFlags: 1 };
    const span = trace.wrapSpanContext(context);
    return Object.assign(span, { end: () => void endedCount++ });
  };
  const startSpan: Tracer["startSpan"] = (name, { attributes } = {}, context = ROOT_CONTEXT) => {
    begun.push({ name, parent: trace.getSpanContext(context), attributes });
    return spanOf(begun.length);
  };
  const startActiveSpan = () => {
    throw new Error("not used");
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan }) });

  expect(await askBoth(traced, PARENT)).toEqual(
    [1, 2].map((index) => `00-${TRACE}-00000000000000${index}0-01`),
  );
  expect(begun).toHaveLength(2);
  for (const { name, parent, attributes } of begun) {
    expect([name, parent?.spanId]).toEqual(["query", "b7ad6b7169203331"]);
    expect(JSON.stringify(attributes)).not.toContain("ASK");
  }
  await expect.poll(() => endedCount).toBe(2);
});
