import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Call, FromWorker, Outcome, WorkerInput } from "./messages.js";
import type { OperationName, Operations } from "./operations.js";
import { StorageError } from "./storage-error.js";
import type { DatabaseThread, StartThread } from "./thread.js";

export interface DatabaseOptions extends WorkerInput {
  readonly start: StartThread;
  readonly nowMs: () => number;
  /** The file was opened, for the first time or again; `lost` are the calls that were being committed at a fault. */
  readonly onOpened: (queuedCount: number, lost: readonly Call[]) => void;
  /** Told when the thread died, and when damage is found. */
  readonly onFault: (error: unknown) => void;
}

/** The file, by way of the thread that owns it. */
export interface Database {
  /**
   * Settles when it is committed. What is asked while a transaction is being committed makes up the next one, in
   * the order of the calls. `bytes`: those of the request, about. Rejects with `storage_full` or `unavailable`.
   */
  request<K extends OperationName>(
    name: K,
    request: Operations[K]["request"],
    bytes?: number,
  ): Promise<Operations[K]["result"]>;
  /** `false` while it is opened again after a fault, and when it will not be opened any more. */
  readonly isReady: boolean;
  /** Commits what waits, then closes the file. */
  close(): Promise<void>;
}

interface Pending {
  readonly call: Call;
  readonly resolve: (result: unknown) => void;
  readonly reject: (failure: ProtocolFailure) => void;
}

type State =
  | { readonly kind: "opening"; readonly thread: DatabaseThread }
  | { readonly kind: "ready"; readonly thread: DatabaseThread }
  | { readonly kind: "restarting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "closing"; readonly thread: DatabaseThread; readonly ended: () => void }
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "closed" };

/** `opened` settles when the file is open; it rejects with `StorageError` where it cannot be. */
export interface OpeningDatabase {
  readonly database: Database;
  readonly opened: Promise<void>;
}

/** Opens the file. After a fault later on the thread is started again, after a while. */
export function openDatabase({
  start,
  nowMs,
  onOpened,
  onFault,
  ...input
}: DatabaseOptions): OpeningDatabase {
  let waiting: Pending[] = [];
  let waitingBytes = 0;
  let inFlight: Pending[] = [];
  let scheduled = false;
  let lost: Call[] = [];
  let refusal: StorageError | null = null;
  let failureCount = 0;
  /** Settles the promise of the first opening. */
  let first: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;

  const open = (): State => {
    refusal = null;
    const thread = start(input, { message, ended });
    return { kind: "opening", thread };
  };

  const flush = () => {
    scheduled = false;
    if ((state.kind !== "ready" && state.kind !== "closing") || inFlight.length > 0) return;
    const { thread } = state;
    if (waiting.length > 0) {
      inFlight = waiting;
      waiting = [];
      waitingBytes = 0;
      thread.run(
        inFlight.map(({ call }) => call),
        nowMs(),
      );
    } else if (state.kind === "closing") thread.close();
    thread.keepAlive(inFlight.length > 0 || state.kind === "closing");
  };

  const message = (from: FromWorker) => {
    switch (from.kind) {
      case "opened":
        ready(from.queuedCount);
        break;
      case "refused":
        refusal = new StorageError(from.failure.code, input.path, from.failure.detail);
        break;
      case "done": {
        const settled = inFlight;
        inFlight = [];
        failureCount = 0;
        // The thread goes on with the next batch while this one is told.
        flush();
        for (const detail of from.damages) onFault(new StorageError("corrupt", input.path, detail));
        settled.forEach((pending, index) => {
          settle(pending, from.outcomes[index]);
        });
      }
    }
  };

  const ready = (queuedCount: number) => {
    if (state.kind !== "opening") return;
    state = { kind: "ready", thread: state.thread };
    state.thread.keepAlive(false);
    const calls = lost;
    lost = [];
    onOpened(queuedCount, calls);
    first?.resolve();
    first = null;
  };

  const ended = (cause: unknown) => {
    const failure = unavailable(refusal?.message ?? REASONS.restarting);
    lost.push(...inFlight.map(({ call }) => call));
    for (const { reject } of [...inFlight.splice(0), ...waiting.splice(0)]) reject(failure);
    waitingBytes = 0;
    if (state.kind === "closing") {
      const { ended: tell } = state;
      state = { kind: "closed" };
      tell();
      return;
    }
    const error = refusal ?? cause ?? new Error(`The thread of the store ${input.path} has ended.`);
    if (first !== null) {
      state = { kind: "closed" };
      first.reject(error);
      return;
    }
    onFault(error);
    state = refusal !== null && isForGood(refusal) ? { kind: "broken", message: refusal.message } : restart();
  };

  const restart = (): State => {
    const delayMs = SERVER_LIMITS.threadRestartDelayMs * 2 ** failureCount;
    failureCount++;
    const timer = setTimeout(
      () => {
        state = open();
      },
      Math.min(delayMs, SERVER_LIMITS.maxThreadRestartDelayMs),
    );
    timer.unref();
    return { kind: "restarting", timer };
  };

  const close = (): Promise<void> => {
    switch (state.kind) {
      case "restarting":
        clearTimeout(state.timer);
        state = { kind: "closed" };
        return Promise.resolve();
      case "opening":
      case "ready": {
        const { thread } = state;
        return new Promise((resolve) => {
          state = { kind: "closing", thread, ended: resolve };
          flush();
        });
      }
      case "closing":
      case "broken":
      case "closed":
        return Promise.resolve();
    }
  };

  const opened = new Promise<void>((resolve, reject) => {
    first = { resolve, reject };
  });
  let state = open();
  let closing: Promise<void> | null = null;

  const database: Database = {
    request(name, request, bytes = 0) {
      if (state.kind !== "ready") {
        return Promise.reject(unavailable(state.kind === "broken" ? state.message : REASONS[state.kind]));
      }
      const full = waitingBytes > 0 && waitingBytes + bytes > SERVER_LIMITS.waitingOperationsBytes;
      if (full || waiting.length >= SERVER_LIMITS.waitingOperationsCount) {
        return Promise.reject(unavailable("Too much waits to be stored. Try again in a moment."));
      }
      // `name` and `request` belong together by the signature.
      const call = { name, request } as Call;
      waitingBytes += bytes;
      if (!scheduled) {
        scheduled = true;
        // After this turn's callbacks: what they ask for goes along.
        setImmediate(flush);
      }
      return new Promise((resolve, reject) => {
        waiting.push({ call, resolve: resolve as Pending["resolve"], reject });
      });
    },
    get isReady() {
      return state.kind === "ready";
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
  return { database, opened };
}

const REASONS = {
  opening: "The store is being opened again after a fault. Try again in a moment.",
  restarting: "The store is being opened again after a fault. Try again in a moment.",
  closing: "The store is closed.",
  closed: "The store is closed.",
} as const;

function settle({ resolve, reject }: Pending, outcome: Outcome | undefined): void {
  if (outcome === undefined) reject(unavailable("The store gave no answer."));
  else if (outcome.done) resolve(outcome.result);
  else reject(new ProtocolFailure(outcome.code, outcome.message));
}

/** Opening it again would find the same. */
function isForGood({ code }: StorageError): boolean {
  return code === "corrupt" || code === "newer_version" || code === "not_ours";
}

function unavailable(message: string): ProtocolFailure {
  return new ProtocolFailure("unavailable", message);
}
