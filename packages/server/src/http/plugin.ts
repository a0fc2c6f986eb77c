import accepts from "@fastify/accepts";
import type { Engine } from "@sparql-live/engine";
import type {
  FastifyError,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
} from "fastify";
import type { Logger } from "pino";
import { createLive, type Live } from "../live.js";
import { createLog } from "../log.js";
import { failureOf, isFault } from "../realtime/refusals.js";
import { NotAcceptable } from "./accept.js";
import { mountExamples } from "./examples.js";
import { mountHealth } from "./health.js";
import { problem, problemOf, sendProblem } from "./problem.js";
import { mountSecurityHeaders } from "./security-headers.js";
import { mountVoid } from "./service-description.js";
import { mountSparql } from "./sparql.js";
import { mountStaticFiles } from "./static-files.js";
import { mountText2Sparql } from "./text2sparql.js";
import { createUpgrades } from "./upgrades.js";

export interface SparqlLiveOptions {
  /** Stays its owner's: it is not closed with the application. */
  readonly engine: Engine;
  /** Default: JSON lines of level `info` on standard output. */
  readonly log?: Logger;
  /** Origins, besides the server's own, whose pages may connect. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Default 30 000. */
  readonly heartbeatIntervalMs?: number;
  /** Default 60 000. */
  readonly heartbeatTimeoutMs?: number;
  /** Rows of one result, as told to clients. Default: the engine's. */
  readonly maxRows?: number;
  /** Whether to serve the page at `/`. Default `true`. */
  readonly page?: boolean;
  /** Whether upgrades of foreign paths are answered with 404. Default `false`: they are left to their owner. */
  readonly refuseForeignUpgrades?: boolean;
  /** Told once everything is mounted, with the real-time part. */
  readonly onLive?: (live: Live) => void;
}

/**
 * Mounts everything in an existing Fastify application, under the prefix that it is registered with. Headers, error
 * and body handling are its own; the rest of the application keeps what it has. Closing the application cancels
 * running queries and closes the connections.
 */
export const sparqlLive: FastifyPluginAsync<SparqlLiveOptions> = async (app, options) => {
  const { engine, log = createLog("info") } = options;
  const live = createLive({ ...options, log });
  mountSecurityHeaders(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, live, log));

  mountHealth(app, engine, live);
  mountExamples(app, engine);
  mountText2Sparql(app, engine);
  await app.register(accepts);
  mountVoid(app, engine);
  await mountSparql(app, { engine, live, log });
  if (options.page ?? true) await mountStaticFiles(app);

  const upgrades = createUpgrades({
    live,
    prefix: app.prefix.replace(/\/$/, ""),
    allowedOrigins: options.allowedOrigins ?? [],
    refuseForeign: options.refuseForeignUpgrades ?? false,
  });
  app.server.on("upgrade", upgrades.handle);
  app.addHook("preClose", async () => {
    await live.close();
    app.server.off("upgrade", upgrades.handle);
  });
  options.onLive?.(live);
};

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  live: Live,
  log: Logger,
): FastifyReply {
  if (error instanceof NotAcceptable) {
    return sendProblem(reply, {
      ...problem(406, "not_acceptable", error.message),
      formats: error.mediaTypes,
    });
  }
  const status = statusOfFrameworkError(error);
  if (status !== null) return sendProblem(reply, problem(status, "bad_request", messageOf(error)));
  if (isFault(error)) {
    live.counters.errors++;
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, "a request failed");
  }
  const failure = failureOf(error);
  return sendProblem(reply, problemOf(error), "retryAfterMs" in failure ? failure.retryAfterMs : undefined);
}

/** Fastify's own refusals (a body too large, a parameter missing, a media type unknown) carry their status. */
function statusOfFrameworkError(error: unknown): number | null {
  if (!(error instanceof Error) || !("statusCode" in error)) return null;
  const { statusCode } = error as FastifyError;
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For an application that is nothing else: paths that are not there are problems too. */
export function mountNotFound(app: FastifyInstance): void {
  mountSecurityHeaders(app);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem(404, "not_found", `There is nothing at ${request.method} ${request.url.split("?")[0]}.`),
    ),
  );
}
