import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import { createDeadline } from "./deadline.js";
import type { Call, FromWorker, Outcome, WorkerInput } from "./messages.js";
import type { OperationName, Operations } from "./operations.js";
import { StorageError } from "./storage-error.js";
import type { DatabaseThread, StartThread } from "./thread.js";

export interface DatabaseOptions extends WorkerInput {
  readonly start: StartThread;
  readonly nowMs: () => number;
  /** The file was opened, for the first time or again. */
  readonly onOpened: (queuedCount: number) => void;
  /**
   * The file answers, for the first time or again. `lost` are the calls that were being committed at a fault: they
   * were refused, and what they did can be looked up now, before anything else is done.
   */
  readonly onAnswering: (lost: readonly Call[]) => void;
  /** Told when the thread died or does not answer, and when damage is found. */
  readonly onFault: (error: unknown) => void;
}

/** The file, by way of the thread that owns it. */
export interface Database {
  /**
   * Settles when it is committed. What is asked while a transaction is being committed makes up the next one, in
   * the order of the calls. `bytes`: those of the request, about. Rejects with `storage_full` or `unavailable`, with
   * that also where the thread has not answered in time.
   */
  request<K extends OperationName>(
    name: K,
    request: Operations[K]["request"],
    bytes?: number,
  ): Promise<Operations[K]["result"]>;
  /** `false` while it does not answer or is opened again, and when it will not be opened any more. */
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
  /** A batch has not been answered in time. Its answer, when it comes, ends this. */
  | { readonly kind: "stalled"; readonly thread: DatabaseThread }
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
  onAnswering,
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
    if (inFlight.length > 0 || state.kind === "closing") answer.await();
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
      case "done":
        answered(from.outcomes, from.damages);
    }
  };

  const answered = (outcomes: readonly Outcome[], damages: readonly string[]) => {
    answer.came();
    const settled = inFlight;
    inFlight = [];
    failureCount = 0;
    const isLate = state.kind === "stalled";
    if (state.kind === "stalled") state = { kind: "ready", thread: state.thread };
    // The thread goes on with the next batch while this one is told.
    flush();
    for (const detail of damages) onFault(new StorageError("corrupt", input.path, detail));
    settled.forEach((pending, index) => {
      settle(pending, outcomes[index]);
    });
    if (isLate) answering();
  };

  const ready = (queuedCount: number) => {
    if (state.kind !== "opening") return;
    state = { kind: "ready", thread: state.thread };
    state.thread.keepAlive(false);
    onOpened(queuedCount);
    answering();
    first?.resolve();
    first = null;
  };

  const answering = () => {
    const calls = lost;
    lost = [];
    onAnswering(calls);
  };

  /** What is being committed may be stored all the same; what waits for it is not. */
  const refuseAll = (message: string) => {
    const failure = unavailable(message);
    lost.push(...inFlight.map(({ call }) => call));
    for (const { reject } of [...inFlight.splice(0), ...waiting.splice(0)]) reject(failure);
    waitingBytes = 0;
  };

  const stall = () => {
    refuseAll(REASONS.stalled);
    if (state.kind !== "ready" && state.kind !== "closing") return;
    const { thread } = state;
    thread.keepAlive(false);
    onFault(new Error(`The store ${input.path} does not answer; its disk may hang.`));
    if (state.kind === "ready") {
      state = { kind: "stalled", thread };
      return;
    }
    const { ended: tell } = state;
    state = { kind: "closed" };
    void thread.terminate();
    tell();
  };
  const answer = createDeadline(SERVER_LIMITS.storageAnswerTimeoutMs, stall);

  const ended = (cause: unknown) => {
    answer.came();
    refuseAll(refusal?.message ?? REASONS.restarting);
    if (state.kind === "closed") return;
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
      case "ready":
      case "stalled": {
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
  stalled: "The store does not answer. Send it again under the same id when it does.",
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
