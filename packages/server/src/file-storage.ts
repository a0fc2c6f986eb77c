import { resolve } from "node:path";
import type { Broker } from "./broker.js";
import { createFileLogs } from "./brokers/file/logs.js";
import { createFileQueues } from "./brokers/file/queues.js";
import { createFileRunRecords } from "./brokers/file/run-records.js";
import { warn } from "./brokers/followers.js";
import { createMemoryPresence } from "./brokers/memory/presence.js";
import { type Database, openDatabase } from "./database/database.js";
import { type StartThread, startDatabaseThread } from "./database/thread.js";
import { SERVER_LIMITS } from "./limits.js";
import type { Storage, StorageOptions } from "./storage.js";
import { STORAGE_BOUNDS } from "./storage-bounds.js";
import type { Store } from "./store.js";
import {
  createFileAnalytics,
  createFileEndpoints,
  createFileHistory,
  createFileRevocations,
  createFileRooms,
} from "./stores/file/records.js";

/**
 * Opens or makes the file. Everything but presence is in it, and one process has it at a time. Rejects with
 * `StorageError` where it cannot be used. Idle it does not keep the process alive.
 */
export function openFileStorage(path: string, options: StorageOptions = {}): Promise<Storage> {
  return openFileStorageWith(startDatabaseThread, path, options);
}

export async function openFileStorageWith(
  start: StartThread,
  path: string,
  { bounds: given = {}, nowMs = Date.now, onFault = warn }: StorageOptions,
): Promise<Storage> {
  const bounds = { ...STORAGE_BOUNDS, ...given };
  const { database, opened } = openDatabase({
    path: resolve(path),
    bounds,
    openedAtMs: nowMs(),
    start,
    nowMs,
    onFault,
    onOpened: (queuedCount) => queues.counted(queuedCount),
    onAnswering: (lost) => logs.lookUp(lost),
  });
  const logs = createFileLogs(database, bounds, nowMs, onFault);
  const queues = createFileQueues(database);
  await opened;

  const stopSweeping = sweepRegularly(database, queues.counted);
  const close = () => {
    stopSweeping();
    return database.close();
  };
  const broker: Broker = {
    kind: "file",
    logs,
    queues,
    presence: createMemoryPresence(onFault),
    runs: createFileRunRecords(database),
    [Symbol.asyncDispose]: close,
  };
  const store: Store = {
    rooms: createFileRooms(database),
    history: createFileHistory(database),
    endpoints: createFileEndpoints(database),
    async scrub() {
      await database.request("checkpoint", null);
    },
    revocations: createFileRevocations(database),
    analytics: createFileAnalytics(database),
    [Symbol.asyncDispose]: close,
  };
  const backUp = async (to: string) => {
    await database.request("backUp", { path: resolve(to) });
  };
  return { broker, store, backUp, close };
}

function sweepRegularly(database: Database, counted: (queuedCount: number) => void): () => void {
  const sweep = async () => {
    let more = true;
    while (more) {
      const { result, totalCount } = await database.request("sweep", null);
      counted(totalCount);
      more = result.more;
    }
  };
  // Where it cannot be done now (the disk is full, the thread is being started again) the next one does it.
  const timer = setInterval(() => void sweep().catch(() => undefined), SERVER_LIMITS.sweepIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
