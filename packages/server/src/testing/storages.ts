import { openFileStorage } from "../file-storage.js";
import { createMemoryStorage } from "../memory-storage.js";
import type { Storage, StorageOptions } from "../storage.js";
import { temporaryFolder } from "./temporary-folder.js";

interface OpenStorage extends Storage, AsyncDisposable {
  /** Closed and opened again; what is in memory alone stays as it is. */
  reopened(): Promise<OpenStorage>;
}

export interface StorageKind {
  readonly kind: "memory" | "file";
  open(options?: StorageOptions): Promise<OpenStorage>;
}

/** Everything that implements both ports. */
export const STORAGE_KINDS: readonly StorageKind[] = [
  {
    kind: "memory",
    async open(options) {
      const storage = createMemoryStorage(options);
      const open: OpenStorage = {
        ...storage,
        reopened: async () => open,
        [Symbol.asyncDispose]: storage.close,
      };
      return open;
    },
  },
  {
    kind: "file",
    async open(options) {
      const folder = await temporaryFolder();
      const openAgain = async (): Promise<OpenStorage> => {
        const storage = await openFileStorage(folder.path("store.db"), options);
        return {
          ...storage,
          async reopened() {
            await storage.close();
            return openAgain();
          },
          async [Symbol.asyncDispose]() {
            await storage.close();
            await folder[Symbol.asyncDispose]();
          },
        };
      };
      return openAgain();
    },
  },
];

/** A wall clock that stands still until it is put on. */
export function createClock(startMs = 1_800_000_000_000) {
  let atMs = startMs;
  return {
    nowMs: () => atMs,
    pass(ms: number) {
      atMs += ms;
    },
  };
}
