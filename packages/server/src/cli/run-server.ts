import { styleText } from "node:util";
import { createEngine, type Engine, EngineFailure } from "@sparql-live/engine";
import type { Logger } from "pino";
import { StorageError } from "../database/storage-error.js";
import { engineOptionsOf } from "../engine-options.js";
import { openFileStorage } from "../file-storage.js";
import { createServer, type Server } from "../http/server.js";
import { createLog } from "../log.js";
import { createMemoryStorage } from "../memory-storage.js";
import { readSettings } from "../settings/read.js";
import { retentionBoundsOf } from "../settings/retention.js";
import type { Settings } from "../settings/table.js";
import type { Storage } from "../storage.js";
import { defaultStorePath } from "../user-folders.js";
import { createEphemeralVault, createVault, secretOfFile, type Vault } from "../vault.js";
import { UsageError } from "./exit.js";
import { listenForShutdown } from "./shutdown.js";

/** From the settings to the end of the server. Settles with the exit code. */
export async function runServer({ config, ...flags }: Record<string, unknown>): Promise<number> {
  const settings = readSettings({
    flags,
    env: process.env,
    ...(typeof config === "string" ? { configFile: config } : {}),
  });
  const shutdown = listenForShutdown();
  const log = createLog(settings.logLevel);
  const storage = await openStorage(settings, log);
  const engine = createEngine(engineOptionsOf(settings));
  let server: Server;
  let url: string;
  try {
    server = await createServer({ ...settings, vault: openVault(settings) }, { engine, storage, log });
    url = await server.listen();
  } catch (error) {
    await engine.close();
    await storage.close();
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new UsageError(`port ${settings.port} is taken; choose another with --port`);
    }
    throw error;
  }
  announce(url);
  process.on("SIGHUP", () => {
    try {
      server.reloadTls();
    } catch (error) {
      log.error({ err: error }, "the certificate could not be read again; the one before stays");
    }
  });
  const warming = new AbortController();
  warmUp(engine, warming.signal).catch((error: unknown) => {
    if (warming.signal.aborted) return;
    const failure = error instanceof EngineFailure ? `${error.message} ${error.detail ?? ""}` : String(error);
    process.stderr.write(`sparql-live: ${failure.trimEnd()}\n`);
    log.error({ err: error }, "the data could not be loaded");
  });
  await Promise.race([shutdown.asked, server.live.drained]);
  warming.abort();
  return await shutdown.carryOut(async (options) => {
    await server.live.drain(options);
    await server.close();
    await Promise.all([engine.close(), storage.close()]);
  });
}

async function openStorage(settings: Settings, log: Logger): Promise<Storage> {
  const { store } = settings;
  const bounds = retentionBoundsOf(settings);
  const onFault = (error: unknown) => log.error({ err: error }, "the store failed behind");
  if (store === "memory") return createMemoryStorage({ bounds, onFault });
  try {
    return await openFileStorage(store ?? defaultStorePath(), { bounds, onFault });
  } catch (error) {
    if (error instanceof StorageError) throw new UsageError(error.message);
    throw error;
  }
}

/** A backup holds the store and not the key beside it: who has that alone reads no credentials. */
function openVault({ store, secretKey, formerSecretKeys }: Settings): Vault {
  if (secretKey !== null) return createVault(secretKey, formerSecretKeys);
  if (store === "memory") return createEphemeralVault();
  return createVault(secretOfFile(`${store ?? defaultStorePath()}.key`), formerSecretKeys);
}

/** Learns the local data before the first question comes, so that it is not the asker who waits. */
async function warmUp(engine: Engine, signal: AbortSignal): Promise<void> {
  await engine.ready();
  await engine.endpoints.get("local")?.labels(signal);
}

function announce(url: string): void {
  const bold = (text: string) => styleText("bold", text);
  process.stderr.write(
    [
      "",
      `  ${bold("sparql-live")} is at ${bold(url)}`,
      "",
      "  Three things to try:",
      `  1. Open ${url} and ask: Which human proteins are associated with Alzheimer disease?`,
      `  2. npx sparql-live ask "How many proteins are there in yeast?" --server ${url.replace(/^http/, "ws")}`,
      `  3. curl -H 'Accept: text/csv' '${url}/sparql' --data-urlencode 'query=SELECT * { ?s a ?class } LIMIT 5'`,
      "",
      "  Ctrl-C ends it.",
      "",
      "",
    ].join("\n"),
  );
}
