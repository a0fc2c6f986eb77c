import type { Broker } from "./broker.js";
import type { StorageBounds } from "./storage-bounds.js";
import type { Store } from "./store.js";

/** Both ports over one place. */
export interface Storage {
  /** To dispose of it is to close the storage. */
  readonly broker: Broker;
  /** To dispose of it is to close the storage. */
  readonly store: Store;
  /**
   * Writes all that is committed now into a file of its own, which is empty or not there. Rejects with `storage_full`,
   * `unavailable`, and in memory with `feature_unavailable`.
   */
  backUp(path: string): Promise<void>;
  /** Stores what waits to be stored, then takes nothing more. */
  close(): Promise<void>;
}

export interface StorageOptions {
  /** Those that are not named have their defaults. */
  readonly bounds?: Partial<StorageBounds>;
  /** Wall clock, milliseconds since 1970. Default `Date.now`. */
  readonly nowMs?: () => number;
  /**
   * Told what followers throw and, of a file, what went wrong with it: `StorageError` where it is damaged, another
   * error where its thread died or does not answer. Default: a warning of the process.
   */
  readonly onFault?: (error: unknown) => void;
}
