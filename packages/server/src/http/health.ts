import type { Engine } from "@sparql-live/engine";
import type { FastifyInstance } from "fastify";
import type { Live } from "../live.js";

/** `/healthz`: the process is alive. `/readyz`: it may be sent work; 503 with the reasons while it may not. */
export function mountHealth(app: FastifyInstance, engine: Engine, live: Live): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const reasons = unreadiness(engine, live);
    reply.header("cache-control", "no-store").code(reasons.length === 0 ? 200 : 503);
    return { status: reasons.length === 0 ? "ready" : "not_ready", reasons };
  });
}

function unreadiness(engine: Engine, live: Live): string[] {
  const reasons = live.isDraining ? ["The server is shutting down."] : [];
  for (const endpoint of engine.endpoints.list()) {
    const { state, message } = endpoint.health();
    if (state === "loading") {
      reasons.push(
        `The endpoint "${endpoint.entry.id}" is loading${message === undefined ? "" : `: ${message}`}.`,
      );
    }
  }
  return reasons;
}
