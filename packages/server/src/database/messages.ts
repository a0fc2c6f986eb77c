import type { FailureCode } from "@sparql-live/protocol";
import type { StorageBounds } from "../storage-bounds.js";
import type { OperationName, Operations } from "./operations.js";
import type { StorageErrorCode } from "./storage-error.js";

/** What the thread that owns the file is started with; it opens it at once. */
export interface WorkerInput {
  readonly path: string;
  readonly bounds: StorageBounds;
  /** When this process opened it; stays as it was when the thread is started again. */
  readonly openedAtMs: number;
}

export type Call = {
  readonly [K in OperationName]: { readonly name: K; readonly request: Operations[K]["request"] };
}[OperationName];

export type Outcome =
  | { readonly done: true; readonly result: unknown }
  | { readonly done: false; readonly code: FailureCode; readonly message: string };

/** `batch` is one transaction, answered with one `done` before the next is sent. After `close` the thread ends. */
export type ToWorker =
  | { readonly kind: "batch"; readonly nowMs: number; readonly calls: readonly Call[] }
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "opened"; readonly queuedCount: number }
  /** It could not be opened, or is found to be damaged: the thread ends. */
  | { readonly kind: "refused"; readonly failure: StorageFailure }
  | { readonly kind: "done"; readonly outcomes: readonly Outcome[]; readonly damages: readonly string[] };

/** A `StorageError` as it crosses between threads. */
interface StorageFailure {
  readonly code: StorageErrorCode;
  readonly detail: string;
}
