import { Worker } from "node:worker_threads";
import { EngineFailure } from "../../failure.js";
import type { LoadProgress } from "./loader.js";
import {
  type DataRequest,
  type FromWorker,
  fromRecord,
  type Reply,
  type ToWorker,
  type WorkerInput,
} from "./messages.js";

/** The built module, from `src` (tests) as well as from `dist`: Node's threads do not run TypeScript. */
const WORKER_URL = new URL("../../../dist/endpoints/embedded/worker.js", import.meta.url);

export interface DataThreadEvents {
  progress(progress: LoadProgress): void;
  loaded(triples: number): void;
  /** Once, whatever the reason; `loadFailure` where the data could not be read. No other event follows. */
  ended(cause: unknown, loadFailure: EngineFailure | undefined): void;
}

/** One worker thread with its own store. Loads at once. */
export interface DataThread {
  /** One at a time. Rejects with `worker_crashed` when the thread ends before it has answered. */
  ask(message: DataRequest): Promise<Reply>;
  /** The query is not needed any more. */
  drop(): void;
  /** Ends the thread in the middle of whatever it does, and frees its memory. */
  terminate(): Promise<void>;
}

export function startDataThread(
  input: WorkerInput,
  maxOldGenerationSizeMb: number,
  events: DataThreadEvents,
): DataThread {
  const worker = new Worker(WORKER_URL, {
    workerData: input,
    resourceLimits: { maxOldGenerationSizeMb },
    name: "sparql-data",
  });
  let asked: { resolve(reply: Reply): void; reject(failure: EngineFailure): void } | null = null;
  let cause: unknown;
  let loadFailure: EngineFailure | undefined;

  worker.on("message", (message: FromWorker) => {
    switch (message.kind) {
      case "loading":
        events.progress(message.progress);
        break;
      case "loaded":
        events.loaded(message.triples);
        break;
      case "load_failed":
        loadFailure = fromRecord(message.failure);
        break;
      default: {
        const waiting = asked;
        asked = null;
        waiting?.resolve(message);
      }
    }
  });
  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", () => {
    asked?.reject(crash(cause));
    asked = null;
    events.ended(cause, loadFailure);
  });

  const send = (message: ToWorker) => worker.postMessage(message);
  return {
    ask(message) {
      return new Promise((resolve, reject) => {
        asked = { resolve, reject };
        send(message);
      });
    },
    drop: () => send({ kind: "drop" }),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

export function crash(cause: unknown): EngineFailure {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new EngineFailure(
    "worker_crashed",
    `The worker that ran the query ended unexpectedly${reason}. The same query may work again; if it does not, ask for less.`,
    { cause },
  );
}
