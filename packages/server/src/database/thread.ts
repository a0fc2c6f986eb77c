import { Worker } from "node:worker_threads";
import type { Call, FromWorker, ToWorker, WorkerInput } from "./messages.js";

/** The built module, from `src` (tests) as well as from `dist`: Node's threads do not run TypeScript. */
const WORKER_URL = new URL("../../dist/database/worker.js", import.meta.url);

interface DatabaseThreadEvents {
  message(message: FromWorker): void;
  /** Once, whatever the reason; no other event follows. `cause` where it did not end by itself. */
  ended(cause: unknown): void;
}

/** The thread that owns the file. Opens it at once. */
export interface DatabaseThread {
  /** One batch at a time. */
  run(calls: readonly Call[], nowMs: number): void;
  /** Ends it after the batch that is under way. */
  close(): void;
  /** Ends it in the middle of whatever it does. */
  terminate(): Promise<void>;
  /** Whether it keeps the process alive. Default `true`. */
  keepAlive(wanted: boolean): void;
}

export type StartThread = (input: WorkerInput, events: DatabaseThreadEvents) => DatabaseThread;

export const startDatabaseThread: StartThread = (input, events) => startThreadOf(WORKER_URL, input, events);

/** `module`: what the thread runs. */
export function startThreadOf(module: URL, input: WorkerInput, events: DatabaseThreadEvents): DatabaseThread {
  // Flags of the process (such as --input-type) are not for this thread and may keep it from starting.
  const worker = new Worker(module, { workerData: input, execArgv: [], name: "store" });
  let cause: unknown;
  worker.on("message", events.message);
  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", () => events.ended(cause));
  const send = (message: ToWorker) => worker.postMessage(message);
  return {
    run: (calls, nowMs) => send({ kind: "batch", nowMs, calls }),
    close: () => send({ kind: "close" }),
    terminate: async () => {
      await worker.terminate();
    },
    keepAlive(wanted) {
      if (wanted) worker.ref();
      else worker.unref();
    },
  };
}
