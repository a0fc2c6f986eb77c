import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createGuardedFetch, createNetworkGuard, type Engine, type GuardedFetch } from "@sparql-live/engine";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { type AuthSettings, configuredAuthenticator, refuseOpenDoor } from "../auth/configured.js";
import type { Fetch } from "../auth/json-document.js";
import { isLoopback } from "../auth/loopback.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import type { LiveOptions } from "../live-options.js";
import { createLog } from "../log.js";
import type { Settings } from "../settings/table.js";
import type { Storage } from "../storage.js";
import { answerBrokenRequest } from "./broken-requests.js";
import { createProxyTrust } from "./client-address.js";
import { boundOpenSockets } from "./open-sockets.js";
import { mountNotFound, sparqlLive } from "./plugin.js";
import { mountTransportSecurity } from "./security-headers.js";
import { readTlsFiles } from "./tls.js";

/** Where no `authenticator` is given, it is what the settings ask for. */
export type ServerSettings = Omit<LiveOptions, "engine" | "storage" | "log" | "drainGraceMs"> &
  Pick<Settings, "host" | "port" | "logLevel" | "allowedOrigins"> &
  Partial<
    Pick<
      Settings,
      | "adminKey"
      | "adminKeyInAddress"
      | "allowedNetworks"
      | "compression"
      | "drainGraceMs"
      | "insecureOpen"
      | "tlsCert"
      | "tlsKey"
      | "trustedProxies"
    >
  > &
  Partial<AuthSettings>;

export interface Server {
  /** To mount more beside it before it listens. */
  readonly app: FastifyInstance;
  readonly live: Live;
  /** Listens; settles with the address, for example `http://127.0.0.1:8000`. Rejects where the port is taken. */
  listen(): Promise<string>;
  /**
   * Reads certificate and key again, for connections from now on. Throws `SettingsError` where they cannot be read,
   * and what Node throws where they do not fit; those from before then stay in use. Does nothing without TLS.
   */
  reloadTls(): void;
  /**
   * Stops accepting, cancels and tells running queries, closes the connections with a hint when to return; at once,
   * unless `live.drain()` was waited for before. The engine stays open: whoever made it closes it.
   */
  close(): Promise<void>;
}

export interface ServerParts {
  /** `null`: the real-time part alone. */
  readonly engine: Engine | null;
  /** Default: in memory. */
  readonly storage?: Storage;
  readonly log?: Logger;
  /** By which keys and discovery documents are asked for. Default: one that asks no addresses but allowed ones. */
  readonly fetch?: Fetch;
}

/**
 * The whole server, ready to listen. Throws where it cannot be put together: a `SettingsError` too where it would
 * listen beyond this machine and let in everybody (`insecureOpen`).
 */
export async function createServer(settings: ServerSettings, parts: ServerParts): Promise<Server> {
  const { engine, storage, log = createLog(settings.logLevel) } = parts;
  const guarded = guardedFetch(settings);
  const authenticator =
    settings.authenticator ?? (await configuredAuthenticator(settings, parts.fetch ?? guarded.fetch));
  refuseOpenDoor(authenticator, settings.host, settings.insecureOpen ?? false);
  const proxyTrust = createProxyTrust(settings.trustedProxies ?? []);
  const tls = readTlsFiles(settings);
  const options = {
    genReqId: () => randomUUID(),
    trustProxy: (address: string) => proxyTrust.isTrusted(address),
    bodyLimit: SERVER_LIMITS.maxBodyBytes,
    requestTimeout: SERVER_LIMITS.requestTimeoutMs,
    keepAliveTimeout: SERVER_LIMITS.keepAliveTimeoutMs,
    http: {
      maxHeaderSize: SERVER_LIMITS.maxHeaderBytes,
      headersTimeout: SERVER_LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: SERVER_LIMITS.timeoutCheckIntervalMs,
    },
    clientErrorHandler: answerBrokenRequest,
    // Connections that are kept alive and idle must not hold up the end.
    forceCloseConnections: "idle",
    routerOptions: { ignoreTrailingSlash: true },
  } as const;
  const app: FastifyInstance =
    tls === null
      ? Fastify(options)
      : Fastify({ ...options, serverFactory: (handler: RequestListener) => createTlsServer(tls, handler) });
  boundOpenSockets(app.server, SERVER_LIMITS.openHttpSocketsCount);
  mountNotFound(app);
  mountTransportSecurity(app);
  let live: Live | null = null;
  await app.register(sparqlLive, {
    ...settings,
    authenticator,
    drainGraceMs: settings.drainGraceMs ?? (isLoopback(settings.host) ? 0 : SERVER_LIMITS.drainGraceMs),
    engine,
    ...(storage === undefined ? {} : { storage }),
    log,
    refuseForeignUpgrades: true,
    onLive: (mounted) => {
      live = mounted;
    },
  });
  if (live === null) throw new Error("nothing was mounted");
  const mounted: Live = live;
  return {
    app,
    live: mounted,
    async listen() {
      await app.listen({ host: settings.host, port: settings.port });
      const url = urlOf(tls === null ? "http" : "https", app.server.address(), settings.host);
      log.info({ url }, "listening");
      return url;
    },
    reloadTls() {
      const files = readTlsFiles(settings);
      if (files === null || !(app.server instanceof TlsServer)) return;
      app.server.setSecureContext(files);
      log.info("the certificate was read again");
    },
    async close() {
      // A request that is sent drop by drop is never idle.
      const overdue = setTimeout(() => app.server.closeAllConnections(), SERVER_LIMITS.shutdownTimeoutMs);
      await app.close();
      clearTimeout(overdue);
      await guarded[Symbol.asyncDispose]();
    },
  };
}

/** What discovery names beside the issuer is checked, as what a client names. */
function guardedFetch({ authIssuer, authJwks, allowedNetworks = [] }: ServerSettings): GuardedFetch {
  const named = [authIssuer, authJwks]
    .filter((place) => typeof place === "string")
    .filter((place) => URL.canParse(place));
  return createGuardedFetch({ guard: createNetworkGuard({ allowedNetworks }), trustedUrls: named });
}

function urlOf(scheme: "http" | "https", address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === "string") return `${scheme}://${host}`;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${scheme}://${name}:${address.port}`;
}
