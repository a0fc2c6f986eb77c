import { createReadStream, createWriteStream, existsSync, mkdirSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { checkBackup, makeStoreOf } from "../database/backup-file.js";
import { StorageError } from "../database/storage-error.js";
import { openFileStorage } from "../file-storage.js";
import { readSettings } from "../settings/read.js";
import { defaultStorePath } from "../user-folders.js";
import { EXIT, interruptSignal, UsageError } from "./exit.js";
import { createProgress, type Progress } from "./progress.js";
import { writeWholeFile } from "./whole-file.js";

export interface RestoreOptions {
  readonly store?: string;
  readonly config?: string;
  readonly force?: boolean;
}

/** Settles with the exit code. */
export async function restore(
  file: string,
  { store, config, force = false }: RestoreOptions,
): Promise<number> {
  const settings = readSettings({
    flags: store === undefined ? {} : { store },
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
  });
  if (settings.store === "memory") throw new UsageError("name the file of the store with --store");
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const path = resolve(settings.store ?? defaultStorePath());
  const interrupt = interruptSignal();
  const { signal } = interrupt;
  const progress = createProgress();
  try {
    progress.step(`checking ${file}`);
    checkBackup(file);
    if (force && existsSync(path)) await refuseWhileInUse(path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await writeWholeFile(path, { overwrites: force, signal }, async (partialPath) => {
      await copy(file, partialPath, progress, signal);
      progress.step("giving its logs new epochs");
      makeStoreOf(partialPath);
    });
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    if (error instanceof StorageError) throw new UsageError(error.message);
    throw error;
  } finally {
    interrupt.release();
  }
  progress.step(`${path} is as it was in ${file}`);
  return EXIT.answered;
}

/** A damaged one may be replaced all the same: that is what backups are for. */
async function refuseWhileInUse(path: string): Promise<void> {
  try {
    await (await openFileStorage(path)).close();
  } catch (error) {
    if (error instanceof StorageError && error.code === "in_use") {
      throw new UsageError(`the store ${path} is in use; end the server that uses it first`);
    }
  }
}

async function copy(from: string, to: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const { size } = await stat(from);
  let doneBytes = 0;
  progress.step("copying");
  await pipeline(
    createReadStream(from),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        doneBytes += chunk.byteLength;
        progress.bytes(doneBytes, size);
        yield chunk;
      }
    },
    createWriteStream(to),
    { signal },
  );
}
