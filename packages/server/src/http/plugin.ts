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
import { type Live, openLive } from "../live.js";
import type { LiveOptions } from "../live-options.js";
import { createLog } from "../log.js";
import { createMemoryStorage } from "../memory-storage.js";
import { failureOf, isFault } from "../realtime/refusals.js";
import type { Storage } from "../storage.js";
import { NotAcceptable } from "./accept.js";
import { createAdminCheck } from "./admin-key.js";
import { mountAsyncApi } from "./asyncapi/routes.js";
import { mountBackup } from "./backup.js";
import { mountConnections } from "./connections.js";
import { mountEndpoints } from "./endpoints.js";
import { mountExamples } from "./examples.js";
import { createGate } from "./gate.js";
import { mountHealth } from "./health.js";
import { mountMetrics } from "./metrics.js";
import { gatherOperations, mountDocs } from "./openapi.js";
import { problem, problemOf, sendProblem } from "./problem.js";
import { mountRooms } from "./rooms.js";
import { mountSecurityHeaders } from "./security-headers.js";
import { mountVoid } from "./service-description.js";
import { mountSignIn, mountTickets } from "./sign-in.js";
import { mountSparql } from "./sparql.js";
import { mountStaticFiles } from "./static-files.js";
import { mountText2Sparql } from "./text2sparql.js";
import { createUpgrades } from "./upgrades.js";
import { mountUserData } from "./user-data.js";

export interface SparqlLiveOptions extends Partial<Omit<LiveOptions, "engine" | "storage">> {
  /** Stays its owner's: it is not closed with the application. Default `null`: the real-time part alone. */
  readonly engine?: Engine | null;
  /** Where rooms, their messages and queues are kept; stays its owner's. Default: in memory. */
  readonly storage?: Storage;
  /** Proves an administrator, in `Authorization: Bearer`. 32 characters or more. Default `null`: there is none. */
  readonly adminKey?: string | null;
  /** Origins, besides the server's own, whose pages may connect. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Whether messages are compressed for clients that offer permessage-deflate. Default `false`. */
  readonly compression?: boolean;
  /** Whether to serve the page at `/`. Default: where there is an engine. */
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
  const { engine = null, log = createLog("info") } = options;
  // Before anything is opened: a key that is too short is refused.
  const isAdminKey = createAdminCheck(options.adminKey ?? null);
  const storage = options.storage ?? createMemoryStorage();
  const live = await openLive({ ...options, engine, storage, log });
  mountSecurityHeaders(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, live, log));

  if (!app.hasRequestDecorator("accepts")) await app.register(accepts);
  await gatherOperations(app, !live.authentication.isOpen);
  const gate = createGate(live.authentication, isAdminKey);
  gate.guard(app);
  await app.register(async (open) => {
    gate.exempt(open);
    mountHealth(open, engine, live);
    mountSignIn(open, live.authentication);
    if (options.page ?? engine !== null) await mountStaticFiles(open);
    await mountAsyncApi(open);
    await mountDocs(open);
  });
  if (engine !== null) {
    mountExamples(app, engine);
    mountText2Sparql(app, engine);
    mountVoid(app, engine);
    await mountSparql(app, { engine, live, log });
  }
  mountTickets(app, live.authentication, gate);
  await mountRooms(app, { live, gate, isAdminKey, allowedOrigins: options.allowedOrigins ?? [] });
  if (engine !== null) mountEndpoints(app, { live, gate, allowedOrigins: options.allowedOrigins ?? [] });
  mountConnections(app, live, isAdminKey);
  mountUserData(app, { live, gate, isAdminKey, allowedOrigins: options.allowedOrigins ?? [] });
  mountBackup(app, storage, isAdminKey);
  mountMetrics(app, live, engine?.endpoints ?? null);

  const upgrades = createUpgrades({
    live,
    prefix: app.prefix.replace(/\/$/, ""),
    allowedOrigins: options.allowedOrigins ?? [],
    refuseForeign: options.refuseForeignUpgrades ?? false,
    compression: options.compression ?? false,
  });
  const detach = upgrades.attach(app.server);
  app.addHook("preClose", async () => {
    await live.close();
    if (options.storage === undefined) await storage.close();
    detach();
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
