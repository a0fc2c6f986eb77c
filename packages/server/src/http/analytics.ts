import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { ADMIN_ACTIONS, AnalyticsInfo } from "@sparql-live/protocol/admin";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { analyticsInfoOf } from "../admin/analytics-info.js";
import type { Live } from "../live.js";
import { type AdminGate, adminOnly } from "./admin-gate.js";
import { documented } from "./operation.js";

/** `GET /api/ws/analytics`: for the admin; to everybody else there is nothing at this path. */
export function mountAnalytics(app: FastifyInstance, live: Live, gate: AdminGate): void {
  const options = documented(
    {
      operationId: "getAnalytics",
      summary: "Counts of questions and queries by day and endpoint",
      description: "Without the admin's key, and where none is set, the answer is 404.",
      tag: "operation",
      needsAdminKey: true,
      responses: {
        200: {
          description: "The days, both included; by default the last thirty.",
          content: { "application/json": Type.Object({ days: Type.Array(AnalyticsInfo) }) },
        },
      },
      problems: [400, 404, 429, 503],
    },
    { querystring: ADMIN_ACTIONS.analytics },
  );
  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .get("/api/ws/analytics", { ...options, onRequest: adminOnly(gate) }, async (request, reply) => {
      reply.header("cache-control", "no-store");
      const days = await live.analytics.between(request.query);
      return { days: days.map(analyticsInfoOf) };
    });
}
