import { createWriteStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { checkBackup } from "../database/backup-file.js";
import { StorageError } from "../database/storage-error.js";
import { openFileStorage } from "../file-storage.js";
import { readSettings } from "../settings/read.js";
import { envOf } from "../settings/table.js";
import { defaultStorePath } from "../user-folders.js";
import { EXIT, interruptSignal, UsageError } from "./exit.js";
import { createProgress, megabytes, type Progress } from "./progress.js";
import { writeWholeFile } from "./whole-file.js";

export interface BackupOptions {
  readonly store?: string;
  readonly server?: string;
  readonly config?: string;
  readonly force?: boolean;
}

/** Settles with the exit code. */
export async function backUp(
  path: string,
  { store, server, config, force = false }: BackupOptions,
): Promise<number> {
  const settings = readSettings({
    flags: store === undefined ? {} : { store },
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
  });
  const interrupt = interruptSignal();
  const { signal } = interrupt;
  const progress = createProgress();
  try {
    await writeWholeFile(path, { overwrites: force, signal }, async (partialPath) => {
      if (server === undefined) await copyStore(settings.store ?? defaultStorePath(), partialPath, progress);
      else await download(server, settings.adminKey, partialPath, { progress, signal });
      signal.throwIfAborted();
      progress.step("checking");
      checkBackup(partialPath);
    });
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.release();
  }
  progress.step(`${path} is written (${megabytes((await stat(path)).size)})`);
  return EXIT.answered;
}

async function copyStore(store: string, partialPath: string, progress: Progress): Promise<void> {
  if (store === "memory" || !existsSync(store)) {
    throw new UsageError(`there is no store ${store}; name its file with --store, or a server with --server`);
  }
  progress.step(`copying ${store}`);
  try {
    const storage = await openFileStorage(store);
    try {
      await storage.backUp(partialPath);
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code !== "in_use") throw new UsageError(error.message);
    throw new UsageError(
      `the store ${store} is in use; name the server that uses it with --server, and its admin key in ${envOf("adminKey")}`,
    );
  }
}

interface Download {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function download(
  server: string,
  adminKey: string | null,
  partialPath: string,
  { progress, signal }: Download,
): Promise<void> {
  if (adminKey === null) {
    throw new UsageError(`a server is backed up with its admin key: set ${envOf("adminKey")}`);
  }
  const url = addressOf(server);
  progress.step(`asking ${url}`);
  const answer = await ask(url, adminKey, signal);
  const totalBytes = Number(answer.headers.get("content-length"));
  let doneBytes = 0;
  await pipeline(
    Readable.fromWeb(bodyOf(answer)),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        doneBytes += chunk.byteLength;
        progress.bytes(doneBytes, totalBytes);
        yield chunk;
      }
    },
    createWriteStream(partialPath, { flush: true }),
    { signal },
  );
}

async function ask(url: string, adminKey: string, signal: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers: { authorization: `Bearer ${adminKey}` }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new UsageError(`${url} cannot be reached; is the server running?`);
  }
  if (answer.ok) return answer;
  if (answer.status === 404) {
    throw new UsageError(
      `${url} is not there for this admin key; set the one that the server was started with`,
    );
  }
  throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
}

function bodyOf({ body }: Response): NonNullable<Response["body"]> {
  if (body === null) throw new Error("The server answered with nothing.");
  return body;
}

function addressOf(server: string): string {
  if (!/^(http|ws)s?:\/\//.test(server)) {
    throw new UsageError(`--server takes an address such as http://127.0.0.1:8000, not "${server}"`);
  }
  return `${server.replace(/^ws/, "http").replace(/\/$/, "")}/api/ws/backup`;
}
