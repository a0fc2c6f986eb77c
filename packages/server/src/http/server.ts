import type { AddressInfo } from "node:net";
import { createGuardedFetch, createNetworkGuard, type Engine, type GuardedFetch } from "@sparql-live/engine";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { type AuthSettings, configuredAuthenticator, refuseOpenDoor } from "../auth/configured.js";
import type { Fetch } from "../auth/json-document.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import type { LiveOptions } from "../live-options.js";
import { createLog } from "../log.js";
import type { Settings } from "../settings/table.js";
import type { Storage } from "../storage.js";
import { answerBrokenRequest } from "./broken-requests.js";
import { boundOpenSockets } from "./open-sockets.js";
import { mountNotFound, sparqlLive } from "./plugin.js";

/** Where no `authenticator` is given, it is what the settings ask for. */
export type ServerSettings = Omit<LiveOptions, "engine" | "storage" | "log"> &
  Pick<Settings, "host" | "port" | "logLevel" | "allowedOrigins"> &
  Partial<Pick<Settings, "adminKey" | "allowedNetworks" | "compression" | "insecureOpen">> &
  Partial<AuthSettings>;

export interface Server {
  /** To mount more beside it before it listens. */
  readonly app: FastifyInstance;
  readonly live: Live;
  /** Listens; settles with the address, for example `http://127.0.0.1:8000`. Rejects where the port is taken. */
  listen(): Promise<string>;
  /**
   * Stops accepting, cancels and tells running queries, closes the connections with a hint when to return. The
   * engine stays open: whoever made it closes it.
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
  const app = Fastify({
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
  });
  boundOpenSockets(app.server, SERVER_LIMITS.openHttpSocketsCount);
  mountNotFound(app);
  let live: Live | null = null;
  await app.register(sparqlLive, {
    ...settings,
    authenticator,
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
      const url = urlOf(app.server.address(), settings.host);
      log.info({ url }, "listening");
      return url;
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

function urlOf(address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === "string") return `http://${host}`;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}
