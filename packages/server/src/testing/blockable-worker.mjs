// The thread that owns the file of a store, which stands still before a message while its gate is closed.
import { parentPort, workerData } from "node:worker_threads";

const { gate } = workerData;
parentPort.on("message", () => Atomics.wait(gate, 0, 1));
await import("../../dist/database/worker.js");
