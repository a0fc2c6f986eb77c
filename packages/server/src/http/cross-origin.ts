import type { FastifyInstance } from "fastify";

/** Pages read these of an answer; others only the server's own pages do. */
const EXPOSED = "query-id, retry-after, sparql-live-completeness, x-request-id";
const ALLOWED = {
  "access-control-allow-methods": "GET, HEAD, POST, DELETE, OPTIONS",
  "access-control-allow-headers": "accept, authorization, content-type, query-id, traceparent",
  "access-control-max-age": "600",
};

/**
 * CORS, for pages of the origins that are named, each by its own name: never for all, and never with cookies, which
 * this server does not use. Others get no such header, and their browsers keep the answers from them.
 */
export function mountCrossOrigin(app: FastifyInstance, allowedOrigins: readonly string[]): void {
  if (allowedOrigins.length === 0) return;
  app.addHook("onRequest", async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !allowedOrigins.includes(origin)) return;
    reply.headers({ "access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED });
    const isPreflight =
      request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    if (isPreflight) return reply.headers(ALLOWED).code(204).send();
  });
  app.addHook("onSend", async (_request, reply) => {
    const vary = reply.getHeader("vary");
    reply.header("vary", vary === undefined ? "origin" : `${vary}, origin`);
  });
  // Of paths without an OPTIONS of their own: hooks run for routes alone.
  app.options("/*", { schema: { hide: true } }, (_request, reply) => reply.callNotFound());
}
