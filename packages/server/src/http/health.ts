import type { Engine } from "@sparql-live/engine";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Live } from "../live.js";
import { documented } from "./operation.js";

const Alive = Type.Object({ status: Type.Literal("ok") });
const Readiness = Type.Object({
  status: Type.Union([Type.Literal("ready"), Type.Literal("not_ready")]),
  reasons: Type.Array(Type.String()),
});

/** `/healthz`: the process is alive. `/readyz`: it may be sent work; 503 with the reasons while it may not. */
export function mountHealth(app: FastifyInstance, engine: Engine | null, live: Live): void {
  for (const path of ["/healthz", "/health"]) {
    const options = documented(
      {
        operationId: path.slice(1),
        summary: "The process is alive",
        tag: "operation",
        responses: { 200: { description: "It is.", content: { "application/json": Alive } } },
        problems: [],
      },
      {},
    );
    app.get(path, options, async () => ({ status: "ok" }));
  }
  const content = { "application/json": Readiness };
  const options = documented(
    {
      operationId: "readyz",
      summary: "The server may be sent work",
      tag: "operation",
      responses: {
        200: { description: "It may.", content },
        503: { description: "It may not, for these reasons: data is loaded, or it shuts down.", content },
      },
      problems: [],
    },
    {},
  );
  app.get("/readyz", options, async (_request, reply) => {
    const reasons = unreadiness(engine, live);
    reply.header("cache-control", "no-store").code(reasons.length === 0 ? 200 : 503);
    return { status: reasons.length === 0 ? "ready" : "not_ready", reasons };
  });
}

function unreadiness(engine: Engine | null, live: Live): string[] {
  const reasons = live.isDraining ? ["The server is shutting down."] : [];
  for (const endpoint of engine?.endpoints.list() ?? []) {
    const { state, message } = endpoint.health();
    if (state === "loading") {
      reasons.push(
        `The endpoint "${endpoint.entry.id}" is loading${message === undefined ? "" : `: ${message}`}.`,
      );
    }
  }
  return reasons;
}
