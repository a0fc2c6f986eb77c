import { parentPort, workerData } from "node:worker_threads";
import type { FromWorker, ToWorker, WorkerInput } from "./messages.js";
import { openTables, type Tables } from "./open-tables.js";
import { codeOf, isCorruption, StorageError, toStorageError } from "./storage-error.js";

/** Owns the file: one transaction for each batch of operations. */
function serve(port: NonNullable<typeof parentPort>, input: WorkerInput): void {
  const send = (message: FromWorker) => port.postMessage(message);
  const refuse = (error: unknown) => {
    const { code, detail } = toStorageError(error, input.path);
    send({ kind: "refused", failure: { code, detail } });
    port.close();
  };
  let tables: Tables;
  try {
    tables = openTables(input);
  } catch (error) {
    refuse(error);
    return;
  }
  const { transactions, queuedCount, close } = tables;
  send({ kind: "opened", queuedCount });
  port.on("message", (message: ToWorker) => {
    if (message.kind === "close") {
      close();
      port.close();
      return;
    }
    try {
      send({ kind: "done", ...transactions.run(message.calls, message.nowMs) });
    } catch (error) {
      // Other faults end the thread; the next one opens the file anew.
      if (!isCorruption(codeOf(error))) throw error;
      refuse(new StorageError("corrupt", input.path, error instanceof Error ? error.message : ""));
    }
  });
}

if (parentPort !== null) serve(parentPort, workerData as WorkerInput);
