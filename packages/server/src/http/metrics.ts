import type { EndpointRegistry } from "@sparql-live/engine";
import { MetricsSnapshot } from "@sparql-live/protocol/admin";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Live } from "../live.js";
import { openMetrics } from "../metrics/server-metrics.js";
import { metricsOf } from "../metrics/snapshot.js";
import { documented } from "./operation.js";

/** `/api/ws/metrics` for dashboards, `/metrics` for Prometheus: the same numbers. */
export function mountMetrics(app: FastifyInstance, live: Live, endpoints: EndpointRegistry | null): void {
  const metrics = openMetrics(live, endpoints);
  app.addHook("onClose", async () => metrics.close());

  const asJson = documented(
    {
      operationId: "getMetrics",
      summary: "What the server counted, and what it holds",
      tag: "operation",
      responses: { 200: { description: "The numbers.", content: { "application/json": MetricsSnapshot } } },
      problems: [],
    },
    {},
  );
  app.get("/api/ws/metrics", asJson, async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return metricsOf(live);
  });

  const asText = documented(
    {
      operationId: "scrapeMetrics",
      summary: "The metrics as Prometheus reads them",
      description: "Text format 0.0.4, base units. Names begin with sparql_live_, process_ or nodejs_.",
      tag: "operation",
      responses: { 200: { description: "The metrics.", content: { "text/plain": Type.String() } } },
      problems: [],
    },
    {},
  );
  app.get("/metrics", asText, async (_request, reply) => {
    const text = await metrics.text();
    return reply.headers({ "content-type": metrics.contentType, "cache-control": "no-store" }).send(text);
  });
}
