import { Worker } from "node:worker_threads";
import { EngineFailure } from "../../failure.js";
import type { LabelReply, LabelRequest, LabelWorkerData } from "./messages.js";

/** The same way from `src/terms/labels/` and from `dist/terms/labels/`. */
const WORKER_URL = new URL("../../../dist/terms/labels/worker.js", import.meta.url);

/** Requests that may wait for the worker; a search takes milliseconds, so more mean that something is wrong. */
const MAX_PENDING = 10_000;

type Ask<T = LabelRequest> = T extends LabelRequest ? Omit<T, "id"> : never;

/** One worker thread that holds names. It keeps the process alive only while a request is under way. */
export interface LabelWorker {
  /** Throws `query_cancelled` as soon as the signal aborts, `worker_crashed` when the thread is gone. */
  request(ask: Ask, signal: AbortSignal): Promise<LabelReply>;
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (reply: LabelReply) => void;
  readonly reject: (failure: EngineFailure) => void;
}

export function startLabelWorker(data: LabelWorkerData): LabelWorker {
  // Flags of the process (such as --input-type) are not for this thread and may keep it from starting.
  const worker = new Worker(WORKER_URL, { workerData: data, execArgv: [] });
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let gone: EngineFailure | null = null;
  worker.unref();

  const settle = (id: number): Pending | undefined => {
    const waiting = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) worker.unref();
    return waiting;
  };
  const end = (failure: EngineFailure) => {
    gone ??= failure;
    for (const id of [...pending.keys()]) settle(id)?.reject(gone);
  };
  worker.on("message", (reply: LabelReply) => {
    const waiting = settle(reply.id);
    if (reply.type === "failed")
      waiting?.reject(new EngineFailure("internal_error", `The label index failed: ${reply.message}`));
    else waiting?.resolve(reply);
  });
  worker.on("error", (cause) => {
    end(new EngineFailure("worker_crashed", "The thread of the label index broke down.", { cause }));
  });
  worker.on("exit", () => {
    end(
      new EngineFailure(
        "worker_crashed",
        "The thread of the label index has ended. Open the endpoint again.",
      ),
    );
  });

  return {
    request(ask, signal) {
      if (gone !== null) return Promise.reject(gone);
      if (signal.aborted) return Promise.reject(cancelled());
      if (pending.size >= MAX_PENDING) {
        return Promise.reject(
          new EngineFailure("too_many_queries", "Too many label searches are waiting. Try again."),
        );
      }
      const id = nextId;
      nextId += 1;
      return new Promise<LabelReply>((resolve, reject) => {
        const abort = () => settle(id)?.reject(cancelled());
        const release = () => signal.removeEventListener("abort", abort);
        signal.addEventListener("abort", abort, { once: true });
        pending.set(id, {
          resolve: (reply) => {
            release();
            resolve(reply);
          },
          reject: (failure) => {
            release();
            reject(failure);
          },
        });
        worker.ref();
        worker.postMessage({ ...ask, id });
      });
    },
    async close() {
      end(new EngineFailure("endpoint_unavailable", "The label index is closed."));
      await worker.terminate();
    },
  };
}

function cancelled(): EngineFailure {
  return new EngineFailure("query_cancelled", "The label search was cancelled.");
}
