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
import { mountNotFound, sparqlLive } from "./plugin.js";

export type ServerSettings = Omit<LiveOptions, "engine" | "storage" | "log"> &
  Pick<Settings, "host" | "port" | "logLevel" | "allowedOrigins"> &
  Partial<Pick<Settings, "adminKey" | "adminKeyInAddress">>;

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
}

/** The whole server, ready to listen. Throws where it cannot be put together. */
export async function createServer(settings: ServerSettings, parts: ServerParts): Promise<Server> {
  const { engine, storage, log = createLog(settings.logLevel) } = parts;
  const app = Fastify({
    bodyLimit: SERVER_LIMITS.maxBodyBytes,
    // Connections that are kept alive and idle must not hold up the end.
    forceCloseConnections: "idle",
    routerOptions: { ignoreTrailingSlash: true },
  });
  mountNotFound(app);
  let live: Live | null = null;
  await app.register(sparqlLive, {
    ...settings,
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
    },
  };
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === "string") return `http://${host}`;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}
