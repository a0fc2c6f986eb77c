import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { ADMIN_LIMITS, ConnectionInfo } from "@sparql-live/protocol/admin";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Live } from "../live.js";
import { listConnections } from "../metrics/connection-info.js";
import { type AdminGate, adminOnly } from "./admin-gate.js";
import { documented } from "./operation.js";

const Page = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: ADMIN_LIMITS.maxListedConnectionsCount,
      default: ADMIN_LIMITS.listedConnectionsCount,
    }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
});

const ConnectionList = Type.Object({
  connections: Type.Array(ConnectionInfo),
  more: Type.Boolean({ description: "There are further ones after these." }),
});

/** `GET /api/ws/connections`: for the admin; to everybody else there is nothing at this path. */
export function mountConnections(app: FastifyInstance, live: Live, gate: AdminGate): void {
  const options = documented(
    {
      operationId: "listConnections",
      summary: "Lists the connections",
      description: "Without the admin's key, and where none is set, the answer is 404.",
      tag: "operation",
      needsAdminKey: true,
      responses: {
        200: { description: "The connections.", content: { "application/json": ConnectionList } },
      },
      problems: [400, 404, 429],
    },
    { querystring: Page },
  );
  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .get("/api/ws/connections", { ...options, onRequest: adminOnly(gate) }, async (request, reply) => {
      const { limit = ADMIN_LIMITS.listedConnectionsCount, offset = 0 } = request.query;
      reply.header("cache-control", "no-store");
      return listConnections(live, { limit, offset });
    });
}
