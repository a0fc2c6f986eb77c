import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { addressOf } from "./client-address.js";

/**
 * One line for each answered request, at the level `debug`. Named is the route, not the address: what stands in a
 * query string, or in a path, may be a secret. The id is told to the client, too.
 */
export function mountRequestLog(app: FastifyInstance, log: Logger): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    if (!log.isLevelEnabled("debug")) return;
    log.debug(
      {
        request_id: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime),
        address: addressOf(request),
      },
      "request",
    );
  });
}
