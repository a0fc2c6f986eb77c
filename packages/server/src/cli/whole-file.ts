import { existsSync, rmSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { UsageError } from "./exit.js";

/**
 * Writes a file that is there whole or not at all: under another name beside it, then renamed. However the process
 * ends, nothing half-written is left. Throws `UsageError` where the file is there and may not be overwritten, and the
 * reason of the signal.
 */
export async function writeWholeFile(
  path: string,
  { overwrites, signal }: { readonly overwrites: boolean; readonly signal: AbortSignal },
  write: (partialPath: string) => Promise<void>,
): Promise<void> {
  if (!overwrites && existsSync(path)) {
    throw new UsageError(`${path} is there already; name another file, or overwrite it with --force`);
  }
  const partialPath = `${path}.partial-${process.pid}`;
  const discard = () => {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(`${partialPath}${suffix}`, { force: true });
  };
  process.on("exit", discard);
  try {
    const file = await create(partialPath);
    await file.close();
    await write(partialPath);
    signal.throwIfAborted();
    // What a write-ahead log of the file before has not carried over must not be taken for this one's.
    for (const suffix of ["-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
    await rename(partialPath, path);
  } finally {
    discard();
    process.off("exit", discard);
  }
}

async function create(path: string) {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`nothing can be written beside the file that you named (${reason})`);
  }
}
