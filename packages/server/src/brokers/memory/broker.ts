import type { Broker } from "../../broker.js";
import { SERVER_LIMITS } from "../../limits.js";
import type { StorageOptions } from "../../storage.js";
import { STORAGE_BOUNDS } from "../../storage-bounds.js";
import { warn } from "../followers.js";
import { createMemoryLogs } from "./logs.js";
import { createMemoryPresence } from "./presence.js";
import { createMemoryQueues } from "./queues.js";
import { createMemoryRunRecords } from "./run-records.js";

/** Everything in this process, and gone with it. Its timer does not keep the process alive. */
export function createMemoryBroker({
  bounds: given = {},
  nowMs = Date.now,
  onFault = warn,
}: StorageOptions = {}): Broker {
  const bounds = { ...STORAGE_BOUNDS, ...given };
  const logs = createMemoryLogs(bounds, nowMs, onFault);
  const queues = createMemoryQueues(bounds, nowMs);
  const runs = createMemoryRunRecords(bounds, nowMs);
  const timer = setInterval(() => {
    logs.expire();
    queues.expire();
    runs.expire();
  }, SERVER_LIMITS.sweepIntervalMs);
  timer.unref();
  return {
    kind: "memory",
    logs,
    queues,
    presence: createMemoryPresence(onFault),
    runs,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}
