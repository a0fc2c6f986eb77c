import type { Engine } from "@sparql-live/engine";
import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import { documented } from "./operation.js";

const Alive = Type.Object({ status: Type.Literal("ok") });
const Check = Type.Object({
  name: Type.Enum(["stage", "load", "store", "endpoints"]),
  ok: Type.Boolean(),
  reason: Type.Optional(Type.String({ description: "Why not." })),
});
const Readiness = Type.Object({
  status: Type.Union([Type.Literal("ready"), Type.Literal("not_ready")]),
  reasons: Type.Array(Type.String(), { description: "Those of the checks that failed." }),
  checks: Type.Array(Check),
});

type Check = Static<typeof Check>;

/** `/healthz`: the process is alive. `/readyz`: it may be sent work; 503 with the reasons while it may not. */
export function mountHealth(app: FastifyInstance, engine: Engine | null, live: Live): void {
  for (const path of ["/healthz", "/health"]) {
    const options = documented(
      {
        operationId: path.slice(1),
        summary: "The process is alive",
        description: "Its event loop turns, or nothing would be answered.",
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
        503: {
          description: "It may not: it shuts down, is overloaded, loads data, or its store does not answer.",
          content,
        },
      },
      problems: [],
    },
    {},
  );
  const checkStore = createStoreCheck(live);
  app.get("/readyz", options, async (_request, reply) => {
    const checks = [checkStage(live), checkLoad(live), await checkStore(), checkEndpoints(engine)];
    const reasons = checks.flatMap(({ reason }) => reason ?? []);
    reply.header("cache-control", "no-store").code(reasons.length === 0 ? 200 : 503);
    return { status: reasons.length === 0 ? "ready" : "not_ready", reasons, checks };
  });
}

function checkOf(name: Check["name"], reasons: readonly string[]): Check {
  return reasons.length === 0 ? { name, ok: true } : { name, ok: false, reason: reasons.join(" ") };
}

function checkStage({ stage }: Live): Check {
  return checkOf("stage", stage === "serving" ? [] : ["The server is shutting down."]);
}

function checkLoad({ pressure }: Live): Check {
  return checkOf("load", pressure.isOverloaded ? ["The server is overloaded."] : []);
}

/** One look serves all who ask at the same time: a store that hangs is not asked over and over. */
function createStoreCheck({ store, log }: Live): () => Promise<Check> {
  let looking: Promise<Check> | null = null;
  const look = async (): Promise<Check> => {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<string[]>((resolve) => {
      timer = setTimeout(() => resolve(["The store does not answer."]), SERVER_LIMITS.storeCheckTimeoutMs);
    });
    const answer = store.rooms.count().then(
      () => [],
      (error: unknown) => {
        log.warn({ err: error }, "the store failed a check");
        return ["The store answers with an error."];
      },
    );
    const reasons = await Promise.race([answer, timeout]);
    clearTimeout(timer);
    return checkOf("store", reasons);
  };
  return () => {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  };
}

function checkEndpoints(engine: Engine | null): Check {
  const reasons: string[] = [];
  for (const endpoint of engine?.endpoints.list() ?? []) {
    const { state, message } = endpoint.health();
    const words = message === undefined ? "." : `: ${message}.`;
    if (state === "loading") reasons.push(`The endpoint "${endpoint.entry.id}" is loading${words}`);
    // Of others it is told, but that they are away is no fault of this server.
    if (state === "unreachable" && endpoint.kind === "embedded")
      reasons.push(`The endpoint "${endpoint.entry.id}" could not be loaded${words}`);
  }
  return checkOf("endpoints", reasons);
}
