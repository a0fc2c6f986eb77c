import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import { ConnectionInfo, connectionInfoOf, connectionsOf } from "../metrics/connection-info.js";
import { type AdminCheck, bearerOf } from "./admin-key.js";
import { documented } from "./operation.js";

const Page = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: SERVER_LIMITS.maxListedConnectionsCount,
      default: SERVER_LIMITS.listedConnectionsCount,
    }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
});

const ConnectionList = Type.Object({
  connections: Type.Array(ConnectionInfo),
  more: Type.Boolean({ description: "There are further ones after these." }),
});

/** `GET /api/ws/connections`: for the admin; to everybody else there is nothing at this path. */
export function mountConnections(app: FastifyInstance, live: Live, isAdminKey: AdminCheck): void {
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
      problems: [400, 404],
    },
    { querystring: Page },
  );
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    "/api/ws/connections",
    {
      ...options,
      onRequest(request, reply, done) {
        // Before anything of the request is checked: a refusal of that would tell that there is something.
        if (isAdminKey(bearerOf(request))) done();
        else reply.callNotFound();
      },
    },
    async (request, reply) => {
      const { limit = SERVER_LIMITS.listedConnectionsCount, offset = 0 } = request.query;
      const connections: ConnectionInfo[] = [];
      let index = 0;
      let more = false;
      for (const peer of connectionsOf(live)) {
        if (index++ < offset) continue;
        if (connections.length === limit) {
          more = true;
          break;
        }
        connections.push(connectionInfoOf(peer));
      }
      reply.header("cache-control", "no-store");
      return { connections, more };
    },
  );
}
