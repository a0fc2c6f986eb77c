import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Engine } from "@sparql-live/engine";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import type { LiveOptions } from "../live-options.js";
import { createLog } from "../log.js";
import type { Settings } from "../settings/table.js";
import type { Storage } from "../storage.js";
import { createProxyTrust } from "./client-address.js";
import { mountNotFound, sparqlLive } from "./plugin.js";
import { mountTransportSecurity } from "./security-headers.js";
import { readTlsFiles } from "./tls.js";

export type ServerSettings = Omit<LiveOptions, "engine" | "storage" | "log" | "drainGraceMs"> &
  Pick<Settings, "host" | "port" | "logLevel" | "allowedOrigins"> &
  Partial<Pick<Settings, "adminKey" | "drainGraceMs" | "trustedProxies" | "tlsCert" | "tlsKey">>;

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
}

/** The whole server, ready to listen. Throws where it cannot be put together. */
export async function createServer(settings: ServerSettings, parts: ServerParts): Promise<Server> {
  const { engine, storage, log = createLog(settings.logLevel) } = parts;
  const proxyTrust = createProxyTrust(settings.trustedProxies ?? []);
  const tls = readTlsFiles(settings);
  const options = {
    genReqId: () => randomUUID(),
    trustProxy: (address: string) => proxyTrust.isTrusted(address),
    bodyLimit: SERVER_LIMITS.maxBodyBytes,
    // Connections that are kept alive and idle must not hold up the end.
    forceCloseConnections: "idle",
    routerOptions: { ignoreTrailingSlash: true },
  } as const;
  const app: FastifyInstance =
    tls === null
      ? Fastify(options)
      : Fastify({ ...options, serverFactory: (handler: RequestListener) => createTlsServer(tls, handler) });
  mountNotFound(app);
  mountTransportSecurity(app);
  let live: Live | null = null;
  await app.register(sparqlLive, {
    ...settings,
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
    },
  };
}

/** Nobody but this machine's own programs comes there, and they see at once what is. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function urlOf(scheme: "http" | "https", address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === "string") return `${scheme}://${host}`;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${scheme}://${name}:${address.port}`;
}
