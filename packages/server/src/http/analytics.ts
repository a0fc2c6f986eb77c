import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { ADMIN_ACTIONS, analyticsInfoOf } from "../admin/actions.js";
import type { Live } from "../live.js";
import { type AdminGate, adminOnly } from "./admin-gate.js";
import { documented } from "./operation.js";

const Count = Type.Integer({ minimum: 0 });

const Day = Type.Object({
  day: Type.String({ description: "UTC." }),
  endpoint_id: Type.String(),
  questions: Count,
  queries: Type.Integer({ minimum: 0, description: "That came as SPARQL." }),
  completed: Count,
  failed: Count,
  cancelled: Count,
  rows: Count,
  latency_ms: Type.Object(
    {
      count: Count,
      sum: Type.Number(),
      max: Type.Number(),
      buckets: Type.Array(
        Type.Object({
          le: Type.Union([Type.Number(), Type.Null()], { description: "`null`: longer than all before." }),
          count: Count,
        }),
      ),
    },
    { description: "Of those that completed." },
  ),
  texts: Type.Array(Type.String(), { description: "The first of the day, where the setting keeps them." }),
});

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
          content: { "application/json": Type.Object({ days: Type.Array(Day) }) },
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
