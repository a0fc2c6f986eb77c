import accepts from "@fastify/accepts";
import type { Engine } from "@sparql-live/engine";
import { FAILURES } from "@sparql-live/protocol";
import type {
  FastifyError,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
} from "fastify";
import type { Logger } from "pino";
import { createAdminEndpoint } from "../admin/endpoint.js";
import type { Identity } from "../auth/authenticator.js";
import { type Live, openLive } from "../live.js";
import type { LiveOptions } from "../live-options.js";
import { createLog } from "../log.js";
import { createMemoryStorage } from "../memory-storage.js";
import { failureOf, isFault } from "../realtime/refusals.js";
import type { Storage } from "../storage.js";
import { NotAcceptable } from "./accept.js";
import { createAdminGate } from "./admin-gate.js";
import { createAdminCheck } from "./admin-key.js";
import { mountAnalytics } from "./analytics.js";
import { mountAsyncApi } from "./asyncapi/routes.js";
import { mountBackup } from "./backup.js";
import { createProxyTrust } from "./client-address.js";
import { mountConnections } from "./connections.js";
import { mountCrossOrigin } from "./cross-origin.js";
import { mountLostAnswers } from "./disconnect.js";
import { mountEndpoints } from "./endpoints.js";
import { mountExamples } from "./examples.js";
import { createGate } from "./gate.js";
import { mountHealth } from "./health.js";
import { mountMetrics } from "./metrics.js";
import { gatherOperations, mountDocs } from "./openapi.js";
import { problem, problemOf, sendProblem } from "./problem.js";
import { mountRequestLog } from "./request-log.js";
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
  /** Whether `/api/ws/admin` takes the key in the address too (`api_key`), where logs may show it. Default `false`. */
  readonly adminKeyInAddress?: boolean;
  /** Origins, besides the server's own, whose pages may connect. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Whether messages are compressed for clients that offer permessage-deflate. Default `false`. */
  readonly compression?: boolean;
  /**
   * Addresses, and networks as `10.0.0.0/8`, of proxies whose `X-Forwarded-For` is believed of WebSockets. Of requests
   * the application decides (`trustProxy`). Default none.
   */
  readonly trustedProxies?: readonly string[];
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
  const { engine = null, log = createLog("info"), allowedOrigins = [] } = options;
  // Before anything is opened: a key that is too short is refused.
  const isAdminKey = createAdminCheck(options.adminKey ?? null);
  const storage = options.storage ?? createMemoryStorage();
  const live = await openLive({ ...options, engine, storage, log });
  const adminGate = createAdminGate({
    isAdminKey,
    identityOfToken: (token, address) => identityOfToken(live, token, address),
    log,
  });
  const adminEndpoint = createAdminEndpoint({ live, engine, drain: () => live.drain() }, log);
  mountSecurityHeaders(app);
  mountLostAnswers(app);
  mountCrossOrigin(app, allowedOrigins);
  mountRequestLog(app, log);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, live, log));

  if (!app.hasRequestDecorator("accepts")) await app.register(accepts);
  await gatherOperations(app, !live.authentication.isOpen);
  const gate = createGate(live.authentication, adminGate);
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
    mountText2Sparql(app, { engine, live, gate });
    mountVoid(app, engine);
    await mountSparql(app, { engine, live, gate, log, logQueries: options.logQueries ?? false });
  }
  mountTickets(app, live.authentication, gate);
  await mountRooms(app, { live, gate, adminGate, allowedOrigins });
  if (engine !== null) mountEndpoints(app, { live, gate, allowedOrigins });
  mountConnections(app, live, adminGate);
  mountAnalytics(app, live, adminGate);
  mountUserData(app, { live, gate, adminGate, allowedOrigins });
  mountBackup(app, storage, adminGate);
  mountMetrics(app, live, engine?.endpoints ?? null);

  const upgrades = createUpgrades({
    live,
    prefix: app.prefix.replace(/\/$/, ""),
    allowedOrigins,
    proxyTrust: createProxyTrust(options.trustedProxies ?? []),
    refuseForeign: options.refuseForeignUpgrades ?? false,
    compression: options.compression ?? false,
    admin: { gate: adminGate, endpoint: adminEndpoint, keyInAddress: options.adminKeyInAddress ?? false },
  });
  const detach = upgrades.attach(app.server);
  app.addHook("preClose", async () => {
    await live.close();
    adminEndpoint.close();
    if (options.storage === undefined) await storage.close();
    detach();
  });
  options.onLive?.(live);
};

/** An admin shows a token; one that proves nothing is counted as a wrong key. */
async function identityOfToken(
  { authentication }: Live,
  token: string,
  address: string,
): Promise<Identity | null> {
  if (authentication.isOpen) return null;
  try {
    return await authentication.prove(token, { remoteAddress: address });
  } catch (error) {
    if (FAILURES[failureOf(error).code].http === 401) return null;
    throw error;
  }
}

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
    const { id, method, routeOptions } = request;
    log.error({ err: error, request_id: id, method, route: routeOptions.url }, "a request failed");
  }
  const failure = failureOf(error);
  return sendProblem(reply, problemOf(error), failure.retryAfterMs);
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
